"""New orders into the book: one statement, whether for one order or for hundreds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from orders.domain.order import FulfilmentState, ImportState, Order
from orders.storage.rows import reference_columns
from spojka.api.orders.v1 import order_pb2
from spojka.database import Connection, Database
from spojka.outbox import Event, lane_of
from spojka.telemetry import current_traceparent

OrderKey = tuple[str, str]
"""What names an order once and for all: channel id and channel order id."""


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order to be placed, under the version of its channel that it was decided with."""

    order: Order
    message: order_pb2.Order
    event: Event
    channel_version: int
    fingerprint: bytes
    summary: str


@dataclass(frozen=True, slots=True)
class KnownOrder:
    """An order that is in the book."""

    message: order_pb2.Order
    fingerprint: bytes


_INPUT: Final = {
    "id": "uuid",
    "channel_id": "text",
    "channel_version": "bigint",
    "channel_order_id": "text",
    "fingerprint": "bytea",
    "number": "text",
    "variable_symbol": "text",
    "invoice_number": "text",
    "invoice_variable_symbol": "text",
    "gateway_reference": "text",
    "payment_state": "smallint",
    "value": "bytea",
    "summary": "text",
    "lane": "smallint",
    "event_id": "uuid",
    "event": "bytea",
}
_ONE: Final = "SELECT " + ", ".join(f"%({n})b::{kind} AS {n}" for n, kind in _INPUT.items())
_MANY: Final = (
    f"SELECT * FROM unnest({', '.join(f'%({n})b::{kind}[]' for n, kind in _INPUT.items())})"
    f" AS input ({', '.join(_INPUT)})"
)

# An order goes in under the very version of its channel that it was decided
# with, so that the channel is there and its rule is the one that was applied.
# Sorted, so that two batches can't wait for each other. The outbox numbers are
# drawn after the rows are in.
_PLACE: Final = """
    WITH input AS ({source}),
    placed AS (
        INSERT INTO order_book (
            tenant_id, id, channel_id, channel_order_id, fingerprint, number, variable_symbol,
            invoice_number, invoice_variable_symbol, gateway_reference, payment_state,
            fulfilment_state, import_state, value)
        SELECT channel.tenant_id, input.id, channel_id, channel_order_id, fingerprint, number,
               variable_symbol, invoice_number, invoice_variable_symbol, gateway_reference,
               payment_state, {open}, {local}, value
        FROM input JOIN channel ON channel.tenant_id = %(tenant)b
            AND channel.id = input.channel_id AND channel.version = input.channel_version
        ORDER BY channel_order_id, channel_id
        ON CONFLICT (tenant_id, channel_order_id, channel_id) DO NOTHING
        RETURNING id
    ),
    told AS (
        INSERT INTO history (tenant_id, order_id, revision, time, actor, summary)
        SELECT %(tenant)b, id, 1, %(time)b, %(actor)b, summary FROM input JOIN placed USING (id)
    ),
    sent AS (
        INSERT INTO outbox (lane, topic, key, type, id, time, traceparent, value)
        SELECT lane, %(topic)b, %(tenant_text)b || '/' || id, %(type)b, event_id, %(time)b,
               %(traceparent)b, event
        FROM input JOIN placed USING (id)
    )
    SELECT id FROM placed
"""
_CONSTANTS: Final = {"open": int(FulfilmentState.OPEN), "local": int(ImportState.LOCAL)}
_PLACE_ONE: Final = _PLACE.format(source=_ONE, **_CONSTANTS).encode()
_PLACE_MANY: Final = _PLACE.format(source=_MANY, **_CONSTANTS).encode()


async def insert_orders(
    database: Database, tenant: UUID, actor: str, orders: Sequence[NewOrder], now: datetime
) -> set[UUID]:
    """Place orders of different keys with their history and events; returns the ids that went in.

    All of them, or none where it fails: the statement is a transaction of its own.

    An order does not go in where its key is there already, or where its
    channel is not at the version any more.
    """
    if not orders:
        return set()
    rows = [_row(order) for order in orders]
    values: Mapping[str, Any] = (
        rows[0] if len(rows) == 1 else {name: [row[name] for row in rows] for name in _INPUT}
    )
    event = orders[0].event
    placed = await database.alone(
        tenant,
        _PLACE_ONE if len(rows) == 1 else _PLACE_MANY,
        {
            **values,
            "tenant": tenant,
            "tenant_text": str(tenant),
            "time": now,
            "actor": actor,
            "topic": event.topic.value,
            "type": event.type,
            "traceparent": current_traceparent(),
        },
    )
    return {row[0] for row in placed}


async def known_orders(
    connection: Connection, tenant: UUID, keys: Iterable[OrderKey]
) -> dict[OrderKey, KnownOrder]:
    """Those orders of the book that have these keys."""
    pairs = list(keys)
    cursor = await connection.execute(
        """
        SELECT value, fingerprint
        FROM unnest(%b::text[], %b::text[]) AS wanted (channel_id, channel_order_id)
        JOIN order_book USING (channel_id, channel_order_id)
        WHERE tenant_id = %s
        """,
        [[channel_id for channel_id, _ in pairs], [order_id for _, order_id in pairs], tenant],
    )
    known = [
        KnownOrder(order_pb2.Order.FromString(value), fingerprint)
        for value, fingerprint in await cursor.fetchall()
    ]
    return {(each.message.channel_id, each.message.channel_order_id): each for each in known}


def _row(new: NewOrder) -> dict[str, Any]:
    content = new.order.content
    return {
        "id": new.order.id,
        "channel_id": content.channel_id,
        "channel_version": new.channel_version,
        "channel_order_id": content.channel_order_id,
        "fingerprint": new.fingerprint,
        "number": content.number,
        **reference_columns(new.order.references),
        "payment_state": int(new.order.payment_state),
        "value": new.message.SerializeToString(),
        "summary": new.summary,
        "lane": lane_of(new.event.key),
        "event_id": new.event.id,
        "event": new.event.message,
    }
