"""Impulse URLs: a secret token that leads to its connection while no tenant is known yet."""

import secrets
from typing import Final
from uuid import UUID

from spojka.database import Connection, Database
from spojka.errors import NotFound

IMPULSE_TOKEN_BYTES: Final = 24


def new_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(IMPULSE_TOKEN_BYTES)


async def find_impulse(database: Database, token: str) -> tuple[UUID, UUID]:
    """The tenant and the connection that a token leads to. Raises NotFound."""
    async with database.infrastructure() as connection:
        cursor = await connection.execute(
            "SELECT tenant_id, connection_id FROM impulse WHERE token = %s", [token]
        )
        found = await cursor.fetchone()
    if found is None:
        raise NotFound("there is no such impulse URL")
    tenant_id, connection_id = found
    return tenant_id, connection_id


async def rotate_token(connection: Connection, tenant_id: UUID, connection_id: UUID) -> None:
    """Give a locked connection another token; the old one ends at once."""
    token = new_token()
    await connection.execute(
        "UPDATE connection SET impulse_token = %s WHERE tenant_id = %s AND id = %s",
        [token, tenant_id, connection_id],
    )
    await lead_to(connection, tenant_id, connection_id, token)


async def lead_to(connection: Connection, tenant_id: UUID, connection_id: UUID, token: str) -> None:
    """Let this token, and none before it, lead to a connection."""
    await connection.execute(
        "DELETE FROM impulse WHERE tenant_id = %s AND connection_id = %s",
        [tenant_id, connection_id],
    )
    await connection.execute(
        "INSERT INTO impulse (token, tenant_id, connection_id) VALUES (%s, %s, %s)",
        [token, tenant_id, connection_id],
    )
