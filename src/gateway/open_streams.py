"""The streams under way, each with the key that opened it: they end with their key.

A stream lives as long as both sides like; the key is judged when it begins,
and again here: when a key was revoked somewhere, and now and then in any case.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg

from gateway import api_keys
from spojka.cancelling import cancel_all, heed_cancellation
from spojka.database import Database
from spojka.errors import Unauthenticated, Unavailable

CHECK_SECONDS: Final = 30.0
"""How long a stream of a revoked key may live on where the notification of its end was lost."""
RETRY_SECONDS: Final = 1.0


@dataclass(eq=False, slots=True)
class _Stream:
    call: Any
    revoked: bool = False


class OpenStreams:
    """Ends the streams whose key was revoked."""

    def __init__(self, database: Database) -> None:
        """Begin with none; `start` begins to check."""
        self._database = database
        self._streams: dict[UUID, set[_Stream]] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Check from now on."""
        self._task = asyncio.create_task(self._run(), name="open streams")

    async def stop(self) -> None:
        """Stop checking; the streams go on."""
        if self._task is not None:
            await cancel_all([self._task])

    @contextmanager
    def held(self, key_id: UUID, call: Any) -> Iterator[None]:
        """Hold a key's stream for the time of a block that reads from `call`.

        Once the key is revoked the call is cancelled, and the block ends with
        Unauthenticated.
        """
        stream = _Stream(call)
        self._streams.setdefault(key_id, set()).add(stream)
        try:
            yield
        except asyncio.CancelledError:
            heed_cancellation()
            if not stream.revoked:
                raise
            raise Unauthenticated("this API key was revoked") from None
        finally:
            held = self._streams[key_id]
            held.remove(stream)
            if not held:
                del self._streams[key_id]

    def check_soon(self) -> None:
        """Say that a key may have been revoked."""
        self._wake.set()

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            pause_seconds = CHECK_SECONDS
            try:
                await self._check()
            except (Unavailable, psycopg.Error):
                # A stream is not to end because the database is away; readiness tells of that.
                pause_seconds = RETRY_SECONDS
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_seconds):
                    await self._wake.wait()
            heed_cancellation()

    async def _check(self) -> None:
        key_ids = list(self._streams)
        if not key_ids:
            return
        async with self._database.infrastructure() as connection:
            live = await api_keys.find_live_ids(connection, key_ids)
        for key_id in key_ids:
            if key_id not in live:
                for stream in self._streams.get(key_id, ()):
                    stream.revoked = True
                    stream.call.cancel()
