"""Listens for revoked keys, so that a key ends at every edge at once."""

import asyncio
from contextlib import suppress
from typing import Final
from uuid import UUID

import psycopg
import structlog

from gateway.api_keys import REVOKED_CHANNEL
from gateway.known_keys import KnownKeys
from gateway.open_streams import OpenStreams
from spojka.database import Connection, Database

RETRY_SECONDS: Final = 1.0

log = structlog.get_logger()


class Revocations:
    """A connection that waits for notifications; what may have been missed is forgotten."""

    def __init__(self, database: Database, keys: KnownKeys, streams: OpenStreams) -> None:
        """Remember whom to tell."""
        self._database = database
        self._keys = keys
        self._streams = streams
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen from now on. Raises psycopg.OperationalError where there is no database."""
        connection = await self._listening()
        self._task = asyncio.create_task(self._run(connection))

    async def stop(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _run(self, connection: Connection) -> None:
        while True:
            with suppress(psycopg.Error):
                async with connection:
                    async for notification in connection.notifies():
                        self._forget(notification.payload)
            log.warning("the connection that listens for revoked keys was lost")
            connection = await self._listening_again()
            # What was revoked meanwhile was told to nobody.
            self._keys.forget_all()
            self._streams.check_soon()

    def _forget(self, payload: str) -> None:
        try:
            self._keys.forget(UUID(payload))
        except ValueError:
            # Whoever may log in to the database may notify.
            self._keys.forget_all()
        self._streams.check_soon()

    async def _listening_again(self) -> Connection:
        while True:
            try:
                return await self._listening()
            except psycopg.Error:
                await asyncio.sleep(RETRY_SECONDS)

    async def _listening(self) -> Connection:
        connection = await self._database.connect_directly()
        await connection.execute(f"LISTEN {REVOKED_CHANNEL}")
        return connection
