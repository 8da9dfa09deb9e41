"""The edge as a service: how its parts are put together."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from ipaddress import ip_address
from typing import Final

import structlog

from gateway.api_key_service import ApiKeyServicer
from gateway.backends import Backends, Readiness
from gateway.forwarding import Forwarder
from gateway.gatekeeper import Gatekeeper
from gateway.http import application
from gateway.impulses import Impulses
from gateway.known_keys import KnownKeys
from gateway.load import Load
from gateway.open_streams import OpenStreams
from gateway.public_server import PublicServer
from gateway.revocations import Revocations
from gateway.routes import FORWARDED, OWN, STOCK, addresses
from gateway.tenant_service import TenantServicer
from gateway.tls import server_credentials
from spojka.database import Database
from spojka.http_server import HttpServer
from spojka.rpc.server import Server
from spojka.service import Component, Ground, Service
from spojka.settings import Settings

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Gateway:
    """The edge. Its servers are public, so it has none inside the house."""

    name: str = "gateway"
    default_port: int = 50050
    consumer_groups: Sequence[str] = ()

    @property
    def migrations(self) -> Traversable:
        """Tenants and API keys."""
        return files("gateway") / "migrations"

    def assemble(self, ground: Ground, server: Server) -> Sequence[Component]:  # noqa: ARG002 - has none
        """The public gRPC server and HTTP, and what they need."""
        return edge(ground.settings, ground.database).components


@dataclass(frozen=True, slots=True)
class Edge:
    """The parts of a running edge."""

    public: PublicServer
    http: HttpServer
    readiness: Readiness
    components: Sequence[Component]


def edge(settings: Settings, database: Database) -> Edge:
    """Put the edge together; the event loop must run. Raises SettingsError."""
    token = settings.required_internal_token()
    keys = KnownKeys(database)
    gatekeeper, streams = Gatekeeper(keys), OpenStreams(database)
    backends = Backends(addresses(settings))
    public = PublicServer(
        settings.edge_host,
        settings.edge_grpc_port,
        gatekeeper=gatekeeper,
        call_deadline_seconds=settings.call_deadline_seconds,
        credentials=server_credentials(settings),
    )
    public.add(OWN["TenantService"], TenantServicer(database))
    public.add(OWN["ApiKeyService"], ApiKeyServicer(database))
    forwarder = Forwarder(
        backends, gatekeeper, Load(), streams, token, settings.call_deadline_seconds
    )
    for name, services in FORWARDED.items():
        for service in services:
            public.add_handlers(service.full_name, forwarder.handlers(service, name), serving=False)

    async def tell(backend: str, serving: bool) -> None:
        for service in FORWARDED[backend]:
            await public.set_serving(service.full_name, serving)

    readiness = Readiness(database, backends, tell)
    routes = application(
        Impulses(backends.channel(STOCK), token).send,
        readiness.parts,
        readiness.problems,
        https=settings.public_url.startswith("https:"),
    )
    http = HttpServer(routes, settings.edge_host, settings.edge_http_port)
    _warn_of_plain_text(settings)
    revocations = Revocations(database, keys, streams)
    return Edge(public, http, readiness, [backends, streams, revocations, public, readiness, http])


def _warn_of_plain_text(settings: Settings) -> None:
    try:
        local = ip_address(settings.edge_host).is_loopback
    except ValueError:
        local = settings.edge_host == "localhost"
    if not local and settings.edge_tls_certificate is None:
        log.warning(
            "API keys travel in the clear: set SPOJKA_EDGE_TLS_CERTIFICATE and "
            "SPOJKA_EDGE_TLS_KEY, or put a proxy that speaks TLS in front",
            address=settings.edge_host,
        )


SERVICE: Final[Service] = Gateway()
