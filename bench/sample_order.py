"""The order that the rows about orders and their payments place."""

from decimal import Decimal
from typing import Any, Final

from spojka.api.orders.v1 import order_pb2

CHANNEL: Final = "eshop-cz"
TOTAL: Final = Decimal("498.80")


def sample_order(channel_order_id: str, **fields: Any) -> order_pb2.Order:
    """As its channel sends it: 2 × 199.90 and carriage of 99, paid by bank transfer."""
    order = order_pb2.Order(
        channel_id=CHANNEL,
        channel_order_id=channel_order_id,
        currency="CZK",
        prices_include_vat=True,
        customer=order_pb2.Customer(name="Jan Novák", email="jan@example.cz"),
        billing_address=order_pb2.Address(
            name="Jan Novák", street="Dlouhá 1", city="Praha", postal_code="11000", country="CZ"
        ),
        lines=[
            order_pb2.OrderLine(
                product_number="NAR-0000001",
                name="Kladivo tesařské",
                quantity="2",
                unit_price="199.90",
                vat_rate="21",
            ),
            order_pb2.OrderLine(
                kind=order_pb2.LINE_KIND_SHIPPING,
                name="Zásilkovna",
                quantity="1",
                unit_price="99",
                vat_rate="21",
            ),
        ],
        payment_method=order_pb2.PAYMENT_METHOD_BANK_TRANSFER,
    )
    order.MergeFrom(order_pb2.Order(**fields))
    return order
