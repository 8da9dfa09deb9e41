"""What every service forgets after a time: events that were handled, answers that were given."""

import asyncio
from typing import Final

import psycopg
import structlog

from spojka import requests
from spojka.cancelling import cancel_all
from spojka.database import Database
from spojka.delivery import inbox
from spojka.errors import Unavailable

INTERVAL_SECONDS: Final = 3600.0

log = structlog.get_logger()


class Pruning:
    """Goes round every hour; several processes at once do no harm."""

    def __init__(self, database: Database, retention_days: int) -> None:
        """Take what it prunes; `start` begins."""
        self._database = database
        self._retention_days = retention_days
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._forever(), name="pruning")

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            await cancel_all([self._task])

    async def _forever(self) -> None:
        while True:
            try:
                forgotten = await inbox.prune(self._database, self._retention_days)
                await requests.prune(self._database, self._retention_days)
                log.debug("pruned", events=forgotten)
            except (Unavailable, psycopg.Error) as error:
                log.warning("could not prune", error=str(error))
            await asyncio.sleep(INTERVAL_SECONDS)
