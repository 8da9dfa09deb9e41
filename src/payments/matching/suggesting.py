"""What a person may want to do with a payment that stayed; Spojka never does it by itself."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import combinations
from typing import Final

from payments.matching.criteria import KNOWN_CUSTOMERS_MAX
from payments.matching.explain import amount_text, money_text, numbers_text
from payments.matching.finding import Findings, Hit, place_of
from payments.matching.fitting import CLOSED, Standing
from payments.matching.keys import SYMBOL_KINDS, near_symbols, order_keys
from payments.matching.names import Strength
from payments.matching.numbers import valid_symbol
from payments.matching.outcome import Outcome
from payments.matching.values import (
    AWAITING_NO_TRANSFER,
    Incoming,
    Payable,
    Suggestion,
)
from spojka.values import ZERO

SUGGESTIONS_MAX: Final = 10
SUMMED_ORDERS_MAX: Final = 12
"""Of one payer, the oldest first: 1,573 sums of two to five of them."""
SUMMANDS_MAX: Final = 5


def suggestions(
    incoming: Incoming, candidates: Sequence[Payable], findings: Findings, outcome: Outcome
) -> tuple[Suggestion, ...]:
    """The likeliest first, at most SUGGESTIONS_MAX, each set of orders once."""
    awaiting = sorted((order for order in candidates if _awaits(incoming, order)), key=place_of)
    ideas = (
        *_held(outcome),
        *_found(incoming, findings),
        *_near(incoming, awaiting),
        *_of_the_payer(incoming, awaiting),
        *_summed(incoming, awaiting),
        *_of_another_amount(findings),
    )
    chosen: dict[tuple[str, ...], Suggestion] = {}
    for idea in ideas:
        chosen.setdefault(idea.order_ids, idea)
    return tuple(chosen.values())[:SUGGESTIONS_MAX]


def _awaits(incoming: Incoming, order: Payable) -> bool:
    """Whether the order may be suggested although nothing names it."""
    return (
        order.open
        and order.currency == incoming.amount.currency
        and order.method not in AWAITING_NO_TRANSFER
        and order.id not in incoming.never
        and order.order_date <= incoming.value_date
    )


def _suggestion(orders: Sequence[Payable], reason: str) -> Suggestion:
    return Suggestion(
        tuple(order.id for order in orders), tuple(order.number for order in orders), reason
    )


def _held(outcome: Outcome) -> Iterator[Suggestion]:
    if outcome.held:
        text = f"The payer's text names {numbers_text(outcome.held)} and the amount fits."
        yield _suggestion(outcome.held, text)


def _found(incoming: Incoming, findings: Findings) -> Iterator[Suggestion]:
    """Named orders of the fitting amount that were not taken for another reason."""
    for hit in _distinct(findings.counting()):
        order, standing = hit.order, hit.fit.standing
        if not hit.fit.amount_agrees or standing in CLOSED:
            continue
        number = order.number or order.id
        reason = f"The payment names order {number} ({hit.said}) and the amount fits"
        if standing is Standing.OTHER_CURRENCY and incoming.original is not None:
            sent = money_text(incoming.original)
            reason = f"The payer sent {sent}, exactly what order {number} owes; the bank converted"
        elif standing is Standing.TOO_EARLY:
            reason += ", but the payment is older than the order"
        elif standing is Standing.NOT_AWAITED:
            reason += ", but no transfer was awaited"
        yield _suggestion([order], f"{reason}.")


def _near(incoming: Incoming, awaiting: Sequence[Payable]) -> Iterator[Suggestion]:
    """Symbols one slip away, of exactly the amount."""
    if not awaiting:
        return
    symbol = valid_symbol(incoming.variable_symbol)
    near = near_symbols(symbol)
    for order in awaiting:
        alike = sorted(
            key for kind, key in order_keys(order) if kind in SYMBOL_KINDS and key in near
        )
        if alike and order.due == incoming.amount.amount:
            reason = (
                f"Order {order.number or order.id} bears {alike[0]}, one slip away from the "
                f"variable symbol {symbol}, and owes exactly the amount."
            )
            yield _suggestion([order], reason)


def _of_the_payer(incoming: Incoming, awaiting: Sequence[Payable]) -> Iterator[Suggestion]:
    for order in _payers(incoming, awaiting):
        if order.due == incoming.amount.amount:
            reason = (
                "This account paid for the same customer before, and order "
                f"{order.number or order.id} owes exactly the amount."
            )
            yield _suggestion([order], reason)


def _summed(incoming: Incoming, awaiting: Sequence[Payable]) -> Iterator[Suggestion]:
    """Orders of one payer that owe exactly the amount together."""
    oldest = sorted(_payers(incoming, awaiting), key=lambda order: (order.order_time, order.id))
    orders = sorted(oldest[:SUMMED_ORDERS_MAX], key=place_of)
    dues = [(order, order.due) for order in orders]
    total = amount_text(incoming.amount.amount, incoming.amount.currency)
    for size in range(2, SUMMANDS_MAX + 1):
        for chosen in combinations(dues, size):
            if _sum(due for _, due in chosen) == incoming.amount.amount:
                summed = [order for order, _ in chosen]
                reason = (
                    f"The same customer's {numbers_text(summed)} owe {total} together, exactly "
                    "the amount."
                )
                yield _suggestion(summed, reason)


def _of_another_amount(findings: Findings) -> Iterator[Suggestion]:
    """Open orders that the text may name, of another amount."""
    hits = [hit for run in findings.runs for hit in run.hits if hit.strength > Strength.PAYER]
    for hit in _distinct(hits):
        if hit.fit.standing in {Standing.UNDER, Standing.OVER}:
            number = hit.order.number or hit.order.id
            reason = f"The payment may name order {number} ({hit.said}); the amount differs."
            yield _suggestion([hit.order], reason)


def _payers(incoming: Incoming, awaiting: Sequence[Payable]) -> Iterator[Payable]:
    known = incoming.known_customers
    if len(known) <= KNOWN_CUSTOMERS_MAX:
        yield from (order for order in awaiting if order.customer_key in known)


def _distinct(hits: Iterable[Hit]) -> list[Hit]:
    """The first hit on each order, in the order of lists."""
    first: dict[str, Hit] = {}
    for hit in hits:
        first.setdefault(hit.order.id, hit)
    return sorted(first.values(), key=lambda hit: place_of(hit.order))


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)
