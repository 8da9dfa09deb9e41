"""The rules that the contracts state, checked on messages of the contracts."""

from decimal import Decimal
from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from spojka.api.orders.v1 import order_pb2, order_service_pb2
from spojka.api.stock.v1 import listing_service_pb2, warehouse_service_pb2
from spojka.errors import InvalidArgument
from spojka.rpc.validation import validate, violations_of
from spojka.values import format_decimal, parse_decimal


def order(**changes: Any) -> order_pb2.Order:
    line = order_pb2.OrderLine(name="Židle", quantity="1", unit_price="100")
    values: dict[str, Any] = {
        "channel_id": "shop-a",
        "channel_order_id": "1",
        "currency": "CZK",
        "customer": order_pb2.Customer(name="Jana"),
        "lines": [line],
        "payment_method": order_pb2.PAYMENT_METHOD_CASH,
    }
    return order_pb2.Order(**(values | changes))


def test_a_right_order_passes() -> None:
    validate(order_service_pb2.PlaceOrderRequest(order=order()))


def test_every_violated_field_is_named_at_once() -> None:
    bad = order(
        channel_id="Shop A",
        currency="czk",
        lines=[order_pb2.OrderLine(name="", quantity="0", unit_price="1,5", vat_rate="-1")],
    )
    with pytest.raises(InvalidArgument) as caught:
        validate(order_service_pb2.PlaceOrderRequest(order=bad))
    assert [violation.field for violation in caught.value.violations] == [
        "order.channel_id",
        "order.currency",
        "order.lines[0].name",
        "order.lines[0].quantity",
        "order.lines[0].unit_price",
        "order.lines[0].vat_rate",
    ]


def test_missing_required_fields_are_named() -> None:
    found = violations_of(order_pb2.Order(), "order")
    assert {violation.field for violation in found} >= {
        "order.channel_id",
        "order.customer",
        "order.lines",
        "order.payment_method",
    }


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (listing_service_pb2.PutListingsRequest(channel_id="a", listings=[]), "listings"),
        (
            listing_service_pb2.RemoveListingsRequest(channel_id="a", ids=["x"] * 5001),
            "ids",
        ),
        (warehouse_service_pb2.GetConnectionRequest(id="not-a-uuid"), "id"),
        (
            warehouse_service_pb2.CreateConnectionRequest(
                connection=warehouse_service_pb2.Connection(
                    system="pohoda", settings={"url": "x" * 1001}
                )
            ),
            "connection.settings[url]",
        ),
        (order_service_pb2.ListOrdersRequest(payment_state=99), "payment_state"),  # type: ignore[arg-type]
        (order_service_pb2.ListOrdersRequest(reference="a\x00b"), "reference"),
    ],
)
def test_limits_are_kept(message: Message, field: str) -> None:
    assert [violation.field for violation in violations_of(message)] == [field]


@given(st.decimals(min_value=-(10**14), max_value=10**14, places=6))
def test_a_decimal_is_written_plainly_and_read_back(value: Decimal) -> None:
    text = format_decimal(value)
    assert "E" not in text
    assert parse_decimal(text) == value
    assert text == format_decimal(parse_decimal(text))
    assert not (("." in text) and text.endswith("0"))
