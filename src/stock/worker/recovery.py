"""What a worker does first: what a stopped process, or a restored backup, left undone."""

from spojka.database import Connection, Database
from stock.connections.model import ConnectionRow
from stock.levels import relevel
from stock.levels.epoch import current_epoch


async def resume_readings(database: Database, row: ConnectionRow) -> int:
    """Ask again for a reading that a stopped process left behind; gives the current epoch."""
    async with database.transaction(row.tenant_id) as connection:
        cursor = await connection.execute(
            "UPDATE reading SET state = 'failed', end_time = now(), problem = 'interrupted'"
            " WHERE tenant_id = %s AND connection_id = %s AND state = 'running' RETURNING kind",
            [row.tenant_id, row.id],
        )
        kinds = {found[0] for found in await cursor.fetchall()}
        if kinds:
            await ask_again(
                connection, row, "full" if "full" in kinds else "incremental", "interrupted"
            )
        return await current_epoch(connection)


async def ask_again(connection: Connection, row: ConnectionRow, kind: str, cause: str) -> None:
    """Ask again for a reading that broke off, unless at least as much is asked for by now."""
    await connection.execute(
        "UPDATE connection SET requested_reading = %s, requested_cause = %s"
        " WHERE tenant_id = %s AND id = %s"
        " AND (requested_reading IS NULL OR (requested_reading, %s) = ('incremental', 'full'))",
        [kind, cause, row.tenant_id, row.id, kind],
    )


async def say_in(database: Database, row: ConnectionRow, epoch: int) -> None:
    """Have every item's number said anew in an epoch that readers have not seen."""
    async with database.transaction(row.tenant_id) as connection:
        await connection.execute(
            "UPDATE connection SET epoch = %s WHERE tenant_id = %s AND id = %s",
            [epoch, row.tenant_id, row.id],
        )
        await relevel.ask(connection, row.tenant_id, row.id, "backup restored")
