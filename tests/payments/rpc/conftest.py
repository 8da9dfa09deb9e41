"""The payments service over gRPC on real PostgreSQL; each test is a tenant of its own."""

import secrets
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from payments.rpc.payment_service import PaymentServicer
from payments.service import SERVICE
from spojka.api.payments.v1 import payment_service_pb2
from spojka.database import Database
from spojka.identity import Identity, Scope
from spojka.rpc.client import open_channel
from spojka.rpc.server import Server
from tests.conftest import service_url
from tests.payments.rpc.books import Books
from tests.payments.rpc.desk import INTERNAL_TOKEN, Desk


@pytest.fixture(scope="session")
def desk_url(postgres_url: str, template_database: str) -> Iterator[str]:
    """One database for all these tests, as making one takes longer than most of them."""
    name = f"spojka_desk_{secrets.token_hex(6)}"
    identifier, template = sql.Identifier(name), sql.Identifier(template_database)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(identifier, template))
    yield service_url(urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}")), SERVICE.name)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier))


@pytest.fixture
async def database(desk_url: str) -> AsyncIterator[Database]:
    database = Database(desk_url, SERVICE.name, application="tests")
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def tenant() -> UUID:
    return uuid4()


@pytest.fixture
def books(database: Database, tenant: UUID) -> Books:
    return Books(database, tenant)


@pytest.fixture
async def server(database: Database) -> AsyncIterator[Server]:
    server = Server("127.0.0.1", 0, internal_token=INTERNAL_TOKEN, call_deadline_seconds=30.0)
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
