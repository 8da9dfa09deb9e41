"""Which items the lines of orders are: the listing's link first, else the line's own keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from spojka.database import Connection
from stock.connections.model import active_connection
from stock.listings.catalogue import load_catalogue
from stock.listings.links import NO_WAREHOUSE
from stock.listings.pairing import Catalogue, Keys, Link, LinkSource, Pairing, Unpaired

_LISTINGS: Final = """
    SELECT line.place, listing.product_number, listing.ean, listing.item_id, listing.link_source
    FROM unnest(%b::bigint[], %b::text[], %b::text[]) AS line (place, channel_id, id)
    JOIN listing ON listing.tenant_id = %s AND listing.channel_id = line.channel_id
                AND listing.id = line.id
"""


@dataclass(frozen=True, slots=True)
class LineKeys:
    """How an order's line names its goods; what it does not say is empty."""

    channel_id: str
    listing_id: str
    product_number: str
    ean: str


@dataclass(frozen=True, slots=True)
class _Known:
    keys: Keys
    link: Link | None


async def resolve_lines(
    connection: Connection, tenant_id: UUID, lines: Sequence[LineKeys]
) -> list[Link | Unpaired]:
    """The item of each line, or the problem in words; of any number of orders at once."""
    if not lines:
        return []
    warehouse = await active_connection(connection, tenant_id)
    if warehouse is None:
        return [NO_WAREHOUSE] * len(lines)
    known = await _listings(connection, tenant_id, lines)
    keys = [_keys(line, known.get(place)) for place, line in enumerate(lines)]
    catalogue = await load_catalogue(
        connection,
        tenant_id,
        warehouse.id,
        Pairing(warehouse.pairing),
        keys,
        {entry.link.item_id for entry in known.values() if entry.link is not None},
    )
    return [
        _resolve(catalogue, line, keys[place], known.get(place)) for place, line in enumerate(lines)
    ]


async def _listings(
    connection: Connection, tenant_id: UUID, lines: Sequence[LineKeys]
) -> dict[int, _Known]:
    # Removed listings count: the order was taken while the listing was there.
    named = [(place, line) for place, line in enumerate(lines) if line.listing_id]
    cursor = await connection.execute(
        _LISTINGS,
        [
            [place for place, _line in named],
            [line.channel_id for _place, line in named],
            [line.listing_id for _place, line in named],
            tenant_id,
        ],
    )
    return {
        place: _Known(
            Keys(number, ean), None if item_id is None else Link(item_id, LinkSource(source))
        )
        for place, number, ean, item_id, source in await cursor.fetchall()
    }


def _keys(line: LineKeys, listing: _Known | None) -> Keys:
    if listing is None:
        return Keys(line.product_number, line.ean)
    return Keys(line.product_number or listing.keys.product_number, line.ean or listing.keys.ean)


def _resolve(
    catalogue: Catalogue, line: LineKeys, keys: Keys, listing: _Known | None
) -> Link | Unpaired:
    if listing is not None and listing.link is not None:
        if catalogue.has(listing.link.item_id):
            return listing.link
        if listing.link.source is LinkSource.MANUAL:
            return Unpaired(
                f"listing {line.listing_id!r} was linked by hand to an item that is no longer in"
                " the warehouse system: link it to another"
            )
    paired = catalogue.pair(keys)
    if isinstance(paired, Link) or not line.listing_id:
        return paired
    where = "is not known" if listing is None else "is linked to no item"
    return Unpaired(f"listing {line.listing_id!r} {where}, and {paired.problem}")
