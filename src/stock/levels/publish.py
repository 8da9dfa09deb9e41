"""Items decided and published: the one place where StockChanged is made.

The caller has locked the items (`lock_items`) and changed what it came to
change; here, in later statements, levels and holds are read, the rule decides,
and what differs from what was last published is written with its events.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, NamedTuple
from uuid import UUID

from spojka.api.stock.v1 import events_pb2
from spojka.database import Connection
from spojka.outbox import lane_of
from spojka.tasks import Task, close_tasks, open_task
from spojka.telemetry import current_traceparent
from spojka.topics import Topic
from spojka.values import ZERO, format_decimal
from stock.connections.model import StockRule, load_connection
from stock.domain.availability import ItemStock, WarehouseStock
from stock.levels.arrays import numbers
from stock.levels.epoch import current_epoch

EVENT_TYPE: Final = events_pb2.StockChanged.DESCRIPTOR.full_name
SHORTAGE: Final = "stock.shortage"

# Asked of each level, never joined: without statistics a join begins with the warehouses, and
# reads all levels of each.
_ITEMS: Final = """
    SELECT item.id, product_number, ean, item.name, unit, kind, removed, buffer, item.available,
           revision, content, level.warehouse, level.available, level.as_of_time
    FROM item
    LEFT JOIN level ON level.tenant_id = item.tenant_id AND level.item_id = item.id
                   AND (SELECT included FROM warehouse
                        WHERE warehouse.tenant_id = level.tenant_id
                          AND warehouse.connection_id = level.connection_id
                          AND warehouse.code = level.warehouse)
    WHERE item.tenant_id = %(tenant)b AND item.id = ANY(%(items)b::uuid[])
    ORDER BY item.id
"""
_HOLDS: Final = """
    SELECT item_id, warehouse, sum(wanted - absorbed) FROM hold
    WHERE tenant_id = %(tenant)b AND item_id = ANY(%(items)b::uuid[]) AND wanted > absorbed
    GROUP BY item_id, warehouse
"""
_WRITE: Final = """
    WITH changed AS (
        SELECT * FROM unnest(%(id)b::uuid[], %(before)s::numeric[], %(after)s::numeric[],
                             %(revision)s::bigint[], %(content)b::bytea[], %(rest)b::bytea[],
                             %(as_of_time)b::timestamptz[], %(lane)s::smallint[])
            AS row (id, before, after, revision, content, rest, as_of_time, lane)
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
    SELECT lane, %(topic)s, %(tenant)b::text || '/' || id, %(type)s, gen_random_uuid(), now(),
           %(traceparent)s, content || rest
    FROM changed
"""
_ITEM_COLUMNS: Final = 11
_NO_HOLDS: Final[Mapping[str | None, Decimal]] = {}
_ANY_SHORTAGE: Final = """
    SELECT EXISTS (SELECT FROM task
                   WHERE tenant_id = %s AND kind = %s AND resolve_time IS NULL)
"""


class ItemRow(NamedTuple):
    """An item as it is stored, before the decision.

    Tuples, here and below: each is made for every item of a reading, and a
    frozen dataclass of as many fields takes five times as long to make.
    """

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


class Known(NamedTuple):
    """What is known of an item before the decision; `held` where anything of it is."""

    item: ItemRow
    stock: ItemStock
    as_of_time: datetime | None
    held: bool


class Change(NamedTuple):
    """An item that differs from what was last published of it."""

    item: ItemRow
    key: str
    available: Decimal
    content: bytes
    as_of_time: datetime | None


async def lock_items(
    connection: Connection, rule: StockRule, item_ids: Collection[UUID]
) -> StockRule:
    """Lock items in the order of their ids, so that two who lock several never deadlock.

    Gives the connection's rule as it is under the locks, by which they are to be
    decided. Whoever changes the rule decides every item anew afterwards
    (`stock.levels.relevel`): one that is locked now is decided again then.
    """
    if not item_ids:
        return rule
    await connection.execute(
        "SELECT FROM item WHERE tenant_id = %b AND id = ANY(%b::uuid[]) ORDER BY id FOR UPDATE",
        [rule.tenant_id, list(item_ids)],
    )
    return (await load_connection(connection, rule.tenant_id, rule.connection_id)).rule


async def publish(
    connection: Connection, rule: StockRule, item_ids: Collection[UUID], cause: str
) -> int:
    """Decide locked items and publish those that differ; returns how many did."""
    if not item_ids:
        return 0
    known = await read_known(connection, rule, item_ids)
    # One message is filled again and again: a new one for each item takes half as long again.
    message = events_pb2.StockChanged(
        tenant_id=str(rule.tenant_id),
        connection_id=str(rule.connection_id),
        epoch=await current_epoch(connection),
    )
    decided = [decide(rule, each, message) for each in known]
    changes = [change for change in decided if change is not None]
    await _write(connection, rule, changes, cause)
    await _watch_shortages(connection, rule, known)
    return len(changes)


async def item_stock(
    connection: Connection, rule: StockRule, item_ids: Collection[UUID]
) -> dict[UUID, ItemStock]:
    """Levels and live holds of items, by warehouse."""
    return {each.item.id: each.stock for each in await read_known(connection, rule, item_ids)}


async def read_known(
    connection: Connection, rule: StockRule, item_ids: Collection[UUID]
) -> list[Known]:
    """Read what decides about items, by their ids."""
    parameters = {"tenant": rule.tenant_id, "items": list(item_ids)}
    cursor = await connection.execute(_ITEMS, parameters, binary=True)
    rows = await cursor.fetchall()
    cursor = await connection.execute(_HOLDS, parameters, binary=True)
    holds: dict[UUID, dict[str | None, Decimal]] = {}
    for item_id, warehouse, quantity in await cursor.fetchall():
        holds.setdefault(item_id, {})[warehouse] = quantity
    return [
        _known_item(list(group), holds.get(item_id, _NO_HOLDS) if holds else _NO_HOLDS)
        for item_id, group in groupby(rows, itemgetter(0))
    ]


def _known_item(rows: Sequence[tuple[Any, ...]], holds: Mapping[str | None, Decimal]) -> Known:
    """One item from its row with each of its levels; without a level there is one row."""
    item = ItemRow._make(rows[0][:_ITEM_COLUMNS])
    warehouses: dict[str, WarehouseStock] = {}
    newest: datetime | None = None
    for row in rows:
        warehouse, available, time = row[_ITEM_COLUMNS:]
        if warehouse is not None:
            warehouses[warehouse] = WarehouseStock(available, holds.get(warehouse, ZERO))
            newest = time if newest is None else max(newest, time)
    # A hold in a warehouse that no longer counts is still a hold.
    unassigned = [quantity for code, quantity in holds.items() if code not in warehouses]
    return Known(item, ItemStock(warehouses, sum(unassigned, ZERO)), newest, bool(holds))


def decide(rule: StockRule, known: Known, message: events_pb2.StockChanged) -> Change | None:
    """Decide one item; None where it is as it was last published.

    `message` carries tenant, connection and epoch; the rest of it is filled in.
    """
    item, stock = known.item, known.stock
    if item.kind == "service" and not item.content:
        return None  # Only what was goods once has something to take back.
    buffer = rule.buffer if item.buffer is None else item.buffer
    offered = not item.removed and item.kind != "service"
    available = stock.available(rule.aggregation, buffer) if offered else ZERO
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
    key = f"{message.tenant_id}/{message.item_id}"
    return Change(item, key, available, content, known.as_of_time)


async def _write(
    connection: Connection, rule: StockRule, changes: Sequence[Change], cause: str
) -> None:
    if not changes:
        return
    await connection.execute(
        _WRITE,
        {
            "id": [change.item.id for change in changes],
            "before": numbers(change.item.available for change in changes),
            "after": numbers(change.available for change in changes),
            "revision": numbers(change.item.revision + 1 for change in changes),
            "content": [change.content for change in changes],
            "rest": [rest_of(change.item.revision + 1, change.as_of_time) for change in changes],
            "as_of_time": [change.as_of_time for change in changes],
            "lane": numbers(lane_of(change.key) for change in changes),
            "tenant": rule.tenant_id,
            "cause": cause,
            "topic": Topic.STOCK.value,
            "type": EVENT_TYPE,
            "traceparent": current_traceparent(),
        },
    )


def rest_of(revision: int, as_of_time: datetime | None) -> bytes:
    """What an event has beside the content that is compared.

    Protobuf messages that follow each other merge into one: what changes with
    every event is appended to its content.
    """
    return _revision_part(revision) + _time_part(as_of_time)


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


async def _watch_shortages(connection: Connection, rule: StockRule, known: Sequence[Known]) -> None:
    # Only what is held can be short.
    short = {
        each.item.id: (each.item, shortage)
        for each in known
        if each.held and (shortage := each.stock.shortage(rule.aggregation))
    }
    cursor = await connection.execute(_ANY_SHORTAGE, [rule.tenant_id, SHORTAGE])
    if await cursor.fetchone() == (True,):
        covered = [f"item/{each.item.id}" for each in known if each.item.id not in short]
        await close_tasks(connection, rule.tenant_id, SHORTAGE, covered)
    for item, shortage in short.values():
        await _open_shortage(connection, rule, item, shortage)


async def _open_shortage(
    connection: Connection, rule: StockRule, item: ItemRow, short: Decimal
) -> None:
    cursor = await connection.execute(
        """
        SELECT (SELECT order_number FROM order_import
                WHERE order_import.tenant_id = hold.tenant_id
                  AND order_import.order_id = hold.order_id), line_id
        FROM hold WHERE tenant_id = %s AND item_id = %s AND wanted > absorbed AND wanted > 0
        ORDER BY create_time DESC LIMIT 50
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
