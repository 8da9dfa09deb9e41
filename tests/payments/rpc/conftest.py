"""The payments service over gRPC, on the database of all tests of payments."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from payments.rpc.payment_service import PaymentServicer
from spojka.api.payments.v1 import payment_service_pb2
from spojka.database import Database
from spojka.identity import Identity, Scope
from spojka.rpc.client import open_channel
from spojka.rpc.server import Server
from tests.internal_calls import internal_server
from tests.payments.rpc.books import Books
from tests.payments.rpc.desk import Desk


@pytest.fixture
def books(database: Database, tenant: UUID) -> Books:
    return Books(database, tenant)


@pytest.fixture
async def server(database: Database) -> AsyncIterator[Server]:
    server = internal_server()
    service = payment_service_pb2.DESCRIPTOR.services_by_name["PaymentService"]
    server.add(service, PaymentServicer(database, lambda: None))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def desk(server: Server, tenant: UUID) -> AsyncIterator[Desk]:
    """The tenant's operator, by the name of jana."""
    async with open_channel(f"127.0.0.1:{server.port}") as wire:
        yield Desk(wire, Identity(tenant, Scope.OPERATOR, "jana"))
