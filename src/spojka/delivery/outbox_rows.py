"""The outbox as the relay reads it: batches of a lane, and the deletion of what was published."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from spojka.database import Database

BATCH_MAX_ROWS: Final = 5_000
BATCH_MAX_BYTES: Final = 4 * 1024 * 1024


OutboxRow = tuple[int, str, str, datetime, str, str, str, bytes | None]
"""Number, topic, type, time, traceparent, id, key and value of one event, as the driver gives it:
making an object of it would take as long as reading it."""

_ADVANCE: Final = "SELECT * FROM outbox_advance(%b::smallint, %b::bigint[], %b, %b)"

_DELETE: Final = "DELETE FROM outbox WHERE lane = %b AND number = ANY(%b::bigint[])"

_IDS: Final = """
    SELECT id::text FROM outbox WHERE lane = %b AND number = ANY(%b::bigint[]) ORDER BY number
"""

_DEPTH_MAX_ROWS: Final = 100_000

DEPTH: Final = f"""
    SELECT (SELECT count(*) FROM (SELECT FROM outbox LIMIT {_DEPTH_MAX_ROWS}) AS waiting),
           coalesce(extract(epoch FROM now() - min(head.time)), 0)::float8
    FROM unnest(%b::smallint[]) AS l (lane)
    CROSS JOIN LATERAL (
        SELECT time FROM outbox WHERE lane = l.lane ORDER BY number LIMIT 1
    ) AS head
"""
"""Rows that wait (up to a limit) and the age of the oldest lane head."""


async def advance(database: Database, lane: int, published: Sequence[int]) -> list[OutboxRow]:
    """Delete the rows that were published and read the next batch, in one round trip."""
    async with (
        database.autocommit() as connection,
        connection.cursor(binary=True) as cursor,
    ):
        await cursor.execute(_ADVANCE, [lane, list(published), BATCH_MAX_ROWS, BATCH_MAX_BYTES])
        return await cursor.fetchall()


async def delete(database: Database, lane: int, numbers: Sequence[int]) -> None:
    """Delete exactly these rows. Numbers are never drawn twice, so doing it late does no harm."""
    async with database.autocommit() as connection:
        await connection.execute(_DELETE, [lane, list(numbers)])


async def ids(database: Database, lane: int, numbers: Sequence[int]) -> list[str]:
    """The ids of those of the rows that are still there, by number."""
    async with database.autocommit() as connection:
        cursor = await connection.execute(_IDS, [lane, list(numbers)])
        return [row[0] for row in await cursor.fetchall()]
