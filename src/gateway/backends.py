"""The services behind the edge: one channel each, and whether it can be called."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final

import grpc
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from spojka.database import Database
from spojka.errors import RequestError
from spojka.rpc.client import open_channel

PROBE_INTERVAL_SECONDS: Final = 1.0
PROBE_TIMEOUT_SECONDS: Final = 2.0
NOT_ASKED_YET: Final = "was not asked yet"

Told = Callable[[str, bool], Awaitable[None]]


class Backends:
    """The channels, by the name of the service.

    A channel connects at its first call, and again whenever it was lost.
    """

    def __init__(self, addresses: Mapping[str, str]) -> None:
        """Make the channels; the event loop must run."""
        self._channels = {name: open_channel(where) for name, where in addresses.items()}

    async def start(self) -> None:
        """Nothing is to be waited for: the edge serves while a service is away."""

    async def stop(self) -> None:
        """Close the channels."""
        await asyncio.gather(*(channel.close() for channel in self._channels.values()))

    def channel(self, name: str) -> grpc.aio.Channel:
        """The channel to a service."""
        return self._channels[name]

    @property
    def names(self) -> tuple[str, ...]:
        """The services there are."""
        return tuple(self._channels)


class Readiness:
    """Asks the database and every service behind the edge, once a second, whether it serves.

    `problems` has an entry for every part that is not ready, with the reason in
    words; `told` is called with each service's name whenever it was asked.
    """

    def __init__(self, database: Database, backends: Backends, told: Told) -> None:
        """Remember whom to ask and whom to tell."""
        self._database = database
        self._backends = backends
        self._told = told
        self._tasks: list[asyncio.Task[None]] = []
        self.parts = ("database", *backends.names)
        self.problems: dict[str, str] = dict.fromkeys(self.parts, NOT_ASKED_YET)

    async def start(self) -> None:
        """Begin to ask."""
        self._tasks = [
            asyncio.create_task(self._watch("database", self._ask_database)),
            *(
                asyncio.create_task(self._watch(name, self._asking(name)))
                for name in self._backends.names
            ),
        ]

    async def stop(self) -> None:
        """Ask no more."""
        for task in self._tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*self._tasks)
        self._tasks = []

    async def _watch(self, name: str, ask: Callable[[], Awaitable[str]]) -> None:
        while True:
            problem = await ask()
            if problem:
                self.problems[name] = problem
            else:
                self.problems.pop(name, None)
            if name in self._backends.names:
                await self._told(name, not problem)
            await asyncio.sleep(PROBE_INTERVAL_SECONDS)

    async def _ask_database(self) -> str:
        try:
            async with (
                asyncio.timeout(PROBE_TIMEOUT_SECONDS),
                self._database.autocommit() as connection,
            ):
                await connection.execute("SELECT 1")
        except TimeoutError:
            return "does not answer"
        except RequestError as error:
            return error.message
        return ""

    def _asking(self, name: str) -> Callable[[], Awaitable[str]]:
        health: Any = HealthStub(self._backends.channel(name))

        async def ask() -> str:
            try:
                answer = await health.Check(
                    health_pb2.HealthCheckRequest(), timeout=PROBE_TIMEOUT_SECONDS
                )
            except grpc.aio.AioRpcError as error:
                return f"does not answer ({error.code().name})"
            serving = answer.status == health_pb2.HealthCheckResponse.SERVING
            return "" if serving else "says that it does not serve"

        return ask
