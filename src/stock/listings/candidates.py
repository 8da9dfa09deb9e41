"""The items that may be what an unlinked listing is: one bounded pass over the catalogue."""

from typing import Final
from uuid import UUID

from spojka.database import Connection
from stock.connections.model import active_connection
from stock.listings.rows import Listing
from stock.listings.suggestions import Candidate, loose_gtins, loose_number, words

CANDIDATES_MAX: Final = 300

# Both cases: PostgreSQL's lower() leaves such letters alone in the C locale.
# The letters of Czech, Slovak, Romanian, Polish, Hungarian and German names.
_ACCENTED: Final = (
    "áäàâăąčćçďéěëęíîľĺňńñóôöőřŕśšşșťţțúůüűýźžżÁÄÀÂĂĄČĆÇĎÉĚËĘÍÎĽĹŇŃÑÓÔÖŐŘŔŚŠŞȘŤŢȚÚŮÜŰÝŹŽŻ"
)
_PLAIN: Final = "aaaaaacccdeeeeiillnnnoooorrsssstttuuuuyzzz" * 2
_QUERY: Final = """
    SELECT id, product_number, ean, name
    FROM item
    CROSS JOIN LATERAL (
        SELECT ltrim(regexp_replace(translate(number_key, %(accented)s, %(plain)s),
                                    '[^0-9a-z]+', '', 'g'), '0') = %(number)s AS same_number,
               gtin = ANY(%(gtins)b)
                   OR ltrim(regexp_replace(ean, '[^0-9]+', '', 'g'), '0') = ANY(%(eans)b)
                   AS same_ean,
               (SELECT coalesce(sum(length(word)), 0) FROM unnest(%(words)b::text[]) AS word
                WHERE position(word IN translate(lower(name), %(accented)s, %(plain)s)) > 0) AS hits
    ) AS resemblance
    WHERE tenant_id = %(tenant)s AND connection_id = %(connection)s AND NOT removed
      AND (same_number AND %(number)s <> '' OR same_ean OR hits > 0)
    ORDER BY (same_number AND %(number)s <> '') DESC, coalesce(same_ean, false) DESC, hits DESC, id
    LIMIT %(limit)s
"""


async def find_candidates(
    connection: Connection, tenant_id: UUID, listing: Listing
) -> list[Candidate]:
    """The items that resemble a listing most by number, EAN or words of the name.

    Reads the whole catalogue of the connection once: it is for a person who
    asks for one listing.
    """
    warehouse = await active_connection(connection, tenant_id)
    if warehouse is None:
        return []
    gtins = loose_gtins(listing.keys.ean)
    cursor = await connection.execute(
        _QUERY.encode(),
        {
            "tenant": tenant_id,
            "connection": warehouse.id,
            "accented": _ACCENTED,
            "plain": _PLAIN,
            "number": loose_number(listing.keys.product_number),
            "gtins": gtins,
            # An item's EAN may lack its check digit, too.
            "eans": sorted({form.lstrip("0") for gtin in gtins for form in (gtin, gtin[:-1])}),
            "words": words(listing.name),
            "limit": CANDIDATES_MAX,
        },
    )
    return [Candidate(*row) for row in await cursor.fetchall()]
