"""The orders service over gRPC on real PostgreSQL; each test is a tenant of its own."""

from collections.abc import AsyncIterator, Iterator
from uuid import UUID, uuid4

import pytest

from orders.rpc.channel_service import ChannelServicer
from orders.rpc.order_service import OrderServicer
from orders.service import SERVICE
from spojka.api.orders.v1 import channel_service_pb2, order_service_pb2
from spojka.database import Database
from spojka.identity import Identity, Scope
from spojka.rpc.client import open_channel
from spojka.rpc.server import Server
from tests.conftest import service_url
from tests.databases import Databases
from tests.internal_calls import internal_server
from tests.orders.shop import Shop


@pytest.fixture(scope="session")
def orders_url(databases: Databases) -> Iterator[str]:
    """One database for all these tests, as making one takes longer than most of them."""
    name = databases.take()
    yield service_url(databases.url(name), SERVICE.name)
    databases.give_back(name)


@pytest.fixture
async def database(orders_url: str) -> AsyncIterator[Database]:
    database = Database(orders_url, SERVICE.name, application="tests")
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def tenant() -> UUID:
    return uuid4()


@pytest.fixture
async def server(database: Database) -> AsyncIterator[Server]:
    server = internal_server()
    channels, orders = channel_service_pb2.DESCRIPTOR, order_service_pb2.DESCRIPTOR
    server.add(channels.services_by_name["ChannelService"], ChannelServicer(database))
    server.add(orders.services_by_name["OrderService"], OrderServicer(database, lambda: None))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def shop(server: Server, tenant: UUID) -> AsyncIterator[Shop]:
    """The tenant's operator, with the channel that orders are of."""
    async with open_channel(f"127.0.0.1:{server.port}") as wire:
        shop = Shop(wire, Identity(tenant, Scope.OPERATOR, "operator"))
        await shop.create_channel()
        yield shop
