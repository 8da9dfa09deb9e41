"""What a connection's work is due: questions to the database, answered without locks."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from spojka.database import Connection
from stock.connections.model import ConnectionRow

_IMPORT_WORK: Final = """
    tenant_id = %s AND connection_id = %s AND NOT complete
    AND (state IN ('sent', 'unknown') OR (state = 'local' AND %s AND NOT cancelled)
         OR (state = 'acked' AND (cancelled OR document_revision < content_revision
                                               AND problem_lines = '{}')))
"""
READING_AFTER_IMPULSE: Final = "incremental"


@dataclass(frozen=True, slots=True)
class Document:
    """An order's document that is to be read back."""

    order_id: UUID
    document_id: str


async def due_import(connection: Connection, row: ConnectionRow) -> UUID | None:
    """The import that has waited longest for its next step."""
    cursor = await connection.execute(
        f"SELECT order_id FROM order_import WHERE {_IMPORT_WORK} AND next_attempt_time <= now()"
        " ORDER BY next_attempt_time, order_id LIMIT 1",
        [row.tenant_id, row.id, row.automatic_import],
    )
    found = await cursor.fetchone()
    return found[0] if found else None


async def unread_documents(
    connection: Connection, row: ConnectionRow, limit: int
) -> list[Document]:
    """Documents that were acknowledged and not read back yet."""
    cursor = await connection.execute(
        "SELECT order_id, document_id FROM order_import"
        " WHERE tenant_id = %s AND connection_id = %s AND unread AND state = 'acked'"
        " ORDER BY order_id LIMIT %s",
        [row.tenant_id, row.id, limit],
    )
    return [Document(*found) for found in await cursor.fetchall()]


async def open_documents(connection: Connection, row: ConnectionRow) -> list[Document]:
    """Documents of which something is still to come."""
    cursor = await connection.execute(
        "SELECT order_id, document_id FROM order_import"
        " WHERE tenant_id = %s AND connection_id = %s AND state = 'acked' AND NOT complete"
        " ORDER BY order_id",
        [row.tenant_id, row.id],
    )
    return [Document(*found) for found in await cursor.fetchall()]


async def orders_of_documents(
    connection: Connection, row: ConnectionRow, document_ids: list[str]
) -> dict[str, UUID]:
    """Which of the documents stand for orders that we know."""
    cursor = await connection.execute(
        """
        SELECT document_id, order_id FROM order_import
        WHERE tenant_id = %s AND connection_id = %s AND document_id = ANY(%s) AND document_id <> ''
        """,
        [row.tenant_id, row.id, document_ids],
    )
    return dict(await cursor.fetchall())


async def imports_by_hand(connection: Connection, row: ConnectionRow, limit: int) -> list[UUID]:
    """Orders that people put into the warehouse system themselves (automatic import off)."""
    if row.automatic_import:
        return []
    cursor = await connection.execute(
        "SELECT order_id FROM order_import WHERE tenant_id = %s AND connection_id = %s"
        " AND state = 'local' AND NOT complete ORDER BY order_id LIMIT %s",
        [row.tenant_id, row.id, limit],
    )
    return [found[0] for found in await cursor.fetchall()]


async def time_left(connection: Connection, row: ConnectionRow) -> timedelta:
    """How long there is nothing to do, as far as is known now; below zero where it is late."""
    cursor = await connection.execute(
        f"SELECT now(), min(next_attempt_time) FROM order_import WHERE {_IMPORT_WORK}",
        [row.tenant_id, row.id, row.automatic_import],
    )
    found = await cursor.fetchone()
    assert found is not None
    now, next_attempt = found
    times = [row.next_reading_time, row.next_probe_time]
    if next_attempt is not None:
        times.append(next_attempt)
    due = max(min(times), row.retry_time) if row.retry_time else min(times)
    left: timedelta = due - now
    return left


def reading_due(row: ConnectionRow) -> tuple[str, str] | None:
    """The reading to begin now: its kind and its cause; None where none is due."""
    now = row.as_of_time
    full_age = timedelta(hours=row.full_hours)
    stale = row.last_full_time is None or now - row.last_full_time >= full_age
    must_be_full = stale or row.cursor is None or row.state == "starting"
    if row.requested_reading is not None:
        full = must_be_full or row.requested_reading == "full"
        return "full" if full else "incremental", row.requested_cause or "asked for"
    if row.state == "starting" or row.next_reading_time <= now:
        return "full" if must_be_full else "incremental", "schedule"
    return None
