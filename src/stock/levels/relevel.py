"""Items decided anew: a connection's rule changed, it may rise again, or a backup was restored.

Who gives the reason asks for it in the same transaction (`ask`); the connection
remembers how far it went. It is done at once by who asked; what a stopped
process leaves is done by the connection's worker before anything else.
"""

from collections.abc import Callable, Collection
from typing import Final
from uuid import UUID

from spojka.database import Connection, Database
from stock.connections.model import StockRule, load_connection
from stock.imports.absorb import absorb_items
from stock.levels.publish import lock_items, publish
from stock.warehouses.port import Meaning

BATCH_ITEMS: Final = 500
NUMBER: Final = {
    Meaning.PHYSICAL: "on_hand",
    Meaning.NET_OF_RESERVATIONS: "on_hand - reserved",
    Meaning.NET_OF_ORDERS: "on_hand - ordered",
}
_FIRST: Final = UUID(int=0)


async def ask(connection: Connection, tenant_id: UUID, connection_id: UUID, cause: str) -> None:
    """Ask that every item of a connection be decided anew, from the first."""
    await _set_rest(connection, tenant_id, connection_id, _FIRST, cause)


async def relevel(
    database: Database, tenant_id: UUID, connection_id: UUID, after_commit: Callable[[], None]
) -> None:
    """Do what was asked: what levels mean, which holds are netted, what items offer."""
    while await _decide_batch(database, tenant_id, connection_id):
        after_commit()


async def decide_anew(
    connection: Connection, rule: StockRule, item_ids: Collection[UUID], cause: str
) -> None:
    """Decide locked items: what their levels mean, which holds are netted, what they offer."""
    number = NUMBER[rule.meaning]
    await connection.execute(
        f"UPDATE level SET available = {number} WHERE tenant_id = %s AND item_id = ANY(%s)"
        f" AND available <> {number}".encode(),
        [rule.tenant_id, list(item_ids)],
    )
    await absorb_items(connection, rule, item_ids)
    await publish(connection, rule, item_ids, cause)


async def _decide_batch(database: Database, tenant_id: UUID, connection_id: UUID) -> bool:
    """Decide the next items; False where none is left."""
    async with database.transaction(tenant_id) as connection:
        row = await load_connection(connection, tenant_id, connection_id, lock=True)
        if row.decide_after is None:
            return False
        cursor = await connection.execute(
            "SELECT id FROM item WHERE tenant_id = %s AND connection_id = %s AND id > %s"
            " ORDER BY id LIMIT %s",
            [tenant_id, connection_id, row.decide_after, BATCH_ITEMS],
        )
        ids = [found[0] for found in await cursor.fetchall()]
        rule = await lock_items(connection, row.rule, ids)
        await decide_anew(connection, rule, ids, row.decide_cause)
        rest = ids[-1] if len(ids) == BATCH_ITEMS else None
        await _set_rest(connection, tenant_id, connection_id, rest, row.decide_cause)
    return True


async def _set_rest(
    connection: Connection, tenant_id: UUID, connection_id: UUID, after: UUID | None, cause: str
) -> None:
    await connection.execute(
        "UPDATE connection SET decide_after = %s, decide_cause = %s"
        " WHERE tenant_id = %s AND id = %s",
        [after, cause if after else "", tenant_id, connection_id],
    )
