"""Links of listings to items: made when listings are put, when items appear, and by hand.

Every change locks the listings' rows first and decides from what it reads
afterwards. Each function returns the listings whose item changed, so that
what rests on the link (held units of orders that were not sent yet) follows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from spojka.database import Connection
from spojka.errors import FailedPrecondition, NotFound
from stock.connections.model import active_connection
from stock.listings.catalogue import load_catalogue, own_pairing, share_pairing
from stock.listings.pairing import Keys, Link, LinkSource, Pairing, Unpaired
from stock.listings.rows import (
    COLUMNS,
    ITEM_STANDS,
    Listing,
    listing_of,
    load_listing,
    lock_listings,
    store,
)

RELINK_BATCH_LISTINGS: Final = 5000
NO_WAREHOUSE: Final = Unpaired("no warehouse system is connected yet")

_ADD: Final = """
    INSERT INTO listing (tenant_id, channel_id, id, product_number, number_key, ean, gtin, name)
    SELECT %s, %s, row.* FROM unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::text[],
                                     %b::text[]) AS row
    ON CONFLICT (tenant_id, channel_id, id) DO NOTHING
"""
# Each by its own index, from arrays: in a join, and of a tenant whom its statistics do not know,
# PostgreSQL compares each item with each listing. The tenant is asked for for the same reason.
_TOUCHED: Final = f"""
    WITH touched AS MATERIALIZED (
        SELECT id, number_key, gtin FROM item WHERE tenant_id = %(tenant)s AND id = ANY(%(items)b)
    ), candidate AS MATERIALIZED (
        SELECT channel_id, id FROM listing
        WHERE tenant_id = (SELECT %(tenant)s::uuid) AND number_key <> ''
          AND number_key = ANY(ARRAY(SELECT number_key FROM touched))
        UNION
        SELECT channel_id, id FROM listing
        WHERE tenant_id = (SELECT %(tenant)s::uuid)
          AND gtin = ANY(ARRAY(SELECT gtin FROM touched WHERE gtin IS NOT NULL))
        UNION
        SELECT channel_id, id FROM listing
        WHERE tenant_id = (SELECT %(tenant)s::uuid)
          AND item_id = ANY(ARRAY(SELECT id FROM touched))
    )
    SELECT {COLUMNS} FROM listing
    WHERE tenant_id = (SELECT %(tenant)s::uuid)
      AND NOT removed AND link_source IS DISTINCT FROM 'manual'
      AND (channel_id, id) IN (SELECT channel_id, id FROM candidate)
      AND (channel_id, id) > (%(channel)s, %(after)s)
    ORDER BY channel_id, id LIMIT %(limit)s FOR UPDATE OF listing
"""
_ADRIFT: Final = f"""
    SELECT {COLUMNS} FROM listing
    WHERE tenant_id = %(tenant)s AND NOT removed AND link_source IS DISTINCT FROM 'manual'
      AND NOT {ITEM_STANDS}
      AND (channel_id, id) > (%(channel)s, %(after)s)
    ORDER BY channel_id, id LIMIT %(limit)s FOR UPDATE
"""


@dataclass(frozen=True, slots=True)
class NewListing:
    """A listing as its channel reports it."""

    id: str
    keys: Keys
    name: str


@dataclass(frozen=True, slots=True)
class Relink:
    """A listing whose item changed; None means none."""

    channel_id: str
    listing_id: str
    before: UUID | None
    after: UUID | None


async def put_listings(
    connection: Connection, tenant_id: UUID, channel_id: str, reported: Sequence[NewListing]
) -> tuple[list[Listing], list[Relink]]:
    """Add or update listings of a channel (their ids are unique); they come back in their order.

    Several listings may have one number or EAN: variants and doubled offers of
    one item, each of which is told the item's stock.
    """
    await share_pairing(connection, tenant_id)
    rows = sorted(reported, key=lambda listing: listing.id)
    # Rows that are new are added bare, so that all can be locked before anything is decided.
    await connection.execute(
        _ADD,
        [
            tenant_id,
            channel_id,
            [listing.id for listing in rows],
            [listing.keys.product_number for listing in rows],
            [listing.keys.number_key for listing in rows],
            [listing.keys.ean for listing in rows],
            [listing.keys.gtin for listing in rows],
            [listing.name for listing in rows],
        ],
    )
    known = await lock_listings(connection, tenant_id, channel_id, [row.id for row in rows])
    news = {listing.id: listing for listing in reported}
    wanted = [
        replace(before, keys=new.keys, name=new.name, removed=False)
        for before in known
        if (new := news[before.id])
    ]
    paired = await _paired(connection, tenant_id, wanted)
    relinked = await _write(connection, tenant_id, known, paired)
    by_id = {listing.id: listing for listing in paired}
    return [by_id[listing.id] for listing in reported], relinked


async def remove_listings(
    connection: Connection, tenant_id: UUID, channel_id: str, ids: Iterable[str]
) -> int:
    """Remove listings of a channel; returns how many were there.

    The rows stay, with their links: watchers are told 0, orders that are on
    their way still find their items, and a listing that comes back finds the
    link that a person gave it.
    """
    listings = [
        listing
        for listing in await lock_listings(connection, tenant_id, channel_id, sorted(set(ids)))
        if not listing.removed
    ]
    await store(connection, tenant_id, [replace(listing, removed=True) for listing in listings])
    return len(listings)


async def link_new_items(
    connection: Connection, tenant_id: UUID, connection_id: UUID, item_ids: Sequence[UUID]
) -> list[Relink]:
    """Pair listings with items that are new, came back, or whose keys changed.

    Called in the transaction that writes the items, after it has locked all
    the items that it will lock: it waits for listings that are being put, and
    those wait for the end of the transaction.
    """
    if not item_ids:
        return []
    await own_pairing(connection, tenant_id)
    warehouse = await active_connection(connection, tenant_id)
    if warehouse is None or warehouse.id != connection_id:
        return []
    return await _pair_again(connection, tenant_id, _TOUCHED, {"items": list(item_ids)})


async def link_adrift(connection: Connection, tenant_id: UUID) -> list[Relink]:
    """Pair every listing whose item is not one of the present connection's.

    For after a connection's pairing changed, or another one took its place.
    """
    await own_pairing(connection, tenant_id)
    warehouse = await active_connection(connection, tenant_id)
    if warehouse is None:
        return []
    return await _pair_again(connection, tenant_id, _ADRIFT, {"connection": warehouse.id})


async def link_by_hand(
    connection: Connection, tenant_id: UUID, channel_id: str, listing_id: str, item_id: UUID
) -> tuple[Listing, list[Relink]]:
    """Link a listing to an item, until it is unlinked by hand.

    Raises NotFound, and FailedPrecondition where the item can't be sold.
    """
    before = await load_listing(connection, tenant_id, channel_id, listing_id, lock=True)
    warehouse = await active_connection(connection, tenant_id)
    cursor = await connection.execute(
        "SELECT removed, connection_id FROM item WHERE tenant_id = %s AND id = %s",
        [tenant_id, item_id],
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound(f"there is no item {item_id}")
    removed, connection_id = row
    if removed:
        raise FailedPrecondition(
            f"the item {item_id} is no longer in the warehouse system; choose another"
        )
    if warehouse is None or warehouse.id != connection_id:
        raise FailedPrecondition(
            f"the item {item_id} is of a warehouse connection that is no longer used; choose"
            " one of the present connection"
        )
    after = before.outcome(Link(item_id, LinkSource.MANUAL))
    return after, await _write(connection, tenant_id, [before], [after])


async def unlink_by_hand(
    connection: Connection, tenant_id: UUID, channel_id: str, listing_id: str
) -> tuple[Listing, list[Relink]]:
    """End a link made by hand; the listing is paired anew. Another link stays. Raises NotFound."""
    await share_pairing(connection, tenant_id)
    before = await load_listing(connection, tenant_id, channel_id, listing_id, lock=True)
    if before.link is None or before.link.source is not LinkSource.MANUAL:
        return before, []
    [after] = await _paired(connection, tenant_id, [replace(before, link=None)])
    return after, await _write(connection, tenant_id, [before], [after])


async def _pair_again(
    connection: Connection, tenant_id: UUID, query: str, parameters: Mapping[str, object]
) -> list[Relink]:
    relinked: list[Relink] = []
    channel_id = after = ""
    while True:
        cursor = await connection.execute(
            query.encode(),
            {
                **parameters,
                "tenant": tenant_id,
                "channel": channel_id,
                "after": after,
                "limit": RELINK_BATCH_LISTINGS,
            },
        )
        batch = [listing_of(row) for row in await cursor.fetchall()]
        paired = await _paired(connection, tenant_id, batch)
        relinked += await _write(connection, tenant_id, batch, paired)
        if len(batch) < RELINK_BATCH_LISTINGS:
            return relinked
        channel_id, after = batch[-1].channel_id, batch[-1].id


async def _paired(
    connection: Connection, tenant_id: UUID, listings: Sequence[Listing]
) -> list[Listing]:
    if not listings:
        return []
    warehouse = await active_connection(connection, tenant_id)
    if warehouse is None:
        return [listing.outcome(NO_WAREHOUSE) for listing in listings]
    catalogue = await load_catalogue(
        connection,
        tenant_id,
        warehouse.id,
        Pairing(warehouse.pairing),
        [listing.keys for listing in listings],
        {listing.item_id for listing in listings if listing.item_id is not None},
    )
    return [listing.outcome(catalogue.relink(listing.link, listing.keys)) for listing in listings]


async def _write(
    connection: Connection, tenant_id: UUID, before: Sequence[Listing], after: Sequence[Listing]
) -> list[Relink]:
    # A write that changes nothing writes nothing.
    pairs = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    await store(connection, tenant_id, [new for _old, new in pairs])
    return [
        Relink(new.channel_id, new.id, old.item_id, new.item_id)
        for old, new in pairs
        if old.item_id != new.item_id
    ]
