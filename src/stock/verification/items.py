"""Items: what is available and what was published, from levels, holds and the connection's rule."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Final
from uuid import UUID

from google.protobuf.message import DecodeError

from spojka.api.stock.v1 import events_pb2
from spojka.values import ZERO, format_decimal
from spojka.verification.fields import differing_fields, shown
from spojka.verification.model import Checked, Difference, Finding
from spojka.verification.snapshot import Snapshot
from stock.connections.model import ConnectionRow
from stock.levels.epoch import current_epoch
from stock.levels.publish import Known, decide, read_known

BATCH_ITEMS: Final = 2_000
ITEM: Final = "item"

_IDS: Final = """
    SELECT id FROM item WHERE tenant_id = %s AND connection_id = %s AND id > %s ORDER BY id LIMIT %s
"""
_STALE: Final = "channels are told a number that the facts do not give"
_COLUMN: Final = "the column and what was published of the item say different things"


async def items(
    snapshot: Snapshot, connection: ConnectionRow, tenant: UUID
) -> AsyncIterator[Finding]:
    """Decide each item of a connection anew and compare it with what was published, bytes first."""
    epoch = await current_epoch(snapshot.connection)
    # Numbers of a connection that is switched off are frozen as they were: below what
    # the rule gives where it had not been let rise again.
    rule = connection.rule if connection.active else replace(connection.rule, may_rise=False)
    message = events_pb2.StockChanged(tenant_id=str(tenant), connection_id=str(connection.id))
    async for ids in snapshot.batches(_IDS, tenant, connection.id, limit=BATCH_ITEMS):
        for known in await read_known(snapshot.connection, rule, ids):
            stored = _stored(known.item.content)
            # After a restored backup, items are told anew in the new epoch one after another.
            behind = stored is not None and connection.epoch < epoch
            message.epoch = stored.epoch if stored is not None and behind else epoch
            settled = not _is_left(connection, known) and not _is_buried(known)
            if settled and decide(rule, known, message) is not None:
                for found in _differences(known, stored, message):
                    yield found
            for found in _columns(known, stored):
                yield found
        yield Checked(ITEM, len(ids))


def _stored(content: bytes) -> events_pb2.StockChanged | None:
    try:
        return events_pb2.StockChanged.FromString(content)
    except DecodeError:
        return None


def _is_left(connection: ConnectionRow, known: Known) -> bool:
    """Whether a changed rule has not come to it yet."""
    return connection.decide_after is not None and known.item.id > connection.decide_after


def _is_buried(known: Known) -> bool:
    """Whether it was removed so long ago that its key was taken out of the topic."""
    return known.item.removed and not known.item.content and known.item.available == ZERO


def _differences(
    known: Known, stored: events_pb2.StockChanged | None, rebuilt: events_pb2.StockChanged
) -> Iterator[Difference]:
    item_id = str(known.item.id)
    if stored is None:
        readable = shown(rebuilt)
        yield Difference(ITEM, item_id, "content", known.item.content.hex(), readable, _STALE)
        return
    fields = list(differing_fields(stored, rebuilt))
    for name, one, other in fields:
        yield Difference(ITEM, item_id, name, one, other, _STALE)
    if not fields:
        bytes_differ = "the message says the same in other bytes"
        stored_bytes, rebuilt_bytes = known.item.content, rebuilt.SerializeToString()
        yield Difference(
            ITEM, item_id, "content", shown(stored_bytes), shown(rebuilt_bytes), bytes_differ
        )


def _columns(known: Known, stored: events_pb2.StockChanged | None) -> Iterator[Difference]:
    item = known.item
    if stored is not None and item.content:
        available = format_decimal(item.available)
        if available != stored.available:
            yield Difference(ITEM, str(item.id), "available", available, stored.available, _COLUMN)
