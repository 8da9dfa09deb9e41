"""Items decided and published: the one place where StockChanged is made.

The caller has locked the items (`lock_items`) and changed what it came to
change; here, in later statements, levels and holds are read, the rule decides,
and what differs from what was last published is written with its events.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
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
    FROM item WHERE tenant_id = %b AND id = ANY(%b::uuid[]) ORDER BY id
"""
_LEVELS: Final = """
    SELECT level.item_id, level.warehouse, level.available, level.as_of_time
    FROM level JOIN warehouse ON (warehouse.tenant_id, warehouse.connection_id, warehouse.code)
                               = (level.tenant_id, level.connection_id, level.warehouse)
    WHERE level.tenant_id = %b AND level.item_id = ANY(%b::uuid[]) AND warehouse.included
"""
_HOLDS: Final = """
    SELECT item_id, warehouse, sum(wanted - absorbed) FROM hold
    WHERE tenant_id = %b AND item_id = ANY(%b::uuid[]) AND wanted > absorbed
    GROUP BY item_id, warehouse
"""
_WRITE: Final = """
    WITH changed AS (
        SELECT * FROM unnest(%(id)b::uuid[], %(before)b::numeric[], %(after)b::numeric[],
                             %(revision)b::bigint[], %(content)b::bytea[], %(rest)b::bytea[],
                             %(as_of_time)b::timestamptz[], %(lane)b::smallint[],
                             %(event_id)b::uuid[])
            AS row (id, before, after, revision, content, rest, as_of_time, lane, event_id)
    ), updated AS (
        UPDATE item SET available = changed.after, revision = changed.revision,
                        content = changed.content, as_of_time = changed.as_of_time,
                        xid = pg_current_xact_id()
        FROM changed WHERE item.tenant_id = %(tenant)b AND item.id = changed.id
    ), moved AS (
        INSERT INTO movement (tenant_id, item_id, revision, before, after, cause)
        SELECT %(tenant)b, id, revision, before, after, %(cause)s FROM changed
    )
    INSERT INTO outbox (lane, topic, key, type, id, time, traceparent, value)
    SELECT lane, %(topic)s, %(tenant)b::text || '/' || id, %(type)s, event_id, now(), %(traceparent)s,
           content || rest
    FROM changed
"""
_ANY_SHORTAGE: Final = """
    SELECT EXISTS (SELECT FROM task
                   WHERE tenant_id = %s AND kind = %s AND resolve_time IS NULL)
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


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of items: their stock, the time of their newest level, and which are held."""

    stocks: Mapping[UUID, ItemStock]
    times: Mapping[UUID, datetime]
    held: frozenset[UUID]


async def lock_items(connection: Connection, tenant_id: UUID, item_ids: Collection[UUID]) -> None:
    """Lock items in the order of their ids, so that two who lock several never deadlock."""
    if item_ids:
        await connection.execute(
            "SELECT FROM item WHERE tenant_id = %b AND id = ANY(%b::uuid[]) ORDER BY id FOR UPDATE",
            [tenant_id, list(item_ids)],
        )


async def publish(
    connection: Connection, rule: StockRule, item_ids: Collection[UUID], cause: str
) -> int:
    """Decide locked items and publish those that differ; returns how many did."""
    if not item_ids:
        return 0
    ids = list(item_ids)
    items = [ItemRow(*row) for row in await _rows(connection, _ITEMS, rule, ids)]
    known = await _known(connection, rule, ids)
    # One message is filled again and again: a new one for each item takes half as long again.
    message = events_pb2.StockChanged(
        tenant_id=str(rule.tenant_id),
        connection_id=str(rule.connection_id),
        epoch=await current_epoch(connection),
    )
    changes = []
    for item in items:
        stock = known.stocks.get(item.id, _NOTHING)
        change = _decide(rule, item, stock, message, known.times.get(item.id))
        if change is not None:
            changes.append(change)
    await _write(connection, rule, changes, cause)
    await _watch_shortages(connection, rule, items, known)
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
    return dict((await _known(connection, rule, list(item_ids))).stocks)


_NOTHING: Final = ItemStock({})
_NO_LEVELS: Final[Mapping[str, Decimal]] = {}
_NO_HOLDS: Final[Mapping[str, Decimal]] = {}


async def _known(connection: Connection, rule: StockRule, ids: Sequence[UUID]) -> _Known:
    levels: dict[UUID, dict[str, Decimal]] = {}
    times: dict[UUID, datetime] = {}
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
    stocks = {
        item_id: ItemStock(
            {
                code: WarehouseStock(available, held.get(item_id, _NO_HOLDS).get(code, ZERO))
                for code, available in levels.get(item_id, _NO_LEVELS).items()
            },
            unassigned.get(item_id, ZERO),
        )
        for item_id in levels.keys() | unassigned.keys()
    }
    return _Known(stocks, times, frozenset(held.keys() | unassigned.keys()))


def _decide(
    rule: StockRule,
    item: ItemRow,
    stock: ItemStock,
    message: events_pb2.StockChanged,
    as_of_time: datetime | None,
) -> _Change | None:
    if item.kind == "service":
        return None
    buffer = rule.buffer if item.buffer is None else item.buffer
    available = ZERO if item.removed else stock.available(rule.aggregation, buffer)
    if not rule.may_rise:
        available = min(available, item.available)
    message.item_id = str(item.id)
    message.product_number = item.product_number
    message.ean = item.ean
    message.name = item.name
    message.unit = item.unit
    message.held_unassigned = format_decimal(stock.held_unassigned)
    message.available = format_decimal(available)
    message.removed = item.removed
    message.warehouses.clear()
    for code, part in sorted(stock.warehouses.items()):
        message.warehouses.add(
            warehouse=code,
            erp_available=format_decimal(part.erp_available),
            held=format_decimal(part.held),
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
    tenant = str(rule.tenant_id)
    await connection.execute(
        _WRITE,
        {
            "id": [change.item.id for change in changes],
            "before": [change.item.available for change in changes],
            "after": [change.available for change in changes],
            "revision": [change.item.revision + 1 for change in changes],
            "content": [change.content for change in changes],
            "rest": [_rest(change) for change in changes],
            "as_of_time": [change.as_of_time for change in changes],
            "lane": [lane_of(f"{tenant}/{change.item.id}") for change in changes],
            "event_id": [new_id() for _ in changes],
            "tenant": rule.tenant_id,
            "cause": cause,
            "topic": Topic.STOCK.value,
            "type": EVENT_TYPE,
            "traceparent": current_traceparent(),
        },
    )


def _rest(change: _Change) -> bytes:
    # Protobuf messages that follow each other merge into one: what changes
    # with every event is appended to the content that was compared.
    return _revision_part(change.item.revision + 1) + _time_part(change.as_of_time)


@lru_cache(maxsize=1024)
def _revision_part(revision: int) -> bytes:
    return events_pb2.StockChanged(revision=revision).SerializeToString()


@lru_cache(maxsize=1024)
def _time_part(as_of_time: datetime | None) -> bytes:
    # Few times occur: all cards of an answer have one.
    part = events_pb2.StockChanged()
    if as_of_time is not None:
        part.as_of_time.FromDatetime(as_of_time)
    return part.SerializeToString()


async def _watch_shortages(
    connection: Connection, rule: StockRule, items: Sequence[ItemRow], known: _Known
) -> None:
    # Only what is held can be short.
    short = {
        item_id: shortage
        for item_id in known.held
        if (shortage := known.stocks[item_id].shortage(rule.aggregation))
    }
    cursor = await connection.execute(_ANY_SHORTAGE, [rule.tenant_id, SHORTAGE])
    if await cursor.fetchone() == (True,):
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
