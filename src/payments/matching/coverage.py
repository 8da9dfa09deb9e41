"""What is paid of an order, what is left of a payment: the guards of the ledger."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from payments.matching.values import PaymentState
from spojka.values import ZERO, format_decimal

TOLERATED_PERCENT_MAX: Final = Decimal(5)
"""Of an order's total. The order book believes no PAID that is further from the total."""


def tolerated(total: Decimal, tolerance: Decimal) -> Decimal:
    """The difference that makes an order no less paid: the tolerance, but a small part of it."""
    return min(tolerance, total * TOLERATED_PERCENT_MAX / 100)


def coverage(total: Decimal, paid: Decimal, tolerance: Decimal) -> PaymentState:
    """The payment state of an order; all amounts in its currency.

    An order of which nothing is to be paid is paid. REFUNDED is never answered:
    amounts can't say it.
    """
    if paid <= 0 < total:
        return PaymentState.UNPAID
    allowed = tolerated(total, tolerance)
    if paid < total - allowed:
        return PaymentState.PARTIAL
    return PaymentState.PAID if paid <= total + allowed else PaymentState.OVERPAID


def unallocated(amount: Decimal, allocations: Iterable[Decimal], credited: Decimal) -> Decimal:
    """What is left of a payment: amount = allocated + credited + unallocated, always.

    Raises ValueError where more is given away than came, or less than nothing.
    """
    allocated = sum(allocations, ZERO)
    rest = amount - allocated - credited
    if min(allocated, credited, rest) < 0:
        raise ValueError(
            f"a payment of {format_decimal(amount)} can't be split into "
            f"{format_decimal(allocated)} for orders and {format_decimal(credited)} of credit"
        )
    return rest
