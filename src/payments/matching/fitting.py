"""How one order stands to a payment, whatever named it."""

from dataclasses import dataclass
from datetime import UTC, date, timedelta
from decimal import Decimal
from enum import Enum, auto
from typing import Final

from payments.matching.coverage import tolerated
from payments.matching.values import AWAITING_NO_TRANSFER, Incoming, Payable, Rules
from spojka.values import ZERO, Money


class Standing(Enum):
    """What a payment is to an order."""

    # The payment may pay the order.
    EXACT = auto()
    TOLERATED = auto()
    UNDER = auto()
    OVER = auto()
    # It may, but not without a person.
    OTHER_CURRENCY = auto()
    NOT_AWAITED = auto()
    TOO_EARLY = auto()
    # The order awaits nothing any more.
    PAID = auto()
    CANCELLED = auto()
    EXPIRED = auto()
    # A person said that it is not this one.
    RULED_OUT = auto()


AGREEING: Final = frozenset({Standing.EXACT, Standing.TOLERATED})
PAYABLE: Final = AGREEING | {Standing.UNDER, Standing.OVER}
CLOSED: Final = frozenset({Standing.PAID, Standing.CANCELLED, Standing.EXPIRED})


@dataclass(frozen=True, slots=True)
class Fit:
    """One order beside the payment."""

    order: Payable
    standing: Standing
    amount_agrees: bool
    """Whether the payment is what the order owes; of a closed one, what it was worth."""
    given: Decimal = ZERO
    """What the payment can give to it: never more than is due."""
    stands_in_the_way: bool = False
    """Whether it is closed, and not so long ago that its names may serve another order."""


def fit_of(incoming: Incoming, order: Payable, rules: Rules) -> Fit:
    """Compare a payment and an order."""
    amount, due = incoming.amount.amount, order.due
    if order.id in incoming.never:
        return Fit(order, Standing.RULED_OUT, amount_agrees=False)
    closed = _closed(incoming, order, rules)
    if closed is not None:
        return closed
    if order.currency != incoming.amount.currency:
        agrees = incoming.original == Money(order.currency, due)
        return Fit(order, Standing.OTHER_CURRENCY, amount_agrees=agrees)
    if order.method in AWAITING_NO_TRANSFER:
        return Fit(order, Standing.NOT_AWAITED, amount_agrees=amount == due)
    if incoming.value_date < order.order_date:
        return Fit(order, Standing.TOO_EARLY, amount_agrees=amount == due)
    given = min(amount, due)
    if amount == due:
        return Fit(order, Standing.EXACT, amount_agrees=True, given=given)
    allowed = tolerated(order.total, rules.tolerances.get(order.currency, ZERO))
    if abs(amount - due) <= allowed:
        return Fit(order, Standing.TOLERATED, amount_agrees=True, given=given)
    standing = Standing.UNDER if amount < due else Standing.OVER
    return Fit(order, standing, amount_agrees=False, given=given)


def _closed(incoming: Incoming, order: Payable, rules: Rules) -> Fit | None:
    """How it stands if it is closed by the payment's value date; None while it is open."""
    since: date | None
    if order.open:
        if not rules.expire_after_days:
            return None
        since = order.order_date + timedelta(days=rules.expire_after_days)
        if incoming.value_date <= since:
            return None
        standing = Standing.EXPIRED
    else:
        since = None if order.close_time is None else order.close_time.astimezone(UTC).date()
        standing = Standing.CANCELLED if order.cancelled else Standing.PAID
    worth = order.due if standing is Standing.EXPIRED else order.total
    return Fit(
        order,
        standing,
        amount_agrees=incoming.amount == Money(order.currency, worth),
        stands_in_the_way=since is None
        or (incoming.value_date - since).days <= rules.reuse_after_days,
    )
