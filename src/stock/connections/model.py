"""A warehouse connection as the rest of the service needs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from psycopg.rows import class_row

from spojka.database import Connection
from spojka.errors import NotFound
from spojka.secrets import Sealed
from stock.domain.availability import Aggregation
from stock.warehouses.port import Meaning

COLUMNS: Final = """
    tenant_id, id, system, name, state, settings, sealing_key, credentials, credential_names,
    meaning, aggregation, buffer, pairing, automatic_import, reading_seconds, probe_seconds,
    full_hours, mass_change_limit_percent, impulse_token, cursor, probe_cursor, requested_reading,
    requested_cause, last_full_time, last_reading_time, next_reading_time, next_probe_time,
    failures, retry_time, problem, epoch, named, decide_after, decide_cause, now() AS as_of_time
"""


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """One row of the table `connection`; the credentials are sealed.

    `as_of_time` is PostgreSQL's time when it was read: what is due is a matter of
    one clock, whichever process looks.
    """

    tenant_id: UUID
    id: UUID
    system: str
    name: str
    state: str
    settings: Mapping[str, str]
    sealing_key: str
    credentials: bytes
    credential_names: list[str]
    meaning: str
    aggregation: str
    buffer: Decimal
    pairing: str
    automatic_import: bool
    reading_seconds: int
    probe_seconds: int
    full_hours: int
    mass_change_limit_percent: int
    impulse_token: str
    cursor: str | None
    probe_cursor: str | None
    requested_reading: str | None
    requested_cause: str
    last_full_time: datetime | None
    last_reading_time: datetime | None
    next_reading_time: datetime
    next_probe_time: datetime
    failures: int
    retry_time: datetime | None
    problem: str
    epoch: int
    named: Mapping[str, list[str]] | None
    decide_after: UUID | None
    decide_cause: str
    as_of_time: datetime

    @property
    def active(self) -> bool:
        """Whether it is read and takes orders."""
        return self.state != "inactive"

    @property
    def sealed(self) -> Sealed:
        """The credentials as they are stored."""
        return Sealed(self.sealing_key, self.credentials)

    @property
    def place(self) -> str:
        """Where the credentials are sealed for."""
        return f"warehouse_connection/{self.tenant_id}/{self.id}"

    @property
    def rule(self) -> "StockRule":
        """What decides about availability."""
        return StockRule(
            self.tenant_id,
            self.id,
            Meaning(self.meaning),
            Aggregation(self.aggregation),
            self.buffer,
            may_rise=self.state != "starting" or self.last_reading_time is None,
        )


@dataclass(frozen=True, slots=True)
class StockRule:
    """What of a connection decides about availability.

    `may_rise` is False between a re-activation and the end of its first full
    reading: numbers may fall, but none rises.
    """

    tenant_id: UUID
    connection_id: UUID
    meaning: Meaning
    aggregation: Aggregation
    buffer: Decimal
    may_rise: bool = True


async def load_connection(
    connection: Connection, tenant_id: UUID, connection_id: UUID, *, lock: bool = False
) -> ConnectionRow:
    """Read a connection, and lock its row where asked. Raises NotFound."""
    async with connection.cursor(row_factory=class_row(ConnectionRow)) as cursor:
        await cursor.execute(
            f"SELECT {COLUMNS} FROM connection WHERE tenant_id = %s AND id = %s"
            + (" FOR UPDATE" if lock else ""),
            [tenant_id, connection_id],
        )
        row = await cursor.fetchone()
    if row is None:
        raise NotFound(f"there is no warehouse connection {connection_id}")
    return row


async def active_connection(connection: Connection, tenant_id: UUID) -> ConnectionRow | None:
    """The tenant's active connection; where none is, the one that was active last or None."""
    async with connection.cursor(row_factory=class_row(ConnectionRow)) as cursor:
        await cursor.execute(
            f"""
            SELECT {COLUMNS} FROM connection WHERE tenant_id = %s
            ORDER BY state = 'inactive', last_reading_time DESC NULLS LAST, id DESC LIMIT 1
            """,
            [tenant_id],
        )
        return await cursor.fetchone()


async def list_connections(
    connection: Connection, tenant_id: UUID, after: UUID | None, limit: int
) -> list[ConnectionRow]:
    """The tenant's connections, newest first, those older than `after`."""
    async with connection.cursor(row_factory=class_row(ConnectionRow)) as cursor:
        await cursor.execute(
            f"SELECT {COLUMNS} FROM connection WHERE tenant_id = %s"
            " AND (%s::uuid IS NULL OR id < %s::uuid) ORDER BY id DESC LIMIT %s",
            [tenant_id, *([after] * 2), limit],
        )
        return await cursor.fetchall()
