"""Tenants in the database."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from spojka.api.accounts.v1 import accounts_service_pb2 as accounts
from spojka.database import Connection
from spojka.outbox import new_id

_COLUMNS: Final = "id, name, display_name, create_time"


def read_as_id(id_or_name: str) -> UUID | None:
    """The id that a text stands for; None where it can only be a name."""
    try:
        return UUID(id_or_name)
    except ValueError:
        return None


async def find_tenant_id(connection: Connection, id_or_name: str) -> UUID | None:
    """The tenant of this id, or else of this name; None where there is none."""
    cursor = await connection.execute(
        "SELECT id FROM tenant WHERE id = %(id)s OR name = %(name)s"
        " ORDER BY id IS NOT DISTINCT FROM %(id)s DESC LIMIT 1",
        {"id": read_as_id(id_or_name), "name": id_or_name},
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def is_tenant_id(connection: Connection, text: str) -> bool:
    """Whether a text would be taken for a tenant's id."""
    cursor = await connection.execute("SELECT FROM tenant WHERE id = %s", [read_as_id(text)])
    return await cursor.fetchone() is not None


async def insert_tenant(
    connection: Connection, name: str, display_name: str
) -> accounts.Tenant | None:
    """Store a tenant; the same again is the same tenant. None where another has the name."""
    await connection.execute(
        "INSERT INTO tenant (id, name, display_name) VALUES (%s, %s, %s)"
        " ON CONFLICT (name) DO NOTHING",
        [new_id(), name, display_name],
    )
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM tenant WHERE name = %s AND display_name = %s",
        [name, display_name],
    )
    row = await cursor.fetchone()
    return _message(row) if row else None


async def list_tenants(
    connection: Connection, *, after: str | None, limit: int
) -> list[accounts.Tenant]:
    """Tenants by name, above the name `after`."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM tenant WHERE %s::text IS NULL OR name > %s ORDER BY name LIMIT %s",
        [after, after, limit],
    )
    return [_message(row) for row in await cursor.fetchall()]


def _message(row: Sequence[Any]) -> accounts.Tenant:
    tenant_id, name, display_name, created = row
    message = accounts.Tenant(id=str(tenant_id), name=name, display_name=display_name)
    message.create_time.FromDatetime(created)
    return message
