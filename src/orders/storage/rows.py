"""An order as a row of the book: its message, and the columns drawn from it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from psycopg.types.json import Jsonb

from orders.domain.content import References
from orders.domain.order import Deliveries, Order
from orders.messages.order import order_of
from spojka.api.orders.v1 import order_pb2
from spojka.values import format_decimal, symbol_key

ORDER_COLUMNS: Final = "value, payment_revision, deliveries"


def order_of_row(row: tuple[Any, ...]) -> Order:
    """The order of a row of ORDER_COLUMNS."""
    value, payment_revision, deliveries = row
    return order_of(
        order_pb2.Order.FromString(value),
        payment_revision=payment_revision,
        deliveries=_deliveries(deliveries),
    )


def reference_columns(references: References) -> dict[str, str]:
    """The columns by which references are looked up."""
    return {
        "variable_symbol": symbol_key(references.variable_symbol),
        "invoice_number": references.invoice_number,
        "invoice_variable_symbol": symbol_key(references.invoice_variable_symbol),
        "gateway_reference": references.gateway_reference,
    }


def deliveries_column(deliveries: Deliveries) -> Jsonb | None:
    """What was said of deliveries; None while nothing was."""
    if deliveries == Deliveries():
        return None
    return Jsonb(
        {
            "warehouse": _texts(deliveries.warehouse),
            "channel": _texts(deliveries.channel),
            "complete": deliveries.complete,
            "revision": deliveries.revision,
        }
    )


def _deliveries(column: Mapping[str, Any] | None) -> Deliveries:
    if column is None:
        return Deliveries()
    return Deliveries(
        warehouse=_decimals(column["warehouse"]),
        channel=_decimals(column["channel"]),
        complete=column["complete"],
        revision=column["revision"],
    )


def _texts(quantities: Mapping[str, Decimal]) -> dict[str, str]:
    return {line_id: format_decimal(quantity) for line_id, quantity in quantities.items()}


def _decimals(texts: Mapping[str, str]) -> dict[str, Decimal]:
    return {line_id: Decimal(text) for line_id, text in texts.items()}
