"""Fixtures: a whole edge on real PostgreSQL, before a small service built from the contracts."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest

from gateway.bootstrap import create_admin_key
from gateway.routes import FORWARDED
from gateway.service import Edge, edge
from spojka.api.accounts.v1 import accounts_service_pb2 as accounts
from spojka.api.accounts.v1.accounts_service_pb2_grpc import TenantServiceStub
from spojka.database import Database
from spojka.rpc.server import Server
from spojka.settings import Settings
from tests.gateway.echo import Echo
from tests.gateway.house import INTERNAL_TOKEN, House, StartEdge


@pytest.fixture
async def echo() -> Echo:
    return Echo()


@pytest.fixture
async def backend(echo: Echo) -> AsyncIterator[Server]:
    """One service that stands for all behind the edge."""
    server = Server("127.0.0.1", 0, internal_token=INTERNAL_TOKEN, call_deadline_seconds=30.0)
    for services in FORWARDED.values():
        for service in services:
            server.add(service, echo.servicer(service))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def settings(backend: Server, tmp_path: Path) -> Settings:
    address = f"127.0.0.1:{backend.port}"
    return Settings(
        internal_token=INTERNAL_TOKEN,
        edge_grpc_port=0,
        edge_http_port=0,
        stock_address=address,
        orders_address=address,
        payments_address=address,
        mail_ingest_address=address,
        data_dir=tmp_path,
    )


@pytest.fixture
async def start_edge() -> AsyncIterator[StartEdge]:
    """Starts an edge; all are stopped afterwards."""
    async with AsyncExitStack() as stack:

        async def start(settings: Settings, database: Database) -> Edge:
            started = edge(settings, database)
            for component in started.components:
                await component.start()
                stack.push_async_callback(component.stop)
            return started

        yield start


@pytest.fixture
async def house(
    settings: Settings,
    echo: Echo,
    backend: Server,
    database_url: str,
    make_database: Callable[[str], Awaitable[Database]],
    start_edge: StartEdge,
) -> AsyncIterator[House]:
    """The edge with two tenants, alpha and beta."""
    admin = await create_admin_key(database_url)
    database = await make_database("gateway")
    started = await start_edge(settings, database)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{started.public.port}") as channel:
        house = House(settings, started, database, echo, backend, channel, admin)
        for name in ("alpha", "beta"):
            answer: Any = await TenantServiceStub(channel).CreateTenant(
                accounts.CreateTenantRequest(name=name), metadata=house.sent_with(admin)
            )
            house.tenants[name] = answer.tenant.id
        yield house
