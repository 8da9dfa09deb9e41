"""The matcher's reasons in sentences for people."""

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Final

from payments.matching.coverage import tolerated
from payments.matching.criteria import Search
from payments.matching.fitting import Fit, Standing
from payments.matching.values import Criterion, Incoming, Payable, PaymentMethod, Rules
from spojka.values import ZERO, Money

SAID_MAX: Final = 8
"""Names and numbers in one sentence; the rest are counted."""

CRITERION_NAMES: Final = {
    Criterion.INVOICE_VARIABLE_SYMBOL: "invoice's variable symbol",
    Criterion.ORDER_VARIABLE_SYMBOL: "order's variable symbol",
    Criterion.INVOICE_NUMBER: "invoice number",
    Criterion.ORDER_NUMBER: "order number",
    Criterion.GATEWAY_REFERENCE: "gateway's reference",
    Criterion.COUNTER_ACCOUNT: "payer's account",
    Criterion.MESSAGE_PATTERN: "pattern on the message",
}
_NOTHING_SEARCHED: Final = {
    criterion: f"nothing: the payment has nothing to compare with the {name}"
    for criterion, name in CRITERION_NAMES.items()
}
_METHODS: Final = {
    PaymentMethod.CASH_ON_DELIVERY: "it is paid on delivery",
    PaymentMethod.MARKETPLACE: "the marketplace takes the money",
    PaymentMethod.CASH: "it is paid in cash",
}


@lru_cache(maxsize=256)
def amount_text(amount: Decimal, currency: str) -> str:
    """An amount for people: "1 250.00 CZK". One verdict says the same few again and again."""
    places = max(2, -int(amount.normalize().as_tuple().exponent))
    return f"{amount:,.{places}f} {currency}".replace(",", " ")


def money_text(money: Money) -> str:
    """As `amount_text`."""
    return amount_text(money.amount, money.currency)


def listed(texts: Sequence[str]) -> str:
    """A few names: "A, B and C"; many are cut short."""
    shown = list(texts[:SAID_MAX])
    if len(texts) > SAID_MAX:
        shown.append(f"{len(texts) - SAID_MAX} more")
    if len(shown) < 2:  # noqa: PLR2004 - one name needs no "and"
        return "".join(shown)
    return f"{', '.join(shown[:-1])} and {shown[-1]}"


def numbers_text(orders: Sequence[Payable]) -> str:
    """Orders by their numbers: "order A", "orders A and B"."""
    noun = "order" if len(orders) == 1 else "orders"
    return f"{noun} {listed([order.number or order.id for order in orders])}"


def searched_text(searches: Sequence[Search], criterion: Criterion) -> str:
    """What a criterion looked for."""
    if not searches:
        return _NOTHING_SEARCHED[criterion]
    return listed(list(dict.fromkeys(search.said for search in searches)))


def fit_text(incoming: Incoming, fit: Fit, rules: Rules, *, taken: bool = False) -> str:
    """How one order stands to the payment, in one sentence."""
    order, paid = fit.order, money_text(incoming.amount)
    name = f"Order {order.number or order.id}"
    owes = f"{name} owes {amount_text(order.due, order.currency)}"
    match fit.standing:
        case Standing.EXACT:
            judged = "paid exactly" if taken else "exactly as much"
            return f"{owes} and the payment is {paid}: {judged}."
        case Standing.TOLERATED:
            tolerance = rules.tolerances.get(order.currency, ZERO)
            allowed = amount_text(tolerated(order.total, tolerance), order.currency)
            return f"{owes} and the payment is {paid}: within the tolerance of {allowed}."
        case Standing.UNDER:
            rest = amount_text(order.due - incoming.amount.amount, order.currency)
            return f"{owes} and the payment is {paid}: {rest} too little."
        case Standing.OVER:
            rest = amount_text(incoming.amount.amount - order.due, order.currency)
            return f"{owes} and the payment is {paid}: {rest} too much."
        case Standing.OTHER_CURRENCY:
            return _currency_text(owes, incoming, fit)
        case Standing.NOT_AWAITED:
            method = _METHODS.get(order.method, "no transfer is awaited")
            return f"{owes}, but no transfer is awaited for it: {method}."
        case Standing.TOO_EARLY:
            return (
                f"{owes}, but it was ordered on {order.order_date} and the payment is of "
                f"{incoming.value_date}: money does not come before its order."
            )
        case _:
            return _closed_text(name, incoming, fit, rules)


def _currency_text(owes: str, incoming: Incoming, fit: Fit) -> str:
    paid = money_text(incoming.amount)
    if incoming.original is None:
        return f"{owes} and the payment is {paid}: another currency."
    sent = money_text(incoming.original)
    judged = "exactly what is owed" if fit.amount_agrees else "not what is owed"
    return f"{owes} and the payment is {paid}: another currency; the payer sent {sent}, {judged}."


def _closed_text(name: str, incoming: Incoming, fit: Fit, rules: Rules) -> str:
    order = fit.order
    since = "" if order.close_time is None else f" since {order.close_time.date()}"
    worth = amount_text(order.total, order.currency)
    if fit.standing is Standing.RULED_OUT:
        return f"{name} was ruled out for this payment by a person."
    if fit.standing is Standing.EXPIRED:
        return (
            f"{name} is of {order.order_date} and the payment of {incoming.value_date}: later than "
            f"the {rules.expire_after_days} days that the rules allow."
        )
    if fit.standing is Standing.CANCELLED:
        return f"{name} over {worth} is cancelled{since}; late money does not open it again."
    return f"{name} over {worth} is already paid{since}; this payment is not needed for it."
