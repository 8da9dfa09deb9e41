"""The catalogue in parts, for the search for what an unlinked listing may be."""

from collections.abc import AsyncGenerator
from typing import Final
from uuid import UUID

from spojka.database import Connection
from stock.connections.model import active_connection
from stock.listings.suggestions import Candidate

PART_ITEMS: Final = 1000
"""Few enough that looking at a part does not hold up the event loop."""

_FIRST: Final = UUID(int=0)
_PART: Final = """
    SELECT id, product_number, ean, name FROM item
    WHERE tenant_id = %s AND connection_id = %s AND NOT removed AND id > %s
    ORDER BY id LIMIT %s
"""


async def read_candidates(
    connection: Connection, tenant_id: UUID
) -> AsyncGenerator[list[Candidate]]:
    """All items of the present connection, in parts.

    It is for a person who asks for one listing: 100,000 items take a few seconds.
    """
    warehouse = await active_connection(connection, tenant_id)
    if warehouse is None:
        return
    after = _FIRST
    while True:
        cursor = await connection.execute(
            _PART, [tenant_id, warehouse.id, after, PART_ITEMS], binary=True
        )
        part = [Candidate(*row) for row in await cursor.fetchall()]
        yield part
        if len(part) < PART_ITEMS:
            return
        after = part[-1].item_id
