"""Work asked for: a reading of a connection, or whatever it has due."""

from datetime import timedelta
from uuid import UUID

from spojka import leases
from spojka.database import Connection
from stock.connections.model import ConnectionRow, load_connection
from stock.imports.resolving import CONNECTION_WORK


async def request_reading(
    connection: Connection, tenant_id: UUID, connection_id: UUID, kind: str, cause: str
) -> bool:
    """Ask for a reading at once; False where the connection is inactive. Raises NotFound.

    Who asked for a full one is not put off with an incremental one.
    """
    row = await load_connection(connection, tenant_id, connection_id, lock=True)
    if not row.active:
        return False
    await connection.execute(
        """
        UPDATE connection SET requested_cause = %s, retry_time = NULL,
            requested_reading = CASE WHEN requested_reading = 'full' THEN 'full' ELSE %s END
        WHERE tenant_id = %s AND id = %s
        """,
        [cause, kind, tenant_id, connection_id],
    )
    await offer_work(connection, row)
    return True


async def offer_work(connection: Connection, row: ConnectionRow) -> None:
    """Have an active connection worked on once this transaction is committed."""
    if row.active:
        await leases.offer(connection, CONNECTION_WORK, str(row.id), row.tenant_id, timedelta(0))
