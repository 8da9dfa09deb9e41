"""What stock tells: the newest StockChanged of each item, the newest report of each import."""

from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from psycopg.rows import class_row

from spojka.api.orders.v1 import order_pb2
from spojka.api.stock.v1 import events_pb2
from spojka.outbox import Event
from spojka.topics import Topic
from spojka.verification.model import GONE, State, state_of, told
from spojka.verification.snapshot import Snapshot
from stock.imports.events import import_message
from stock.imports.store import COLUMNS, ImportRow
from stock.levels.publish import EVENT_TYPE, rest_of

_EPOCH_BITS: Final = 40
_ITEMS: Final = """
    SELECT id, revision, content, as_of_time FROM item WHERE tenant_id = %s AND content <> ''
"""
_ROWS: Final = f"""
    SELECT {COLUMNS} FROM order_import WHERE tenant_id = %s AND order_id = ANY(%s)
    ORDER BY order_id
"""
_TOLD: Final = """
    SELECT order_id FROM order_import WHERE tenant_id = %s AND revision > 0 AND order_id > %s
    ORDER BY order_id LIMIT %s
"""
BATCH_IMPORTS: Final = 1_000
_IMPORTS: Final = """
    SELECT order_id, revision FROM order_import WHERE tenant_id = %s AND revision > 0
"""
ImportEvent = events_pb2.OrderImported | events_pb2.OrderImportBlocked | events_pb2.OrderDelivered
_IMPORT_EVENTS: Final[dict[str, type[ImportEvent]]] = {
    each.DESCRIPTOR.full_name: each
    for each in (
        events_pb2.OrderImported,
        events_pb2.OrderImportBlocked,
        events_pb2.OrderDelivered,
    )
}


class StockTelling:
    """The compacted topic: the last value of each key is the item, byte for byte."""

    what = "item"
    topic = Topic.STOCK
    once = False
    exact = True

    def heard(self, type_: str, key: str, value: bytes | None) -> tuple[str, State] | None:
        """Take the value as it is; a tombstone ends its subject."""
        if type_ != EVENT_TYPE:
            return None
        return key, GONE if value is None else _stock_state(value)

    async def stated(self, snapshot: Snapshot, tenant: UUID) -> AsyncIterator[tuple[str, State]]:
        """Each item's event as it was written when its revision came to be."""
        async for id_, revision, content, as_of_time in snapshot.stream(_ITEMS, [tenant]):
            value = content + rest_of(revision, as_of_time)
            try:
                yield f"{tenant}/{id_}", _stock_state(value)
            except ValueError:  # Its books name it; no topic can say the same.
                yield f"{tenant}/{id_}", state_of(revision, value)


class ImportTelling:
    """The last report of each order's import, by its revision."""

    what = "import"
    topic = Topic.IMPORTS
    once = False
    exact = True

    def heard(self, type_: str, key: str, value: bytes | None) -> tuple[str, State] | None:
        """Take the report's revision."""
        kind = _IMPORT_EVENTS.get(type_)
        if kind is None:
            return None
        message = told(kind, value)
        # The field bears a keyword of Python.
        report: order_pb2.OrderImport = getattr(message, "import")
        return key, state_of(report.revision, b"")

    async def stated(self, snapshot: Snapshot, tenant: UUID) -> AsyncIterator[tuple[str, State]]:
        """Each import's revision: what else the row says may have moved on untold."""
        async for order_id, revision in snapshot.stream(_IMPORTS, [tenant]):
            yield f"{tenant}/{order_id}", state_of(revision, b"")


class ImportRetelling:
    """Where each import stands now, as OrderImported would say it.

    One that is on its way moved on untold: its outcome is told.
    """

    topic = Topic.IMPORTS

    async def events(self, snapshot: Snapshot, tenant: UUID) -> AsyncIterator[Event]:
        """Of every import that was ever told of."""
        async for ids in snapshot.batches(_TOLD, tenant, limit=BATCH_IMPORTS):
            async with snapshot.connection.cursor(row_factory=class_row(ImportRow)) as cursor:
                await cursor.execute(_ROWS, [tenant, ids])
                rows = await cursor.fetchall()
            for row in rows:
                message = events_pb2.OrderImported(
                    tenant_id=str(tenant), order_id=str(row.order_id)
                )
                getattr(message, "import").CopyFrom(import_message(row))
                yield Event.of(self.topic, f"{tenant}/{row.order_id}", message)


def _stock_state(value: bytes) -> State:
    message = told(events_pb2.StockChanged, value)
    return state_of((message.epoch << _EPOCH_BITS) + message.revision, value)
