"""A bank connection as the service stores it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from psycopg.rows import class_row

from spojka.database import Connection
from spojka.errors import NotFound

COLUMNS: Final = """
    tenant_id, id, name, account, account_key, currency, inactive, automatic_limit,
    automatic_per_hour, forwarding_mailboxes, address_id, create_time
"""


@dataclass(frozen=True, slots=True)
class BankConnectionRow:
    """One row of the table `connection`."""

    tenant_id: UUID
    id: UUID
    name: str
    account: str
    account_key: str
    currency: str
    inactive: bool
    automatic_limit: Decimal | None
    automatic_per_hour: int
    forwarding_mailboxes: list[str]
    address_id: UUID
    create_time: datetime


async def load_connection(
    connection: Connection, tenant_id: UUID, connection_id: UUID, *, lock: bool = False
) -> BankConnectionRow:
    """One connection of the tenant, locked to the transaction's end if wished. Raises NotFound."""
    async with connection.cursor(row_factory=class_row(BankConnectionRow)) as cursor:
        await cursor.execute(
            f"SELECT {COLUMNS} FROM connection WHERE tenant_id = %s AND id = %s"
            f"{' FOR UPDATE' if lock else ''}",
            [tenant_id, connection_id],
        )
        row = await cursor.fetchone()
    if row is None:
        raise NotFound(f"there is no bank connection {connection_id}")
    return row


async def list_connections(
    connection: Connection, tenant_id: UUID, after: UUID | None, limit: int
) -> list[BankConnectionRow]:
    """The tenant's connections, newest first, after the one with the id `after`."""
    async with connection.cursor(row_factory=class_row(BankConnectionRow)) as cursor:
        await cursor.execute(
            f"SELECT {COLUMNS} FROM connection WHERE tenant_id = %s"
            " AND (%s::uuid IS NULL OR id < %s::uuid) ORDER BY id DESC LIMIT %s",
            [tenant_id, after, after, limit],
        )
        return await cursor.fetchall()
