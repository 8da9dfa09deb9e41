"""The content of an order: messages to values and back."""

from decimal import Decimal

from orders.domain.content import (
    Address,
    Content,
    Customer,
    Line,
    LineKind,
    PaymentMethod,
    References,
    Wish,
)
from orders.domain.order import Deliveries
from orders.domain.total import total_of
from orders.messages.times import time_of
from spojka.api.orders.v1 import order_pb2
from spojka.errors import InvalidArgument, Violation
from spojka.values import format_decimal

_GOODS = LineKind.GOODS


def wish_of(message: order_pb2.Order) -> Wish:
    """The wish of an order that keeps the rules of its fields; output-only fields are ignored.

    Raises InvalidArgument on a time that is none.
    """
    try:
        order_time = time_of(message.order_time) if message.HasField("order_time") else None
    except ValueError as error:
        raise InvalidArgument([Violation("order_time", str(error))]) from error
    return Wish(content_of(message), order_time, references_of(message.references))


def content_of(message: order_pb2.Order) -> Content:
    """The content of an order that keeps the rules of its fields, with its defaults.

    Where they are absent, the number is the channel's order id, the goods go
    where the invoice goes, a line's id is its place counted from 1, and the
    total is what the lines add up to. The number is trimmed, as what people
    look for is.
    """
    lines = tuple(_line(line, place) for place, line in enumerate(message.lines, start=1))
    vat_included = message.prices_include_vat
    billing = _address(message.billing_address) if message.HasField("billing_address") else None
    return Content(
        channel_id=message.channel_id,
        channel_order_id=message.channel_order_id,
        number=message.number.strip() or message.channel_order_id.strip(),
        currency=message.currency,
        prices_include_vat=vat_included,
        customer=_customer(message.customer),
        billing_address=billing,
        shipping_address=(
            _address(message.shipping_address) if message.HasField("shipping_address") else billing
        ),
        lines=lines,
        shipping_method=message.shipping_method,
        payment_method=PaymentMethod(message.payment_method),
        payment_method_name=message.payment_method_name,
        total=(
            Decimal(message.total)
            if message.total
            else total_of(lines, prices_include_vat=vat_included)
        ),
        note=message.note,
    )


def references_of(message: order_pb2.OrderReferences) -> References:
    """The references that a message names; the invoice's number trimmed, as the order's is."""
    return References(
        message.variable_symbol,
        message.invoice_number.strip(),
        message.invoice_variable_symbol,
        message.gateway_reference,
    )


def references_message(references: References) -> order_pb2.OrderReferences:
    """The message of references."""
    return order_pb2.OrderReferences(
        variable_symbol=references.variable_symbol,
        invoice_number=references.invoice_number,
        invoice_variable_symbol=references.invoice_variable_symbol,
        gateway_reference=references.gateway_reference,
    )


def line_message(line: Line, deliveries: Deliveries) -> order_pb2.OrderLine:
    """The message of a line, with what of it has left the house."""
    return order_pb2.OrderLine(
        id=line.id,
        kind=order_pb2.LineKind.ValueType(line.kind),
        listing_id=line.listing_id,
        product_number=line.product_number,
        ean=line.ean,
        name=line.name,
        quantity=format_decimal(line.quantity),
        unit=line.unit,
        unit_price=format_decimal(line.unit_price),
        vat_rate="" if line.vat_rate is None else format_decimal(line.vat_rate),
        delivered=format_decimal(deliveries.of(line.id)),
    )


def customer_message(customer: Customer) -> order_pb2.Customer:
    """The message of a customer."""
    return order_pb2.Customer(
        name=customer.name,
        company=customer.company,
        company_id=customer.company_id,
        tax_id=customer.tax_id,
        vat_id=customer.vat_id,
        email=customer.email,
        phone=customer.phone,
    )


def address_message(address: Address | None) -> order_pb2.Address | None:
    """The message of an address, where there is one."""
    if address is None:
        return None
    return order_pb2.Address(
        name=address.name,
        company=address.company,
        street=address.street,
        city=address.city,
        postal_code=address.postal_code,
        country=address.country,
    )


def _customer(message: order_pb2.Customer) -> Customer:
    return Customer(
        message.name,
        message.company,
        message.company_id,
        message.tax_id,
        message.vat_id,
        message.email,
        message.phone,
    )


def _address(message: order_pb2.Address) -> Address:
    return Address(
        message.name,
        message.company,
        message.street,
        message.city,
        message.postal_code,
        message.country,
    )


def _line(message: order_pb2.OrderLine, place: int) -> Line:
    return Line(
        id=message.id or str(place),
        kind=LineKind(message.kind) if message.kind else _GOODS,
        listing_id=message.listing_id,
        product_number=message.product_number,
        ean=message.ean,
        name=message.name,
        quantity=Decimal(message.quantity),
        unit=message.unit,
        unit_price=Decimal(message.unit_price),
        vat_rate=Decimal(message.vat_rate) if message.vat_rate else None,
    )
