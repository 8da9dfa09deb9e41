"""Waiting until others wait: what comes at once is made to come at once."""

import asyncio
import time

from spojka.database import Connection


async def until_waiting(connection: Connection, count: int) -> None:
    """Wait until so many others wait for a lock."""
    deadline = time.monotonic() + 20
    waiting = -1
    while waiting != count:
        assert time.monotonic() < deadline, f"{waiting} wait for a lock, not {count}"
        cursor = await connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        (waiting,) = await cursor.fetchone() or (-1,)
        # Statistics are a snapshot of the transaction otherwise.
        await connection.execute("SELECT pg_stat_clear_snapshot()")
        await asyncio.sleep(0.01)
