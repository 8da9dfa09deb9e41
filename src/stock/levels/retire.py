"""Another connection took a merchant's warehouse over: what the former one knew is withdrawn."""

from collections.abc import Callable
from typing import Final
from uuid import UUID

from spojka.database import Database
from stock.connections.model import load_connection
from stock.levels.publish import lock_items, publish

BATCH_ITEMS: Final = 500


async def retire_others(
    database: Database, tenant_id: UUID, connection_id: UUID, after_commit: Callable[[], None]
) -> None:
    """Remove the items of the tenant's other connections: they offer nothing any more.

    Holds of orders that stand in the former warehouse system stay recorded.
    When that connection is activated again, its full reading brings the items
    back. Nothing is removed any more once `connection_id` is switched off itself.
    """
    while True:
        async with database.transaction(tenant_id) as connection:
            # Locked: while it is active, no other one is, whose items these would be.
            if not (await load_connection(connection, tenant_id, connection_id, lock=True)).active:
                return
            cursor = await connection.execute(
                """
                SELECT id, connection_id FROM item
                WHERE tenant_id = %s AND connection_id <> %s AND NOT removed
                ORDER BY connection_id, id LIMIT %s
                """,
                [tenant_id, connection_id, BATCH_ITEMS],
            )
            rows = await cursor.fetchall()
            for former in {row[1] for row in rows}:
                ids = [item_id for item_id, owner in rows if owner == former]
                rule = (await load_connection(connection, tenant_id, former)).rule
                rule = await lock_items(connection, rule, ids)
                await connection.execute(
                    "DELETE FROM level WHERE tenant_id = %s AND item_id = ANY(%s)", [tenant_id, ids]
                )
                await connection.execute(
                    "UPDATE item SET removed = true, gtin = NULL"
                    " WHERE tenant_id = %s AND id = ANY(%s)",
                    [tenant_id, ids],
                )
                await publish(connection, rule, ids, "another warehouse took over")
        after_commit()
        if len(rows) < BATCH_ITEMS:
            return
