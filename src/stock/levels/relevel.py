"""A connection's rule changed: every level and item is decided anew, in batches."""

from collections.abc import Callable
from typing import Final
from uuid import UUID

from spojka.database import Database
from stock.connections.model import StockRule
from stock.imports.absorb import absorb_holds
from stock.levels.publish import lock_items, publish
from stock.warehouses.port import Meaning

BATCH_ITEMS: Final = 500
NUMBER: Final = {
    Meaning.PHYSICAL: "on_hand",
    Meaning.NET_OF_RESERVATIONS: "on_hand - reserved",
    Meaning.NET_OF_ORDERS: "on_hand - ordered",
}


async def relevel(database: Database, rule: StockRule, after_commit: Callable[[], None]) -> None:
    """Recompute what levels mean, which holds are netted, and what items offer."""
    after: UUID | None = None
    while True:
        async with database.transaction(rule.tenant_id) as connection:
            cursor = await connection.execute(
                """
                SELECT id FROM item WHERE tenant_id = %s AND connection_id = %s
                  AND (%s::uuid IS NULL OR id > %s) ORDER BY id LIMIT %s
                """,
                [rule.tenant_id, rule.connection_id, after, after, BATCH_ITEMS],
            )
            ids = [row[0] for row in await cursor.fetchall()]
            await lock_items(connection, rule.tenant_id, ids)
            number = NUMBER[rule.meaning]
            await connection.execute(
                f"UPDATE level SET available = {number} WHERE tenant_id = %s AND item_id = ANY(%s)"
                f" AND available <> {number}".encode(),
                [rule.tenant_id, ids],
            )
            await absorb_holds(connection, rule, ids)
            await publish(connection, rule, ids, "rule changed")
        after_commit()
        if len(ids) < BATCH_ITEMS:
            return
        after = ids[-1]
