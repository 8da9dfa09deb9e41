"""What a service is to the ground, and the one way every service runs.

A service registers a `Service` as an entry point of the group
`spojka.services`; `serve` is its composition root: it opens the database,
lets the service assemble its parts around it, and starts and stops them in
order.
"""

import asyncio
import gc
import signal
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.resources.abc import Traversable
from typing import Final, Protocol
from urllib.parse import quote, urlsplit, urlunsplit

import structlog

from spojka import monitor
from spojka.database import Database
from spojka.delivery.health import Health
from spojka.delivery.relay import Relay
from spojka.http_server import HttpServer
from spojka.migrations import Schema, role_password
from spojka.pruning import Pruning
from spojka.rpc.server import Server
from spojka.settings import Settings, SettingsError
from spojka.telemetry import configure_logging

ENTRY_POINTS: Final = "spojka.services"
COLLECTOR_THRESHOLDS: Final = (5_000, 20, 20)

log = structlog.get_logger()


class Component(Protocol):
    """A part of a running service."""

    async def start(self) -> None:
        """Begin; returns once the part is ready. Raises when it can't be."""

    async def stop(self) -> None:
        """End gracefully; what was begun is finished or left as if it had not been."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a service stands on."""

    settings: Settings
    database: Database
    relay: Relay
    health: Health


class Service(Protocol):
    """One service: its schema, and how its parts are put together."""

    @property
    def name(self) -> str:
        """The name of the service, of its package and of its schema."""

    @property
    def default_port(self) -> int:
        """The gRPC port where no setting names one."""

    @property
    def migrations(self) -> Traversable:
        """The folder of its migrations."""

    @property
    def consumer_groups(self) -> Sequence[str]:
        """The groups in which it consumes events; each has its dead letters."""

    def assemble(self, ground: Ground, server: Server) -> Sequence[Component]:
        """Add gRPC services to `server` and return the other parts, in starting order."""


def registered_services() -> dict[str, Service]:
    """All services by name."""
    return {entry.name: entry.load() for entry in sorted(entry_points(group=ENTRY_POINTS))}


def schemas(services: Sequence[Service]) -> list[Schema]:
    """The schemas of services, for the migrator."""
    return [Schema(service.name, service.migrations) for service in services]


def service_database_url(settings: Settings, schema: str) -> str:
    """The URL a service logs in with: as given, or as its own role with the derived password.

    Raises SettingsError where the URL is missing, or names no user and there is
    no secret to derive a password from.
    """
    if settings.database_url is None:
        raise SettingsError(
            "SPOJKA_DATABASE_URL is missing: it wants postgresql://host:port/database"
        )
    url = settings.database_url.get_secret_value()
    parts = urlsplit(url)
    if parts.username:
        return url
    if settings.role_secret is None:
        raise SettingsError(
            "SPOJKA_ROLE_SECRET is missing: SPOJKA_DATABASE_URL names no user, so the role's "
            "password is derived from it"
        )
    role = f"spojka_{schema}"
    password = quote(role_password(settings.role_secret.get_secret_value(), role))
    return urlunsplit(parts._replace(netloc=f"{role}:{password}@{parts.netloc}"))


async def serve(service: Service, settings: Settings) -> None:
    """Run one service until SIGTERM or SIGINT."""
    configure_logging(settings, service.name)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as stack:
        for component in await _assembled(service, settings, stack):
            await component.start()
            stack.push_async_callback(component.stop)
        _spare_the_collector()
        log.info("serving", service=service.name)
        await stopping.wait()
        log.info("stopping", service=service.name)


def _spare_the_collector() -> None:
    """Leave what lives as long as the process out of garbage collection, and collect less often.

    Messages and rows are freed by their reference counts; the cycles that are
    left can wait. A batch of orders takes a quarter less time by it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)


async def _assembled(
    service: Service, settings: Settings, stack: AsyncExitStack
) -> list[Component]:
    database = Database(
        service_database_url(settings, service.name),
        service.name,
        application=f"spojka {service.name}",
    )
    await database.open()
    stack.push_async_callback(database.close)
    health = Health()
    relay = Relay(database, settings, service.name, health)
    server = Server(
        settings.service_host,
        settings.service_port or service.default_port,
        internal_token=settings.required_internal_token(),
        call_deadline_seconds=settings.call_deadline_seconds,
    )
    parts = service.assemble(Ground(settings, database, relay, health), server)
    # Calls are taken last and refused first: what they need is there around them.
    # A service that adds nothing to the server inside the house has none.
    components: list[Component] = [relay, *parts]
    if server.services:
        components.append(server)
    if settings.metrics_port:
        routes = monitor.application(service.name, relay.stats, health)
        components.append(HttpServer(routes, settings.service_host, settings.metrics_port))
    return [Pruning(database, settings.inbox_retention_days), *components]
