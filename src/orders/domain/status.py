"""The merchant's own status, as the tenant's or the channel's rule gives it."""

from dataclasses import dataclass
from typing import Final

from orders.domain.order import FulfilmentState, Order, PaymentState

SETTLED: Final = frozenset({PaymentState.PAID, PaymentState.OVERPAID})


@dataclass(frozen=True, slots=True)
class StatusRule:
    """Which status an order takes by itself; an empty one changes nothing."""

    placed: str = ""
    paid: str = ""
    paid_unless: tuple[str, ...] = ()
    delivered: str = ""
    cancelled: str = ""


def status_of_new(payment_state: PaymentState, rule: StatusRule) -> str:
    """The status of an order just placed; one with nothing to pay is paid from the start."""
    return _once_paid(rule.placed, rule) if payment_state in SETTLED else rule.placed


def status_after(before: Order, after: Order, rule: StatusRule) -> str:
    """The status that the step from `before` to `after` leaves.

    Only becoming paid, delivered or cancelled moves it, each once. The status
    of a delivered order stays when it is paid afterwards, where the rule knows
    one for delivered orders: payment after shipment sets nothing back, whether
    or not `paid_unless` names it, and whatever the rule said at the shipment.
    """
    status = after.status
    newly_paid = after.payment_state in SETTLED and before.payment_state not in SETTLED
    if newly_paid and not after.cancelled and not _shipped(before, rule):
        status = _once_paid(status, rule)
    if after.fulfilment_state is not before.fulfilment_state:
        if after.fulfilment_state is FulfilmentState.DELIVERED:
            status = rule.delivered or status
        elif after.cancelled:
            status = rule.cancelled or status
    return status


def _once_paid(status: str, rule: StatusRule) -> str:
    return status if status in rule.paid_unless else rule.paid or status


def _shipped(order: Order, rule: StatusRule) -> bool:
    delivered = order.fulfilment_state is FulfilmentState.DELIVERED
    return delivered and bool(rule.delivered)
