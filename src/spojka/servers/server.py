"""What every embedded server has in common."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Protocol

from spojka.supervisor import Child, Supervisor

RECOVERY_TIMEOUT_S: Final = 1_800.0
"""How long a server may take to serve. After a crash it may have much to recover, and one that is
ended before it is through begins anew, and never gets through."""


class ServerError(Exception):
    """An embedded server can't be had here; the message says why and what else can be used."""


class Server(Protocol):
    """A server that Spojka brings along, to be run by the supervisor.

    `prepare` does what comes before the first start (folders, initialisation, the choice of a
    port) and is safe to repeat: data and port of an earlier run are kept. It may take long (a
    download), raises ServerError, and returns the process to keep running. `url` is known after
    `prepare`.
    """

    @property
    def name(self) -> str:
        """The name of the server in states and messages."""
        ...

    @property
    def url(self) -> str:
        """Where clients reach it, in the form their libraries take."""
        ...

    @property
    def log_path(self) -> Path:
        """Where it writes what it does."""
        ...

    async def prepare(self) -> Child:
        """Make it ready to start, and tell how to start it."""
        ...


@asynccontextmanager
async def serving(*servers: Server) -> AsyncIterator[None]:
    """Run servers for the time of a block, under a supervisor of their own."""
    async with Supervisor() as supervisor:
        await supervisor.start([await server.prepare() for server in servers])
        yield
