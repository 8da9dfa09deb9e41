"""The table `listing`: its rows as values, read, written and told to channels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from spojka.api.stock.v1 import listing_service_pb2 as api
from spojka.database import Connection
from spojka.errors import NotFound
from spojka.rpc.pagination import decode_token, encode_token, page_size
from stock.connections.model import active_connection
from stock.listings.pairing import Keys, Link, LinkSource, Unpaired

COLUMNS: Final = "channel_id, id, product_number, ean, name, item_id, link_source, problem, removed"
PAGE_DEFAULT: Final = 100
PAGE_MAX: Final = 1000
ITEM_STANDS: Final = """
    EXISTS (SELECT FROM item WHERE item.tenant_id = listing.tenant_id AND item.id = listing.item_id
                               AND item.connection_id = %(connection)s AND NOT item.removed)
"""
ITEM_GONE: Final = (
    "the item it is linked to is no longer in the warehouse system, or of a connection that is no"
    " longer used; link it to another"
)

# Of a service no number is told: where a listing was never of anything else, there is none to
# withdraw. The item it is taken from counts, too: it may have become goods since it was linked.
_STORE: Final = """
    UPDATE listing SET product_number = row.product_number, number_key = row.number_key,
        ean = row.ean, gtin = row.gtin, name = row.name, item_id = row.item_id,
        link_source = row.link_source, problem = row.problem, removed = row.removed,
        linked_once = listing.linked_once OR EXISTS (
            SELECT FROM item WHERE item.tenant_id = listing.tenant_id AND item.kind <> 'service'
                               AND item.id IN (listing.item_id, row.item_id)),
        xid = CASE WHEN (listing.item_id, listing.removed)
                        IS DISTINCT FROM (row.item_id, row.removed)
                   THEN pg_current_xact_id() ELSE listing.xid END
    FROM unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[],
                %b::uuid[], %b::text[], %b::text[], %b::boolean[])
        AS row (channel_id, id, product_number, number_key, ean, gtin, name, item_id, link_source,
                problem, removed)
    WHERE listing.tenant_id = %s AND listing.channel_id = row.channel_id AND listing.id = row.id
"""
_SOURCES: Final = {
    None: api.LINK_SOURCE_UNSPECIFIED,
    LinkSource.PRODUCT_NUMBER: api.LINK_SOURCE_PRODUCT_NUMBER,
    LinkSource.EAN: api.LINK_SOURCE_EAN,
    LinkSource.MANUAL: api.LINK_SOURCE_MANUAL,
}


@dataclass(frozen=True, slots=True)
class Listing:
    """A channel's own product or variant. `removed` ones are kept, so that the end is told."""

    channel_id: str
    id: str
    keys: Keys
    name: str
    link: Link | None
    problem: str
    removed: bool

    @property
    def item_id(self) -> UUID | None:
        """The item it is linked to."""
        return self.link.item_id if self.link else None

    def outcome(self, paired: Link | Unpaired) -> "Listing":
        """The listing after a pairing."""
        if isinstance(paired, Link):
            return replace(self, link=paired, problem="")
        return replace(self, link=None, problem=paired.problem)

    def message(self) -> api.Listing:
        """As channels are told."""
        return api.Listing(
            id=self.id,
            product_number=self.keys.product_number,
            ean=self.keys.ean,
            name=self.name,
            item_id=str(self.link.item_id) if self.link else "",
            link_source=_SOURCES[self.link.source if self.link else None],
            problem=self.problem,
        )


def listing_of(row: Sequence[Any]) -> Listing:
    """The value of a row of COLUMNS."""
    channel_id, listing_id, number, ean, name, item_id, source, problem, removed = row
    link = None if item_id is None else Link(item_id, LinkSource(source))
    return Listing(channel_id, listing_id, Keys(number, ean), name, link, problem, removed)


async def store(connection: Connection, tenant_id: UUID, listings: Sequence[Listing]) -> None:
    """Write listings whose rows are locked. A change of link or removal is one for watchers."""
    if not listings:
        return
    await connection.execute(
        _STORE,
        [
            [listing.channel_id for listing in listings],
            [listing.id for listing in listings],
            [listing.keys.product_number for listing in listings],
            [listing.keys.number_key for listing in listings],
            [listing.keys.ean for listing in listings],
            [listing.keys.gtin for listing in listings],
            [listing.name for listing in listings],
            [listing.item_id for listing in listings],
            [listing.link.source if listing.link else None for listing in listings],
            [listing.problem for listing in listings],
            [listing.removed for listing in listings],
            tenant_id,
        ],
    )


async def lock_listings(
    connection: Connection, tenant_id: UUID, channel_id: str, ids: Sequence[str]
) -> list[Listing]:
    """Lock listings of a channel in the order of their ids, removed ones too."""
    cursor = await connection.execute(
        f"""
        SELECT {COLUMNS} FROM listing
        WHERE tenant_id = %s AND channel_id = %s AND id = ANY(%b) ORDER BY id FOR UPDATE
        """,
        [tenant_id, channel_id, list(ids)],
    )
    return [listing_of(row) for row in await cursor.fetchall()]


async def load_listing(
    connection: Connection, tenant_id: UUID, channel_id: str, listing_id: str, *, lock: bool = False
) -> Listing:
    """Read one listing, and lock its row where asked. Raises NotFound."""
    cursor = await connection.execute(
        f"SELECT {COLUMNS} FROM listing"
        " WHERE tenant_id = %s AND channel_id = %s AND id = %s AND NOT removed"
        + (" FOR UPDATE" if lock else ""),
        [tenant_id, channel_id, listing_id],
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound(f"the channel {channel_id!r} has no listing {listing_id!r}")
    return listing_of(row)


async def list_listings(
    connection: Connection, tenant_id: UUID, request: api.ListListingsRequest
) -> tuple[list[Listing], str]:
    """A page of listings by id, and the token of the next. Raises InvalidArgument.

    A link to an item that can't be sold counts as none, and says why; it stays,
    for the item may come back.
    """
    limit = page_size(request.page_size, default=PAGE_DEFAULT, maximum=PAGE_MAX)
    after = decode_token(request.page_token, 1)
    warehouse = await active_connection(connection, tenant_id)
    cursor = await connection.execute(
        f"""
        SELECT {ITEM_STANDS}, {COLUMNS} FROM listing
        WHERE tenant_id = %(tenant)s AND channel_id = %(channel)s AND id > %(after)s
          AND NOT removed AND NOT (%(unlinked)s AND {ITEM_STANDS})
        ORDER BY id LIMIT %(limit)s
        """,
        {
            "tenant": tenant_id,
            "connection": warehouse.id if warehouse else None,
            "channel": request.channel_id,
            "after": after[0] if after else "",
            "unlinked": request.unlinked_only,
            "limit": limit + 1,
        },
    )
    listings = [
        _explained(listing_of(row), stands=stands) for stands, *row in await cursor.fetchall()
    ]
    page = listings[:limit]
    return page, encode_token([page[-1].id]) if len(listings) > limit else ""


def _explained(listing: Listing, *, stands: bool) -> Listing:
    return listing if stands or listing.link is None else replace(listing, problem=ITEM_GONE)
