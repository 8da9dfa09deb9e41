"""Hints between processes that a tenant's stock changed (PostgreSQL's LISTEN and NOTIFY).

Sent outside of business transactions, for a pending NOTIFY makes every commit
wait for one global lock, and gathered for a moment. A hint that is lost is
made up for by the sweep of `stock.listings.feed`.
"""

import asyncio
from collections.abc import Callable
from typing import Final
from uuid import UUID

import psycopg
import structlog

from spojka.cancelling import cancel_all
from spojka.database import Connection, Database
from spojka.errors import Unavailable
from spojka.outbox import new_id

CHANNEL: Final = "spojka_stock_changed"
GATHER_SECONDS: Final = 0.05
RECONNECT_SECONDS: Final = 1.0

log = structlog.get_logger()


class Announcements:
    """One process's ear and voice for hints. `heard` is called on the event loop."""

    def __init__(self, database: Database, heard: Callable[[UUID], None]) -> None:
        """Remember where to listen; nothing is opened yet."""
        self._database = database
        self._heard = heard
        self._sender = str(new_id())
        self._pending: set[UUID] = set()
        self._wanted = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Listen; raises psycopg.Error where PostgreSQL does not answer."""
        connection = await self._connect()
        self._tasks = [
            asyncio.create_task(self._listen(connection), name="stock announcements: listen"),
            asyncio.create_task(self._send(), name="stock announcements: send"),
        ]

    async def stop(self) -> None:
        """Stop listening. Hints that wait are dropped: the others sweep."""
        await cancel_all(self._tasks)
        self._tasks = []

    def announce(self, tenant_id: UUID) -> None:
        """Tell the other processes soon."""
        self._pending.add(tenant_id)
        self._wanted.set()

    async def _connect(self) -> Connection:
        connection = await self._database.connect_directly()
        await connection.execute(f"LISTEN {CHANNEL}")
        return connection

    async def _listen(self, first: Connection) -> None:
        connection: Connection | None = first
        while True:
            try:
                connection = connection or await self._connect()
                async with connection:
                    async for notification in connection.notifies():
                        self._receive(notification.payload)
            except (psycopg.Error, OSError) as error:
                log.warning("can't hear of changed stock, sweeping only", error=str(error))
            connection = None
            await asyncio.sleep(RECONNECT_SECONDS)

    def _receive(self, payload: str) -> None:
        tenant, _, sender = payload.partition(" ")
        if sender == self._sender:
            return
        try:
            self._heard(UUID(tenant))
        except ValueError:
            log.warning("a hint names no tenant", payload=payload[:100])

    async def _send(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            tenants, self._pending = self._pending, set()
            try:
                async with self._database.autocommit() as connection:
                    await connection.execute(
                        "SELECT pg_notify(%s, payload) FROM unnest(%b::text[]) AS payload",
                        [CHANNEL, [f"{tenant} {self._sender}" for tenant in sorted(tenants)]],
                    )
            except Unavailable as error:
                log.warning("can't tell of changed stock, others sweep", error=error.message)
            await asyncio.sleep(GATHER_SECONDS)
