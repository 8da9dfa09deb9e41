"""The inbox: fact events that a consumer has handled, remembered with their effects."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import psycopg
import structlog

from spojka.database import Connection, Database
from spojka.delivery.handler import ReceivedEvent
from spojka.errors import Unavailable

PRUNE_INTERVAL_SECONDS: Final = 3600.0
PRUNE_MAX_ROWS: Final = 10_000

_REMEMBER: Final = """
    INSERT INTO inbox (consumer, id) SELECT %s, unnest(%b::uuid[])
    ON CONFLICT DO NOTHING RETURNING id
"""
_PRUNE: Final = """
    DELETE FROM inbox WHERE (consumer, id) IN (
        SELECT consumer, id FROM inbox WHERE time < now() - %s ORDER BY time LIMIT %s
    )
"""

log = structlog.get_logger()


async def remember(
    connection: Connection, consumer: str, events: Sequence[ReceivedEvent]
) -> list[ReceivedEvent]:
    """Write the events into the inbox of the running transaction; give the new ones, in order.

    Waits for another transaction that is handling one of them, and then
    leaves out what that one committed.
    """
    by_id: dict[UUID, ReceivedEvent] = {}
    for event in events:
        by_id.setdefault(event.id, event)
    # Sorted, so that two consumers of the same events wait for each other instead of deadlocking.
    cursor = await connection.execute(_REMEMBER, [consumer, sorted(by_id)])
    new: set[UUID] = {row[0] for row in await cursor.fetchall()}
    return [event for id_, event in by_id.items() if id_ in new]


async def prune(database: Database, retention_days: int) -> int:
    """Forget events handled more than `retention_days` ago; give how many."""
    forgotten = 0
    while True:
        async with database.autocommit() as connection:
            cursor = await connection.execute(
                _PRUNE, [timedelta(days=retention_days), PRUNE_MAX_ROWS]
            )
        forgotten += cursor.rowcount
        if cursor.rowcount < PRUNE_MAX_ROWS:
            return forgotten


async def keep_pruned(database: Database, retention_days: int) -> None:
    """Prune every hour, without end. A composition root runs it once a service."""
    while True:
        try:
            forgotten = await prune(database, retention_days)
            log.debug("inbox pruned", events=forgotten)
        except (Unavailable, psycopg.Error) as error:
            log.warning("inbox could not be pruned", error=str(error))
        await asyncio.sleep(PRUNE_INTERVAL_SECONDS)
