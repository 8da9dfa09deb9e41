"""The items of the tenant's warehouse connection, as pairing needs them, and pairing's lock."""

from collections.abc import Collection, Iterable
from typing import Final
from uuid import UUID

from spojka.database import Connection
from stock.listings.pairing import Catalogue, ItemKeys, Keys, Pairing

# Three index scans: one statement with OR would read every item.
_ITEMS: Final = """
    SELECT id, number_key, gtin FROM item
    WHERE tenant_id = %(tenant)s AND connection_id = %(connection)s AND NOT removed
      AND number_key = ANY(%(numbers)b)
    UNION
    SELECT id, number_key, gtin FROM item
    WHERE tenant_id = %(tenant)s AND connection_id = %(connection)s AND NOT removed
      AND gtin = ANY(%(gtins)b)
    UNION
    SELECT id, number_key, gtin FROM item
    WHERE tenant_id = %(tenant)s AND connection_id = %(connection)s AND NOT removed
      AND id = ANY(%(ids)b)
"""
_LOCK: Final = "SELECT pg_advisory_xact_lock{}(hashtextextended('stock pairing ' || %s, 0))"


async def share_pairing(connection: Connection, tenant_id: UUID) -> None:
    """Keep items from appearing until the transaction ends, while listings are paired.

    Without it a listing and its item, each new in a transaction that does not
    see the other, would never meet.
    """
    await connection.execute(_LOCK.format("_shared").encode(), [str(tenant_id)])


async def own_pairing(connection: Connection, tenant_id: UUID) -> None:
    """Keep listings from being paired until the transaction ends, once items have appeared."""
    await connection.execute(_LOCK.format("").encode(), [str(tenant_id)])


async def load_catalogue(
    connection: Connection,
    tenant_id: UUID,
    connection_id: UUID,
    pairing: Pairing,
    keys: Iterable[Keys],
    item_ids: Collection[UUID],
) -> Catalogue:
    """The items that any of the keys may find, and those of the ids."""
    keys = list(keys)
    cursor = await connection.execute(
        _ITEMS,
        {
            "tenant": tenant_id,
            "connection": connection_id,
            "numbers": sorted({key.number_key for key in keys} - {""}),
            "gtins": sorted({gtin for key in keys if (gtin := key.gtin) is not None}),
            "ids": sorted(item_ids),
        },
    )
    items = {row[0]: ItemKeys(*row) for row in await cursor.fetchall()}
    return Catalogue(items, pairing)
