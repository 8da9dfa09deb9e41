"""What a connection's work is due: questions to the database, answered without locks."""

from collections.abc import Collection
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


async def due_import(connection: Connection, row: ConnectionRow) -> UUID | None:
    """The import that has waited longest for its next step."""
    cursor = await connection.execute(
        f"SELECT order_id FROM order_import WHERE {_IMPORT_WORK} AND next_attempt_time <= now()"
        " ORDER BY next_attempt_time, order_id LIMIT 1",
        [row.tenant_id, row.id, row.automatic_import],
    )
    found = await cursor.fetchone()
    return found[0] if found else None


async def unread_documents(connection: Connection, row: ConnectionRow, limit: int) -> list[str]:
    """The ids of documents that were acknowledged and not read back yet."""
    cursor = await connection.execute(
        "SELECT document_id FROM order_import"
        " WHERE tenant_id = %s AND connection_id = %s AND unread AND state = 'acked'"
        " ORDER BY order_id LIMIT %s",
        [row.tenant_id, row.id, limit],
    )
    return list(dict.fromkeys(found[0] for found in await cursor.fetchall()))


async def open_documents(connection: Connection, row: ConnectionRow) -> list[str]:
    """The ids of documents of which something is still to come."""
    cursor = await connection.execute(
        "SELECT document_id FROM order_import"
        " WHERE tenant_id = %s AND connection_id = %s AND state = 'acked' AND NOT complete"
        " ORDER BY order_id",
        [row.tenant_id, row.id],
    )
    return list(dict.fromkeys(found[0] for found in await cursor.fetchall()))


async def orders_of_documents(
    connection: Connection, row: ConnectionRow, document_ids: Collection[str]
) -> list[tuple[str, UUID]]:
    """The documents that stand for orders that we know, each with its order.

    People may say of several orders that one document stands for them.
    """
    cursor = await connection.execute(
        """
        SELECT document_id, order_id FROM order_import
        WHERE tenant_id = %s AND connection_id = %s AND document_id = ANY(%s) AND document_id <> ''
        """,
        [row.tenant_id, row.id, list(document_ids)],
    )
    return await cursor.fetchall()


async def imports_by_hand(connection: Connection, row: ConnectionRow, limit: int) -> list[UUID]:
    """Orders that people put into the warehouse system themselves (automatic import off).

    First those that have not been looked up for the longest time.
    """
    if row.automatic_import:
        return []
    cursor = await connection.execute(
        "SELECT order_id FROM order_import WHERE tenant_id = %s AND connection_id = %s"
        " AND state = 'local' AND NOT complete ORDER BY next_attempt_time, order_id LIMIT %s",
        [row.tenant_id, row.id, limit],
    )
    return [found[0] for found in await cursor.fetchall()]


async def put_last(connection: Connection, row: ConnectionRow, order_id: UUID) -> None:
    """Have an order looked up again only after all others of `imports_by_hand`."""
    await connection.execute(
        "UPDATE order_import SET next_attempt_time = now()"
        " WHERE tenant_id = %s AND order_id = %s AND state = 'local'",
        [row.tenant_id, order_id],
    )


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
