"""How many rows of a table PostgreSQL read: what a page costs, however long it took."""

from collections.abc import Awaitable
from typing import Final, TypeVar

import psycopg

from spojka.database import Connection
from tests.waiting import until

Answer = TypeVar("Answer")

_READ: Final = """
    SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables
    WHERE relid = %s::regclass
"""


async def counting_rows(
    connection: Connection, table: str, work: Awaitable[Answer]
) -> tuple[Answer, int]:
    """What the work on this connection gives, and how many of the table's rows were read for it."""
    # What is counted may go back beyond this transaction.
    before = await _read(connection, table)
    answer = await work
    return answer, await _read(connection, table) - before


async def _read(connection: Connection, table: str) -> int:
    cursor = await connection.execute(_READ, [table])
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def rows_read(url: str, schema: str, application: str) -> dict[str, int]:
    """How many rows of each table were ever read, once the application's sessions ended.

    A session says what it read at its end, or some time before.
    """
    with psycopg.connect(url, autocommit=True) as connection:

        async def none_left() -> bool:
            cursor = connection.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = %s",
                [application],
            )
            return cursor.fetchone() == (0,)

        await until(none_left, "the sessions ended")
        cursor = connection.execute(
            "SELECT relname, seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables"
            " WHERE schemaname = %s",
            [schema],
        )
        return dict(cursor.fetchall())
