"""Items decided and published: the one place where StockChanged is made.

The caller has locked the items (`lock_items`) and changed what it came to
change; here, in later statements, levels and holds are read, the rule decides,
and what differs from what was last published is written with its events.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from spojka.api.stock.v1 import events_pb2
from spojka.database import Connection
from spojka.outbox import lane_of, new_id
from spojka.tasks import Task, close_tasks, open_task
from spojka.telemetry import current_traceparent
from spojka.topics import Topic
from spojka.values import ZERO, format_decimal
from stock.connections.model import StockRule
from stock.domain.availability import ItemStock, WarehouseStock
from stock.levels.epoch import current_epoch

EVENT_TYPE: Final = events_pb2.StockChanged.DESCRIPTOR.full_name
SHORTAGE: Final = "stock.shortage"

_ITEMS: Final = """
    SELECT id, product_number, ean, name, unit, kind, removed, buffer, available, revision, content
    FROM item WHERE tenant_id = %s AND id = ANY(%s)
"""
_LEVELS: Final = """
    SELECT level.item_id, level.warehouse, level.available, level.as_of_time
    FROM level JOIN warehouse ON (warehouse.tenant_id, warehouse.connection_id, warehouse.code)
                               = (level.tenant_id, level.connection_id, level.warehouse)
    WHERE level.tenant_id = %s AND level.item_id = ANY(%s) AND warehouse.included
"""
_HOLDS: Final = """
    SELECT item_id, warehouse, sum(wanted - absorbed) FROM hold
    WHERE tenant_id = %s AND item_id = ANY(%s) AND wanted > absorbed
    GROUP BY item_id, warehouse
"""
_WRITE: Final = """
    WITH changed AS (
        SELECT * FROM unnest(%b::uuid[], %b::numeric[], %b::numeric[], %b::bigint[], %b::bytea[],
                             %b::bytea[], %b::timestamptz[], %b::smallint[], %b::text[], %b::uuid[])
            AS row (id, before, after, revision, content, value, as_of_time, lane, key, event_id)
    ), updated AS (
        UPDATE item SET available = changed.after, revision = changed.revision,
                        content = changed.content, as_of_time = changed.as_of_time,
                        xid = pg_current_xact_id()
        FROM changed WHERE item.tenant_id = %s AND item.id = changed.id
    ), moved AS (
        INSERT INTO movement (tenant_id, item_id, revision, before, after, cause)
        SELECT %s, id, revision, before, after, %s FROM changed
    )
    INSERT INTO outbox (lane, topic, key, type, id, time, traceparent, value)
    SELECT lane, %s, key, %s, event_id, now(), %s, value FROM changed
"""


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item as it is stored, before the decision."""

    id: UUID
    product_number: str
    ean: str
    name: str
    unit: str
    kind: str
    removed: bool
    buffer: Decimal | None
    available: Decimal
    revision: int
    content: bytes


@dataclass(frozen=True, slots=True)
class _Change:
    item: ItemRow
    available: Decimal
    content: bytes
    as_of_time: datetime | None


async def lock_items(connection: Connection, tenant_id: UUID, item_ids: Collection[UUID]) -> None:
    """Lock items in the order of their ids, so that two who lock several never deadlock."""
    if item_ids:
        await connection.execute(
            "SELECT FROM item WHERE tenant_id = %s AND id = ANY(%s) ORDER BY id FOR UPDATE",
            [tenant_id, list(item_ids)],
        )


async def publish(
    connection: Connection, rule: StockRule, item_ids: Collection[UUID], cause: str
) -> int:
    """Decide locked items and publish those that differ; returns how many did."""
    if not item_ids:
        return 0
    ids = sorted(item_ids)
    items = [ItemRow(*row) for row in await _rows(connection, _ITEMS, rule, ids)]
    times: dict[UUID, datetime] = {}
    stocks = await _stocks(connection, rule, ids, times)
    epoch = await current_epoch(connection)
    changes = []
    for item in items:
        stock = stocks.get(item.id, _NOTHING)
        change = _decide(rule, item, stock, epoch, times.get(item.id))
        if change is not None:
            changes.append(change)
    await _write(connection, rule, changes, cause)
    await _watch_shortages(connection, rule, items, stocks)
    return len(changes)


async def republish_all(
    connection: Connection, rule: StockRule, after: UUID | None, limit: int, cause: str
) -> UUID | None:
    """Decide up to `limit` items of the connection beyond `after` anew.

    Returns the last one's id, to go on from; None at the end.
    """
    cursor = await connection.execute(
        """
        SELECT id FROM item WHERE tenant_id = %s AND connection_id = %s
          AND (%s::uuid IS NULL OR id > %s) ORDER BY id LIMIT %s FOR UPDATE
        """,
        [rule.tenant_id, rule.connection_id, after, after, limit],
    )
    ids = [row[0] for row in await cursor.fetchall()]
    await publish(connection, rule, ids, cause)
    return ids[-1] if len(ids) == limit else None


async def item_stock(
    connection: Connection, rule: StockRule, item_ids: Collection[UUID]
) -> dict[UUID, ItemStock]:
    """Levels and live holds of items, by warehouse."""
    return await _stocks(connection, rule, sorted(item_ids), {})


_NOTHING: Final = ItemStock({})


async def _stocks(
    connection: Connection, rule: StockRule, ids: Sequence[UUID], times: dict[UUID, datetime]
) -> dict[UUID, ItemStock]:
    levels: dict[UUID, dict[str, Decimal]] = {}
    for item_id, warehouse, available, as_of_time in await _rows(connection, _LEVELS, rule, ids):
        levels.setdefault(item_id, {})[warehouse] = available
        if item_id not in times or as_of_time > times[item_id]:
            times[item_id] = as_of_time
    held: dict[UUID, dict[str, Decimal]] = {}
    unassigned: dict[UUID, Decimal] = {}
    for item_id, warehouse, quantity in await _rows(connection, _HOLDS, rule, ids):
        # A hold in a warehouse that no longer counts is still a hold.
        if warehouse in levels.get(item_id, ()):
            held.setdefault(item_id, {})[warehouse] = quantity
        else:
            unassigned[item_id] = unassigned.get(item_id, ZERO) + quantity
    return {
        item_id: ItemStock(
            {
                code: WarehouseStock(available, held.get(item_id, {}).get(code, ZERO))
                for code, available in levels.get(item_id, {}).items()
            },
            unassigned.get(item_id, ZERO),
        )
        for item_id in levels.keys() | unassigned.keys()
    }


def _decide(
    rule: StockRule, item: ItemRow, stock: ItemStock, epoch: int, as_of_time: datetime | None
) -> _Change | None:
    if item.kind == "service":
        return None
    buffer = rule.buffer if item.buffer is None else item.buffer
    available = ZERO if item.removed else stock.available(rule.aggregation, buffer)
    if not rule.may_rise:
        available = min(available, item.available)
    message = events_pb2.StockChanged(
        tenant_id=str(rule.tenant_id),
        item_id=str(item.id),
        epoch=epoch,
        connection_id=str(rule.connection_id),
        product_number=item.product_number,
        ean=item.ean,
        name=item.name,
        unit=item.unit,
        held_unassigned=format_decimal(stock.held_unassigned),
        available=format_decimal(available),
        removed=item.removed,
        warehouses=[
            events_pb2.WarehouseStock(
                warehouse=code,
                erp_available=format_decimal(part.erp_available),
                held=format_decimal(part.held),
            )
            for code, part in sorted(stock.warehouses.items())
        ],
    )
    content = message.SerializeToString()
    if content == item.content:
        return None
    return _Change(item, available, content, as_of_time)


async def _write(
    connection: Connection, rule: StockRule, changes: Sequence[_Change], cause: str
) -> None:
    if not changes:
        return
    keys = [f"{rule.tenant_id}/{change.item.id}" for change in changes]
    await connection.execute(
        _WRITE,
        [
            [change.item.id for change in changes],
            [change.item.available for change in changes],
            [change.available for change in changes],
            [change.item.revision + 1 for change in changes],
            [change.content for change in changes],
            [_event(change) for change in changes],
            [change.as_of_time for change in changes],
            [lane_of(key) for key in keys],
            keys,
            [new_id() for _ in changes],
            rule.tenant_id,
            rule.tenant_id,
            cause,
            Topic.STOCK.value,
            EVENT_TYPE,
            current_traceparent(),
        ],
    )


def _event(change: _Change) -> bytes:
    # Protobuf messages that follow each other merge into one: what changes
    # with every event is appended to the content that was compared.
    rest = events_pb2.StockChanged(revision=change.item.revision + 1)
    if change.as_of_time is not None:
        rest.as_of_time.FromDatetime(change.as_of_time)
    return change.content + rest.SerializeToString()


async def _watch_shortages(
    connection: Connection,
    rule: StockRule,
    items: Sequence[ItemRow],
    stocks: Mapping[UUID, ItemStock],
) -> None:
    short = {
        item.id: shortage
        for item in items
        if (shortage := stocks.get(item.id, _NOTHING).shortage(rule.aggregation))
    }
    covered = [f"item/{item.id}" for item in items if item.id not in short]
    await close_tasks(connection, rule.tenant_id, SHORTAGE, covered)
    for item in items:
        if item.id in short:
            await _open_shortage(connection, rule, item, short[item.id])


async def _open_shortage(
    connection: Connection, rule: StockRule, item: ItemRow, short: Decimal
) -> None:
    cursor = await connection.execute(
        """
        SELECT order_import.order_number, hold.line_id
        FROM hold JOIN order_import USING (tenant_id, order_id)
        WHERE hold.tenant_id = %s AND hold.item_id = %s AND hold.wanted > hold.absorbed
        ORDER BY hold.create_time DESC LIMIT 50
        """,
        [rule.tenant_id, item.id],
    )
    orders = [f"{number} line {line}" for number, line in await cursor.fetchall()]
    await open_task(
        connection,
        rule.tenant_id,
        Task(
            SHORTAGE,
            f"item/{item.id}",
            f"{item.product_number} {item.name}: {format_decimal(short)} more sold than there is",
            "Order more, or cancel one of the orders named here.",
            {"orders": ", ".join(orders), "short": format_decimal(short)},
        ),
    )


async def _rows(
    connection: Connection, query: str, rule: StockRule, ids: Sequence[UUID]
) -> list[tuple[Any, ...]]:
    cursor = await connection.execute(query.encode(), [rule.tenant_id, list(ids)], binary=True)
    return await cursor.fetchall()
