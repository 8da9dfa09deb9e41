"""Numbers for requests: drawn and committed before the request is sent (DESIGN §4).

Clocks of several processes can't be compared; these numbers can. A level's
`capture` and an acknowledgement's place in time are such numbers.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from spojka.database import Connection, Database


@dataclass(frozen=True, slots=True)
class Numbered:
    """A request that is about to be sent: its number, and when by PostgreSQL's clock."""

    number: int
    asked_time: datetime


async def draw_number(connection: Connection, tenant_id: UUID, connection_id: UUID) -> Numbered:
    """Draw the next number inside the running transaction; valid once that is committed."""
    cursor = await connection.execute(
        """
        INSERT INTO request_number (tenant_id, connection_id, last) VALUES (%s, %s, 1)
        ON CONFLICT (tenant_id, connection_id) DO UPDATE SET last = request_number.last + 1
        RETURNING last, clock_timestamp()
        """,
        [tenant_id, connection_id],
    )
    row = await cursor.fetchone()
    assert row is not None
    return Numbered(*row)


async def draw(database: Database, tenant_id: UUID, connection_id: UUID) -> Numbered:
    """Draw the next number in a transaction of its own."""
    async with database.transaction(tenant_id) as connection:
        return await draw_number(connection, tenant_id, connection_id)
