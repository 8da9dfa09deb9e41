"""Offers read from listings and items: the named ones, or a page of a watcher's round."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from spojka.api.stock.v1 import events_pb2
from spojka.api.stock.v1 import listing_service_pb2 as api
from spojka.database import Connection
from stock.levels.epoch import current_epoch
from stock.listings.cursor import EVERYTHING, Cursor, fingerprint
from stock.listings.offer_rules import Offering, load_offering
from stock.listings.offers import basis, decide, format_millionths, read_stock

PAGE_MAX_OFFERS: Final = 1000

# Services have no levels and are not offered: a listing that becomes one is
# withdrawn, and so is an item, which was published only if it was goods once.
# An item that was not published yet is told once it is.
_WITHDRAWN: Final = "(listing.removed OR listing.item_id IS NULL OR item.kind = 'service')"
_TOLD: Final = f"(listing.linked_once AND {_WITHDRAWN} OR item.content <> '')"
_ROWS: Final = f"""
    SELECT listing.id, item.id, {_WITHDRAWN},
           greatest(listing.xid, item.xid)::text, item.connection_id, item.buffer, item.revision,
           item.content
    FROM listing
    LEFT JOIN item ON item.tenant_id = listing.tenant_id AND item.id = listing.item_id
"""
# In these, the tenant is asked for, not given: of one that is given and that its statistics do not
# know, PostgreSQL takes all rows for none, and looks through all items for each listing.
_NAMED: Final = f"""
    {_ROWS}
    WHERE listing.tenant_id = (SELECT %(tenant)s::uuid) AND listing.channel_id = %(channel)s
      AND listing.id = ANY(%(ids)b) AND NOT listing.removed
      AND item.kind <> 'service' AND item.content <> ''
"""
# Numbers from the transaction that is next on are of another cluster, from
# which this database was restored.
_SCAN: Final = f"""
    {_ROWS}
    WHERE listing.tenant_id = (SELECT %(tenant)s::uuid) AND listing.channel_id = %(channel)s
      AND listing.id > %(after)s AND {_TOLD}
      AND (%(everything)s
           OR listing.xid >= %(since)s::xid8
              AND listing.xid < pg_snapshot_xmax(pg_current_snapshot())
           OR item.xid >= %(since)s::xid8
              AND item.xid < pg_snapshot_xmax(pg_current_snapshot()))
    ORDER BY listing.id LIMIT %(limit)s
"""
_CHANGED: Final = f"""
    WITH changed AS (
        SELECT id FROM listing
        WHERE tenant_id = (SELECT %(tenant)s::uuid) AND channel_id = %(channel)s
          AND xid >= %(since)s::xid8 AND xid < pg_snapshot_xmax(pg_current_snapshot())
        UNION
        SELECT listing.id FROM item
        JOIN listing ON listing.tenant_id = item.tenant_id AND listing.item_id = item.id
                    AND listing.channel_id = %(channel)s
        WHERE item.tenant_id = (SELECT %(tenant)s::uuid)
          AND item.xid >= %(since)s::xid8 AND item.xid < pg_snapshot_xmax(pg_current_snapshot())
    )
    {_ROWS}
    WHERE listing.tenant_id = (SELECT %(tenant)s::uuid) AND listing.channel_id = %(channel)s
      AND listing.id IN (SELECT id FROM changed) AND {_TOLD}
    ORDER BY listing.id LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Told:
    """An offer, and the transaction that it comes from."""

    offer: api.Offer
    xid: int


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a round. `cursor` goes on after it; `last` where it ends the round."""

    told: Sequence[Told]
    cursor: Cursor
    last: bool


@dataclass(frozen=True, slots=True)
class _Row:
    listing_id: str
    item_id: UUID | None
    withdrawn: bool
    xid: str
    connection_id: UUID | None
    buffer: Decimal | None
    revision: int | None
    content: bytes | None


async def resolve_offers(
    connection: Connection, tenant_id: UUID, channel_id: str, listing_ids: Sequence[str]
) -> list[api.Offer]:
    """What a channel is offered of listings now, by listing; those without an item are left out."""
    offering = await load_offering(connection, tenant_id, channel_id)
    cursor = await connection.execute(
        _NAMED, {"tenant": tenant_id, "channel": channel_id, "ids": list(listing_ids)}
    )
    rows = [_Row(*row) for row in await cursor.fetchall()]
    offers = {told.offer.listing_id: told.offer for told in _decide(rows, offering)}
    return [offers[listing_id] for listing_id in dict.fromkeys(listing_ids) if listing_id in offers]


async def read_page(
    connection: Connection,
    tenant_id: UUID,
    channel_id: str,
    place: Cursor | None,
    limit: int = PAGE_MAX_OFFERS,
) -> Page:
    """The next page from a place; from the beginning where there is none.

    Where a rule changed, or the database was restored, everything is told again.
    """
    offering = await load_offering(connection, tenant_id, channel_id)
    epoch = await current_epoch(connection)
    terms = fingerprint(offering.rule, offering.terms)
    # Read before the page: what the page can't see has this number or a later one.
    oldest = await _oldest_running(connection)
    if place is None or (place.epoch, place.terms) != (epoch, terms) or place.next > oldest:
        place = Cursor(channel_id, epoch, terms)
    if place.round_begins:
        place = place.round_begun(oldest)
    rows = await _page_rows(connection, tenant_id, place, limit)
    last = len(rows) < limit
    cursor = place.round_ended() if last else place.passed(rows[-1].listing_id)
    return Page(_decide(rows, offering), cursor, last)


async def _oldest_running(connection: Connection) -> int:
    cursor = await connection.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def _page_rows(
    connection: Connection, tenant_id: UUID, place: Cursor, limit: int
) -> list[_Row]:
    # Few changes are found by their indexes; a round that turns out long goes
    # on by scanning the listings, so that each is visited once.
    everything = place.since == EVERYTHING
    query = _SCAN if everything or not place.round_begins else _CHANGED
    cursor = await connection.execute(
        query.encode(),
        {
            "tenant": tenant_id,
            "channel": place.channel_id,
            "after": place.after,
            "since": str(place.since),
            "everything": everything,
            "limit": limit,
        },
    )
    return [_Row(*row) for row in await cursor.fetchall()]


def _decide(rows: Sequence[_Row], offering: Offering) -> list[Told]:
    told = []
    for row in rows:
        if row.connection_id is not None and row.connection_id not in offering.terms:
            continue  # Created since the terms were read: they differ now, so all is told again.
        offer = api.Offer(listing_id=row.listing_id, offered="0")
        if row.item_id is not None:
            content = events_pb2.StockChanged.FromString(row.content or b"")
            offer.item_id = str(row.item_id)
            offer.revision = row.revision or 0
            offer.epoch = content.epoch
            if not row.withdrawn:
                offer.offered = _offered(row, content, offering)
        told.append(Told(offer, int(row.xid)))
    return told


def _offered(row: _Row, content: events_pb2.StockChanged, offering: Offering) -> str:
    assert row.connection_id is not None
    there = basis(
        read_stock(content),
        offering.terms[row.connection_id],
        row.buffer,
        offering.rule.warehouses,
    )
    return format_millionths(decide([there], offering.rule)[0])
