"""The inbox: fact events that a consumer has handled, remembered with their effects."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from spojka.database import Connection, Database
from spojka.delivery.handler import ReceivedEvent

PRUNE_MAX_ROWS: Final = 10_000

_REMEMBER: Final = """
    INSERT INTO inbox (consumer, id) SELECT %s, unnest(%b::uuid[])
    ON CONFLICT DO NOTHING RETURNING id
"""
_PRUNE: Final = """
    DELETE FROM inbox WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM inbox WHERE time < now() - %s ORDER BY time LIMIT %s
    ))
"""


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
