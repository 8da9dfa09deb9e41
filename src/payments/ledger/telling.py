"""The events of the topic `spojka.payments.v1`."""

from collections.abc import Sequence
from uuid import UUID

from payments.decisions.effect import NewLine
from payments.matching.values import PaymentStatus
from payments.messages.matching import money_message
from payments.messages.payment import payment_message
from payments.storage.lines import LedgerLine
from payments.storage.orders import OrderRow
from payments.storage.payments import PaymentRow
from spojka.api.orders.v1.order_pb2 import PaymentState
from spojka.api.payments.v1 import events_pb2
from spojka.outbox import Event
from spojka.topics import Topic
from spojka.values import Money


def received_event(tenant: UUID, payment: PaymentRow) -> Event:
    """A payment became known: said once for each."""
    message = events_pb2.PaymentReceived(tenant_id=str(tenant), payment=payment_message(payment))
    return Event.of(Topic.PAYMENTS, _key(tenant, payment.id), message)


def payment_events(
    tenant: UUID,
    before: PaymentRow,
    after: PaymentRow,
    lines: Sequence[LedgerLine],
    new: Sequence[NewLine],
) -> list[Event]:
    """What is told of a payment: that orders were given of it, or that it was taken back.

    `lines` are all of its lines, the `new` ones among them.
    """
    message = payment_message(after, lines)
    key = _key(tenant, after.id)
    if after.disposition.status is PaymentStatus.REVERSED is not before.disposition.status:
        taken_back = events_pb2.PaymentReversed(
            tenant_id=str(tenant), payment=message, reason=message.verdict.summary
        )
        return [Event.of(Topic.PAYMENTS, key, taken_back)]
    if any(line.order_id is not None and line.amount > 0 for line in new):
        matched = events_pb2.PaymentMatched(tenant_id=str(tenant), payment=message)
        return [Event.of(Topic.PAYMENTS, key, matched)]
    return []


def order_event(tenant: UUID, order: OrderRow, payment_ids: Sequence[UUID]) -> Event:
    """What is paid of an order in all, and by which payments."""
    payable = order.payable
    message = events_pb2.OrderPaymentChanged(
        tenant_id=str(tenant),
        order_id=payable.id,
        revision=order.payment_revision,
        amount_paid=money_message(Money(payable.currency, payable.paid)),
        payment_state=PaymentState.ValueType(payable.state),
        payment_ids=[str(payment_id) for payment_id in payment_ids],
    )
    return Event.of(Topic.PAYMENTS, _key(tenant, order.id), message)


def _key(tenant: UUID, subject: UUID) -> str:
    return f"{tenant}/{subject}"
