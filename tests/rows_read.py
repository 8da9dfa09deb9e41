"""How many rows of a table PostgreSQL read: what a page costs, however long it took."""

from collections.abc import Awaitable
from typing import Final, TypeVar

from spojka.database import Connection

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
