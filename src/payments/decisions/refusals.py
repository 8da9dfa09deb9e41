"""Why a decision can't be made, and what to do instead."""

from uuid import UUID

from payments.decisions.standing import OrderStanding, Standing
from payments.matching.values import PaymentStatus
from spojka.errors import FailedPrecondition, NotFound


def require_money(payment: Standing) -> None:
    """Raise FailedPrecondition where the payment has no money that could be given to anybody."""
    status = payment.disposition.status
    if status == PaymentStatus.DISCARDED:
        raise FailedPrecondition(
            "the payment was laid aside; undo that decision first", reason="PAYMENT_DISCARDED"
        )
    if status == PaymentStatus.REVERSED:
        raise FailedPrecondition(
            "the bank or the gateway took this payment back; there is no money to give",
            reason="PAYMENT_REVERSED",
        )
    if not payment.incoming or status == PaymentStatus.OUTGOING:
        raise FailedPrecondition(
            "this movement brought no money that could pay an order; it is written down only",
            reason="PAYMENT_PAYS_NOTHING",
        )


def require_fit(payment: Standing, order: OrderStanding) -> None:
    """Raise FailedPrecondition where the order can't take this payment's money at all."""
    facts = {"order_id": str(order.id), "order_number": order.number}
    if order.cancelled:
        raise FailedPrecondition(
            f"order {order.number} is cancelled and takes no money; give the money back, keep it "
            "as credit, or place the order anew and match the payment to the new one",
            reason="ORDER_CANCELLED",
            metadata=facts,
        )
    if order.currency != payment.currency:
        raise FailedPrecondition(
            f"order {order.number} is in {order.currency}, the payment in {payment.currency}; "
            "choose an order in the payment's currency, or have the order placed in it",
            reason="CURRENCY_DIFFERS",
            metadata=facts,
        )


def no_order(order_id: UUID) -> NotFound:
    """The order book, as payments know it, has no such order."""
    return NotFound(
        f"there is no order {order_id}; one that was placed a moment ago may still be on its way",
        reason="ORDER_NOT_FOUND",
    )
