"""Imports and holds: what orders want, and what documents and readings net of it."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final
from uuid import UUID

from google.protobuf.message import DecodeError
from psycopg.rows import class_row

from spojka.api.orders.v1 import order_pb2
from spojka.values import ZERO, format_decimal
from spojka.verification.model import Checked, Difference, Finding
from spojka.verification.snapshot import Snapshot
from stock.connections.model import StockRule
from stock.domain.imports import ImportState
from stock.domain.netting import ReadBack, delivered_by_line
from stock.imports.store import COLUMNS, ImportRow, load_read_backs
from stock.verification.holds import Coverage, StoredHold, netting, read_holds
from stock.verification.wanting import missing_holds, wanting

BATCH_ORDERS: Final = 1_000
IMPORT: Final = "import"

_IDS: Final = """
    SELECT order_id FROM order_import WHERE tenant_id = %s AND order_id > %s
    ORDER BY order_id LIMIT %s
"""
_ROWS: Final = f"""
    SELECT {COLUMNS} FROM order_import WHERE tenant_id = %s AND order_id = ANY(%s)
    ORDER BY order_id
"""
_STRAY: Final = """
    SELECT hold.order_id || ' line ' || line_id, hold.item_id::text FROM hold
    LEFT JOIN item ON item.tenant_id = hold.tenant_id AND item.id = hold.item_id
    LEFT JOIN order_import ON order_import.tenant_id = hold.tenant_id
                          AND order_import.order_id = hold.order_id
    WHERE hold.tenant_id = %s AND (item.id IS NULL OR order_import.order_id IS NULL)
"""


async def imports(
    snapshot: Snapshot, rules: Mapping[UUID, StockRule], tenant: UUID
) -> AsyncIterator[Finding]:
    """Compare each order's import and holds with its content, its documents and the readings."""
    async for id_, item in snapshot.stream(_STRAY, [tenant]):
        stray = "units are held of an item, or for an order, that is not there"
        yield Difference("hold", id_, "item_id", item, "an item, and an order", stray)
    coverage = await Coverage.read(snapshot, tenant)
    async for ids in snapshot.batches(_IDS, tenant, limit=BATCH_ORDERS):
        orders = await _orders(snapshot, tenant, ids)
        holds: defaultdict[UUID, list[StoredHold]] = defaultdict(list)
        for each in await read_holds(snapshot, tenant, ids, coverage):
            holds[each.order_id].append(each)
        read_backs = await load_read_backs(snapshot.connection, tenant, ids)
        contents = {row.order_id: _parsed(row.content) for row in orders}
        for row in orders:
            content, held = contents[row.order_id], holds[row.order_id]
            for found in _facts(row, content, held, rules, read_backs.get(row.order_id, [])):
                yield found
        for found in await missing_holds(snapshot, tenant, orders, contents, holds):
            yield found
        yield Checked(IMPORT, len(orders))
        yield Checked("hold", sum(map(len, holds.values())))


async def _orders(snapshot: Snapshot, tenant: UUID, ids: Sequence[UUID]) -> list[ImportRow]:
    async with snapshot.connection.cursor(row_factory=class_row(ImportRow)) as cursor:
        await cursor.execute(_ROWS, [tenant, ids])
        return await cursor.fetchall()


def _parsed(content: bytes) -> order_pb2.Order:
    """The order; one that can't be read has no id, which is complained of."""
    try:
        return order_pb2.Order.FromString(content)
    except DecodeError:
        return order_pb2.Order()


def _facts(
    row: ImportRow,
    content: order_pb2.Order,
    holds: Sequence[StoredHold],
    rules: Mapping[UUID, StockRule],
    read_backs: Sequence[ReadBack],
) -> Iterator[Difference]:
    yield from _content(row, content)
    yield from _delivered(row, read_backs)
    yield from wanting(row, content, holds)
    for hold in holds:
        yield from netting(hold, rules, read_backs)


def _content(row: ImportRow, content: order_pb2.Order) -> Iterator[Difference]:
    cancelled = content.fulfilment_state == order_pb2.FULFILMENT_STATE_CANCELLED
    for field, stored, rebuilt in (
        ("content", content.id or "nothing", str(row.order_id)),
        ("content_revision", row.content_revision, content.content_revision),
        ("cancelled", row.cancelled, cancelled),
    ):
        if stored != rebuilt:
            meaning = "the order is not as the order book told it"
            yield Difference(IMPORT, str(row.order_id), field, str(stored), str(rebuilt), meaning)
    if row.order_revision < content.revision:
        older = "news of the order that are older than its content would be taken"
        stored, rebuilt = str(row.order_revision), f"at least {content.revision}"
        yield Difference(IMPORT, str(row.order_id), "order_revision", stored, rebuilt, older)
    if row.complete and row.status not in {ImportState.ACKED, ImportState.WITHDRAWN}:
        unfinished = "nobody looks after the import any more, although it is not at its end"
        yield Difference(IMPORT, str(row.order_id), "complete", "true", "false", unfinished)


def _delivered(row: ImportRow, read_backs: Sequence[ReadBack]) -> Iterator[Difference]:
    """What was delivered stays: at least what any kept read-back since our last write shows."""
    if row.status is not ImportState.ACKED:
        return
    shown: dict[str, Decimal] = {}
    for read_back in read_backs:
        if read_back.number > row.barrier:
            for line_id, part in delivered_by_line(read_back.document, row.sent).items():
                shown[line_id] = max(shown.get(line_id, ZERO), part)
    for line_id, part in shown.items():
        stored = row.delivered.get(line_id, "0")
        if Decimal(stored) < part:
            yield Difference(
                IMPORT,
                f"{row.order_id} line {line_id}",
                "delivered",
                stored,
                f"at least {format_decimal(part)}",
                "the warehouse system showed more of it as delivered",
            )
