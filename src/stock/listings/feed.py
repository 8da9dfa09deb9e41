"""Wakes the watchers of a tenant when its stock, listings or rules may have changed.

A hint comes from this process (`nudge`) or another one; where it was lost, one
sweep for each watched tenant finds the change.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

import structlog

from spojka.cancelling import cancel_all
from spojka.database import Database
from spojka.errors import Overloaded, Unavailable
from stock.listings.announcements import Announcements
from stock.listings.sweep import Swept, sweep

SWEEP_SECONDS: Final = 2.0
WATCHERS_MAX: Final = 300
"""Streams that one process serves: each takes one of the server's concurrent calls."""
WATCHER_READS_MAX: Final = 4
"""Watchers that read at once: the other connections of the pool are for calls."""

log = structlog.get_logger()


class ChangeFeed:
    """The one component of a process that knows who watches. Used on the event loop only."""

    def __init__(
        self,
        database: Database,
        *,
        watchers_max: int = WATCHERS_MAX,
        sweep_seconds: float = SWEEP_SECONDS,
    ) -> None:
        """Begin without watchers; `start` begins to listen and sweep."""
        self.reads = asyncio.Semaphore(WATCHER_READS_MAX)
        self._database = database
        self._watchers_max = watchers_max
        self._sweep_seconds = sweep_seconds
        self._announcements = Announcements(database, self._wake)
        self._watchers: dict[UUID, list[str]] = {}
        self._changed: dict[UUID, asyncio.Event] = {}
        self._swept: dict[UUID, Swept] = {}
        self._sweeper: asyncio.Task[None] | None = None
        self._stopping = False

    async def start(self) -> None:
        """Listen and sweep; raises psycopg.Error where PostgreSQL does not answer."""
        self._stopping = False
        await self._announcements.start()
        self._sweeper = asyncio.create_task(self._sweep(), name="stock feed: sweep")

    async def stop(self) -> None:
        """Stop, and end every watcher."""
        self._stopping = True
        for tenant_id in list(self._watchers):
            self._wake(tenant_id)
        if self._sweeper is not None:
            await cancel_all([self._sweeper])
        await self._announcements.stop()

    def nudge(self, tenant_id: UUID) -> None:
        """Say, after the commit, that something changed; cheap, and may be said too often."""
        self._wake(tenant_id)
        self._announcements.announce(tenant_id)

    @contextmanager
    def watching(self, tenant_id: UUID, channel_id: str) -> Iterator[None]:
        """Be woken until the end of the block. Raises Overloaded past the limit."""
        self.require_running()
        if self.watchers >= self._watchers_max:
            raise Overloaded(
                f"this process serves {self._watchers_max} streams of stock, which is its limit:"
                " try again later, or run another process"
            )
        channels = self._watchers.setdefault(tenant_id, [])
        channels.append(channel_id)
        try:
            yield
        finally:
            channels.remove(channel_id)
            if not channels:
                del self._watchers[tenant_id]
                self._changed.pop(tenant_id, None)
                self._swept.pop(tenant_id, None)

    @property
    def watchers(self) -> int:
        """How many watch now."""
        return sum(len(channels) for channels in self._watchers.values())

    def change(self, tenant_id: UUID) -> asyncio.Event:
        """Set at the next change. Taken before reading, so that none falls in between."""
        return self._changed.setdefault(tenant_id, asyncio.Event())

    def require_running(self) -> None:
        """Raise Unavailable once the process stops: the client goes on elsewhere."""
        if self._stopping:
            raise Unavailable("this process stops: go on with the last resume token")

    def _wake(self, tenant_id: UUID) -> None:
        event = self._changed.pop(tenant_id, None)
        if event is not None:
            event.set()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._sweep_seconds)
            for tenant_id, channels in list(self._watchers.items()):
                try:
                    await self._sweep_tenant(tenant_id, sorted(set(channels)))
                except Unavailable as error:
                    log.warning("can't look for changed stock", error=error.message)
                    break

    async def _sweep_tenant(self, tenant_id: UUID, channels: list[str]) -> None:
        before = self._swept.get(tenant_id)
        async with self._database.transaction(tenant_id) as connection:
            found = await sweep(connection, tenant_id, channels, before)
        if tenant_id not in self._watchers:
            return
        self._swept[tenant_id] = found
        if before is None or found.changed or found.terms != before.terms:
            self._wake(tenant_id)
