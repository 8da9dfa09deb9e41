"""Whole orders: messages to values and back."""

from decimal import Decimal
from uuid import UUID

from orders.domain.order import (
    Deliveries,
    FulfilmentState,
    Import,
    ImportState,
    Order,
    PaymentState,
)
from orders.messages.content import (
    address_message,
    content_of,
    customer_message,
    line_message,
    references_message,
    references_of,
)
from orders.messages.times import time_of
from spojka.api.orders.v1 import order_pb2
from spojka.times import timestamp
from spojka.values import format_decimal


def order_of(message: order_pb2.Order, *, payment_revision: int, deliveries: Deliveries) -> Order:
    """A stored order; the arguments are what its message does not carry."""
    return Order(
        id=UUID(message.id),
        content=content_of(message),
        order_time=time_of(message.order_time),
        references=references_of(message.references),
        status=message.status,
        create_time=time_of(message.create_time),
        update_time=time_of(message.update_time),
        revision=message.revision,
        content_revision=message.content_revision,
        payment_state=PaymentState(message.payment_state),
        fulfilment_state=FulfilmentState(message.fulfilment_state),
        amount_paid=Decimal(message.amount_paid),
        payment_revision=payment_revision,
        deliveries=deliveries,
        # The field bears a keyword of Python.
        imported=import_of(getattr(message, "import")),
    )


def message_of(order: Order) -> order_pb2.Order:
    """The message of an order."""
    content = order.content
    imported = {"import": import_message(order.imported)}
    updated = timestamp(order.update_time)
    created = updated if order.create_time == order.update_time else timestamp(order.create_time)
    return order_pb2.Order(
        id=str(order.id),
        channel_id=content.channel_id,
        channel_order_id=content.channel_order_id,
        number=content.number,
        order_time=timestamp(order.order_time),
        currency=content.currency,
        prices_include_vat=content.prices_include_vat,
        customer=customer_message(content.customer),
        billing_address=address_message(content.billing_address),
        shipping_address=address_message(content.shipping_address),
        lines=[line_message(line, order.deliveries) for line in content.lines],
        shipping_method=content.shipping_method,
        payment_method=order_pb2.PaymentMethod.ValueType(content.payment_method),
        payment_method_name=content.payment_method_name,
        total=format_decimal(content.total),
        note=content.note,
        references=references_message(order.references),
        revision=order.revision,
        payment_state=order_pb2.PaymentState.ValueType(order.payment_state),
        fulfilment_state=order_pb2.FulfilmentState.ValueType(order.fulfilment_state),
        status=order.status,
        amount_paid=format_decimal(order.amount_paid),
        create_time=created,
        update_time=updated,
        content_revision=order.content_revision,
        **imported,
    )


def import_of(message: order_pb2.OrderImport) -> Import:
    """The import record. Raises ValueError on a state that this version does not know."""
    return Import(
        ImportState(message.state),
        message.document_id,
        message.document_number,
        message.reason,
        message.revision,
        message.content_revision,
    )


def import_message(imported: Import) -> order_pb2.OrderImport:
    """The message of an import record."""
    return order_pb2.OrderImport(
        state=order_pb2.ImportState.ValueType(imported.state),
        document_id=imported.document_id,
        document_number=imported.document_number,
        reason=imported.reason,
        revision=imported.revision,
        content_revision=imported.content_revision,
    )
