"""Which lanes this process holds: session advisory locks, shared fairly over the live relays.

A lane's lock lives as long as the direct connection that took it. PostgreSQL
ends a session that stays silent for LEASE_MS, so a relay that hangs or is
stopped loses its lanes to the others though its connection stands; the sweep
is its sign of life.
"""

from typing import Final
from zlib import crc32

from spojka.database import Connection, Database
from spojka.outbox import LANES

LEASE_MS: Final = 10_000
_MEMBER: Final = 32_767
"""The lock that every live relay shares, so that they can be counted."""

_TRY: Final = "SELECT pg_try_advisory_lock(%b, %b)"
_RELEASE: Final = "SELECT pg_advisory_unlock(%b, %b)"
_JOIN: Final = "SELECT pg_advisory_lock_shared(%b, %b)"
_LOCKS: Final = """
    FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND classid::bigint = %b AND objid::bigint = %b
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_MEMBERS: Final = f"SELECT count(*) {_LOCKS}"
_HELD: Final = f"SELECT EXISTS (SELECT {_LOCKS} AND mode = 'ExclusiveLock' AND pid = %b)"


class LaneLocks:
    """The locks of one direct connection."""

    def __init__(self, connection: Connection, schema: str) -> None:
        """Stand on a connection that is used by one task only."""
        self._connection = connection
        unsigned = crc32(f"outbox {schema}".encode())
        self._unsigned = unsigned
        self._class = unsigned - (1 << 32) if unsigned >= 1 << 31 else unsigned
        self.held: set[int] = set()
        self.members = 1
        """The live relays, this one among them, as they were counted last."""

    async def join(self) -> None:
        """Become countable, and let PostgreSQL end this session when it falls silent."""
        await self._connection.execute(f"SET idle_session_timeout = {LEASE_MS}")
        await self._connection.execute(_JOIN, [self._class, _MEMBER])

    async def fair_share(self) -> int:
        """How many lanes each live relay may hold at most."""
        cursor = await self._connection.execute(_MEMBERS, [self._unsigned, _MEMBER])
        row = await cursor.fetchone()
        assert row is not None
        self.members = max(1, int(row[0]))
        return -(-LANES // self.members)

    async def count_members(self, database: Database) -> int:
        """Count the live relays, over another connection. Raises Unavailable."""
        async with database.autocommit() as connection:
            cursor = await connection.execute(_MEMBERS, [self._unsigned, _MEMBER])
            row = await cursor.fetchone()
        assert row is not None
        return int(row[0])

    async def acquire(self, wanted: int, *, refused: frozenset[int] = frozenset()) -> list[int]:
        """Take up to `wanted` lanes that nobody holds, leaving out `refused`; give the new ones."""
        taken: list[int] = []
        for lane in range(LANES):
            if len(taken) >= wanted:
                break
            if lane in self.held or lane in refused:
                continue
            cursor = await self._connection.execute(_TRY, [self._class, lane])
            row = await cursor.fetchone()
            if row is not None and row[0]:
                taken.append(lane)
        self.held.update(taken)
        return taken

    async def release(self, lane: int) -> None:
        """Give a lane up."""
        await self._connection.execute(_RELEASE, [self._class, lane])
        self.held.discard(lane)

    async def still_held(self, database: Database, lane: int) -> bool:
        """Ask PostgreSQL, over another connection, whether this process holds the lane."""
        pid = self._connection.info.backend_pid
        async with database.autocommit() as connection:
            cursor = await connection.execute(_HELD, [self._unsigned, lane, pid])
            row = await cursor.fetchone()
        return row is not None and bool(row[0])
