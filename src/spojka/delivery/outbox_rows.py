"""The outbox as the relay reads it: batches of lanes, and the deletion of what was published."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Final
from uuid import UUID

from psycopg.rows import args_row

from spojka.database import Database

BATCH_MAX_ROWS: Final = 500
BATCH_MAX_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One event that the broker has not acknowledged yet."""

    lane: int
    number: int
    topic: str
    key: str
    type: str
    id: UUID
    time: datetime
    traceparent: str
    value: bytes | None


_FETCH: Final = """
    SELECT o.lane, number, topic, key, type, id, time, traceparent, value
    FROM unnest(%b::smallint[]) AS held (lane)
    CROSS JOIN LATERAL (
        SELECT *, sum(bytes) OVER (ORDER BY number) - bytes AS bytes_before
        FROM (
            SELECT *, coalesce(octet_length(value), 0) AS bytes
            FROM outbox WHERE lane = held.lane ORDER BY number LIMIT %s
        ) AS head
    ) AS o
    WHERE bytes_before < %s
    ORDER BY o.lane, number
"""

_DELETE: Final = "DELETE FROM outbox WHERE lane = %b AND number = ANY(%b::bigint[])"

_IDS: Final = """
    SELECT id FROM outbox WHERE lane = %b AND number = ANY(%b::bigint[]) ORDER BY number
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


async def fetch(database: Database, lanes: Sequence[int]) -> Iterator[tuple[int, list[OutboxRow]]]:
    """Read the next batch of each lane that has rows, in one statement and no transaction."""
    async with (
        database.autocommit() as connection,
        connection.cursor(binary=True, row_factory=args_row(OutboxRow)) as cursor,
    ):
        await cursor.execute(_FETCH, [list(lanes), BATCH_MAX_ROWS, BATCH_MAX_BYTES])
        rows = await cursor.fetchall()
    return ((lane, list(batch)) for lane, batch in groupby(rows, attrgetter("lane")))


async def delete(database: Database, lane: int, numbers: Sequence[int]) -> None:
    """Delete exactly these rows. Numbers are never drawn twice, so doing it late does no harm."""
    async with database.autocommit() as connection:
        await connection.execute(_DELETE, [lane, list(numbers)])


async def ids(database: Database, lane: int, numbers: Sequence[int]) -> list[UUID]:
    """The ids of those of the rows that are still there, by number."""
    async with database.autocommit() as connection:
        cursor = await connection.execute(_IDS, [lane, list(numbers)])
        return [row[0] for row in await cursor.fetchall()]
