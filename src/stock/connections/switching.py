"""Connections switched on and off: at most one of a tenant is active."""

from uuid import UUID

import psycopg

from spojka.database import Connection
from spojka.errors import FailedPrecondition
from stock.connections.model import ConnectionRow, load_connection
from stock.connections.requesting import offer_work
from stock.imports.resolving import offer_resolving
from stock.listings.links import link_adrift


async def activate(connection: Connection, tenant_id: UUID, connection_id: UUID) -> ConnectionRow:
    """Make a connection the active one; it begins with a full reading.

    Raises NotFound, and FailedPrecondition where another one is active. What the
    former one offered is withdrawn afterwards (`stock.levels.retire`).
    """
    row = await load_connection(connection, tenant_id, connection_id, lock=True)
    if not row.active:
        await _start(connection, tenant_id, connection_id)
        await link_adrift(connection, tenant_id)
    await offer_resolving(connection, tenant_id)
    row = await load_connection(connection, tenant_id, connection_id)
    await offer_work(connection, row)
    return row


async def _start(connection: Connection, tenant_id: UUID, connection_id: UUID) -> None:
    try:
        await connection.execute(
            "UPDATE connection SET state = 'starting', retry_time = NULL,"
            " failures = 0, problem = '' WHERE tenant_id = %s AND id = %s",
            [tenant_id, connection_id],
        )
    except psycopg.errors.UniqueViolation as error:
        raise FailedPrecondition(
            "another warehouse connection is active: deactivate it first",
            reason="ANOTHER_CONNECTION_ACTIVE",
        ) from error


async def deactivate(connection: Connection, tenant_id: UUID, connection_id: UUID) -> ConnectionRow:
    """Stop readings and imports; levels are frozen, holds kept. Raises NotFound."""
    await load_connection(connection, tenant_id, connection_id, lock=True)
    await connection.execute(
        "UPDATE connection SET state = 'inactive' WHERE tenant_id = %s AND id = %s",
        [tenant_id, connection_id],
    )
    return await load_connection(connection, tenant_id, connection_id)
