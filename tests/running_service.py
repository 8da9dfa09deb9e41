"""A service in this process, with all its parts."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from spojka.database import Database
from spojka.delivery.health import Health
from spojka.delivery.relay import Relay
from spojka.service import Component, Ground, Service
from spojka.settings import Settings
from tests.internal_calls import internal_server


@dataclass(frozen=True, slots=True)
class RunningService:
    """Where it answers, how it is, and its parts."""

    port: int
    health: Health
    parts: Sequence[Component]


@asynccontextmanager
async def running_service(
    service: Service, settings: Settings, database: Database
) -> AsyncIterator[RunningService]:
    """Run it as `serve` does for the time of a block; its topics are there already."""
    health = Health()
    relay = Relay(database, settings, service.name, health)
    server = internal_server()
    parts = service.assemble(Ground(settings, database, relay, health), server)
    async with AsyncExitStack() as stack:
        for part in (relay, *parts, server):
            await part.start()
            stack.push_async_callback(part.stop)
        yield RunningService(server.port, health, parts)
