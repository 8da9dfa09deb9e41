"""A door that stands open, and the address that it knows."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from mail_ingest.mails.arrival import Arrivals
from mail_ingest.smtp.server import SmtpServer
from spojka.database import Database
from spojka.settings import Settings
from tests.mail_ingest.desk import Desk

OpenDoor = Callable[..., Awaitable[SmtpServer]]


@pytest.fixture
async def open_door(database: Database, settings: Settings) -> AsyncIterator[OpenDoor]:
    """Opens a door with settings of its own; all are closed afterwards."""
    async with AsyncExitStack() as stack:

        async def open_(**changes: Any) -> SmtpServer:
            arrivals = Arrivals(changes.pop("database", database), lambda: None)
            server = SmtpServer(arrivals.database, settings.model_copy(update=changes), arrivals)
            for part in (arrivals, server):
                await part.start()
                stack.push_async_callback(part.stop)
            return server

        yield open_


@pytest.fixture
async def door(open_door: OpenDoor) -> SmtpServer:
    return await open_door()


@pytest.fixture
async def address(desk: Desk) -> str:
    """An address that works."""
    return (await desk.connect()).address
