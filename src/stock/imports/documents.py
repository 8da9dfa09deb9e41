"""An order of the contracts as the document that warehouse systems take."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from spojka.api.orders.v1 import order_pb2
from spojka.values import parse_decimal
from stock.warehouses.port import (
    LineKind,
    OrderDocument,
    OrderLine,
    Party,
    PaymentMethod,
)

KINDS: Final = {
    order_pb2.LINE_KIND_UNSPECIFIED: LineKind.GOODS,
    order_pb2.LINE_KIND_GOODS: LineKind.GOODS,
    order_pb2.LINE_KIND_SHIPPING: LineKind.SHIPPING,
    order_pb2.LINE_KIND_PAYMENT_FEE: LineKind.PAYMENT_FEE,
    order_pb2.LINE_KIND_DISCOUNT: LineKind.DISCOUNT,
    order_pb2.LINE_KIND_SERVICE: LineKind.SERVICE,
}
METHODS: Final = {
    order_pb2.PAYMENT_METHOD_UNSPECIFIED: PaymentMethod.BANK_TRANSFER,
    order_pb2.PAYMENT_METHOD_BANK_TRANSFER: PaymentMethod.BANK_TRANSFER,
    order_pb2.PAYMENT_METHOD_GATEWAY: PaymentMethod.GATEWAY,
    order_pb2.PAYMENT_METHOD_CASH_ON_DELIVERY: PaymentMethod.CASH_ON_DELIVERY,
    order_pb2.PAYMENT_METHOD_MARKETPLACE: PaymentMethod.MARKETPLACE,
    order_pb2.PAYMENT_METHOD_CASH: PaymentMethod.CASH,
}


def order_document(
    order: order_pb2.Order,
    external_id: str,
    lines: Mapping[str, OrderLine] | None = None,
    *,
    zone: ZoneInfo,
    reserve: bool,
) -> OrderDocument:
    """The document of an order.

    `lines` are goods lines whose card is known, by line id; a line without one
    names its card as the order does. `zone` is where the merchant keeps books:
    it decides which day the order is of.
    """
    known = lines or {}
    billing = _party(order.billing_address, order.customer)
    shipping = None
    if order.HasField("shipping_address") and order.shipping_address != order.billing_address:
        shipping = _party(order.shipping_address, order_pb2.Customer(phone=order.customer.phone))
    return OrderDocument(
        external_id=external_id,
        number=order.number or order.channel_order_id,
        order_date=_day(order, zone),
        currency=order.currency,
        prices_include_vat=order.prices_include_vat,
        billing=billing,
        shipping=shipping,
        lines=tuple(
            known.get(line.id) or order_line(line, str(place))
            for place, line in enumerate(order.lines, 1)
        ),
        payment_method=METHODS[order.payment_method],
        payment_method_name=order.payment_method_name,
        shipping_method=order.shipping_method,
        note=order.note,
        channel=order.channel_id,
        reserve=reserve,
    )


def order_line(
    line: order_pb2.OrderLine,
    default_id: str = "",
    *,
    product_number: str | None = None,
    warehouse: str = "",
    card_id: str | None = None,
) -> OrderLine:
    """One line; `product_number` and `warehouse` as its item has them, where that is known."""
    return OrderLine(
        line_id=line.id or default_id,
        kind=KINDS[line.kind],
        text=line.name,
        quantity=parse_decimal(line.quantity),
        unit=line.unit,
        unit_price=parse_decimal(line.unit_price),
        vat_rate=_rate(line.vat_rate),
        product_number=line.product_number if product_number is None else product_number,
        ean=line.ean,
        warehouse=warehouse,
        card_id=card_id,
    )


def _rate(text: str) -> Decimal | None:
    return parse_decimal(text) if text else None


def _day(order: order_pb2.Order, zone: ZoneInfo) -> date:
    if order.HasField("order_time"):
        moment = order.order_time.ToDatetime(UTC)
    elif order.HasField("create_time"):
        moment = order.create_time.ToDatetime(UTC)
    else:
        moment = datetime.now(UTC)
    return moment.astimezone(zone).date()


def _party(address: order_pb2.Address, customer: order_pb2.Customer) -> Party:
    return Party(
        name=address.name or customer.name,
        company=address.company or customer.company,
        street=address.street,
        city=address.city,
        postal_code=address.postal_code,
        country=address.country,
        company_id=customer.company_id,
        tax_id=customer.tax_id,
        vat_id=customer.vat_id,
        email=customer.email,
        phone=customer.phone,
    )
