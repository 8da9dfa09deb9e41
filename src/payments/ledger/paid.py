"""What is paid of an order, and what that makes of it: pure."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from payments.matching.coverage import coverage
from payments.matching.values import Payable, PaymentState, Rules
from payments.storage.orders import OrderRow
from spojka.values import ZERO

_COVERED = frozenset({PaymentState.PAID, PaymentState.OVERPAID})


def paid_by(order: OrderRow, change: Decimal, rules: Rules, now: datetime) -> OrderRow:
    """The order once `change` more of it is paid; no change evaluates it anew.

    Its `payment_revision` grows where the order book is to be told. Raises
    ValueError where less than nothing would be paid.
    """
    before = order.payable
    paid = before.paid + change
    if paid < 0:
        raise ValueError(f"order {before.number}: {paid} {before.currency} can't be paid of it")
    state = coverage(before.total, paid, rules.tolerances.get(before.currency, ZERO))
    after = replace(before, paid=paid, state=state)
    after = replace(after, close_time=closed_since(after, now))
    told = (paid, state) != (before.paid, before.state)
    return replace(order, payable=after, payment_revision=order.payment_revision + told)


def closed_since(order: Payable, now: datetime) -> datetime | None:
    """Since when the order awaits no money: as before, or `now`; None while it does."""
    if not order.cancelled and order.state not in _COVERED:
        return None
    return order.close_time or now
