"""The mail service on real PostgreSQL; each test is a tenant of its own."""

import secrets
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from mail_ingest.connections.service import BankConnectionServicer
from mail_ingest.service import SERVICE
from spojka.api.payments.v1 import connection_service_pb2
from spojka.database import Database
from spojka.identity import Identity, Scope
from spojka.rpc.client import open_channel
from spojka.rpc.server import Server
from spojka.secrets import Seal
from spojka.settings import Settings
from tests.conftest import service_url
from tests.mail_ingest.desk import DOMAIN, INTERNAL_TOKEN, SEALING_KEYS, Desk


@pytest.fixture(scope="session")
def mail_admin_url(postgres_url: str, template_database: str) -> Iterator[str]:
    """One database for all these tests, as making one takes longer than most of them."""
    name = f"spojka_mail_{secrets.token_hex(6)}"
    identifier, template = sql.Identifier(name), sql.Identifier(template_database)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(identifier, template))
    yield urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}"))
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier))


@pytest.fixture(scope="session")
def mail_url(mail_admin_url: str) -> str:
    """As the service logs in."""
    return service_url(mail_admin_url, SERVICE.name)


@pytest.fixture
async def database(mail_url: str) -> AsyncIterator[Database]:
    database = Database(mail_url, SERVICE.name, application="tests")
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def tenant() -> UUID:
    return uuid4()


@pytest.fixture
def settings() -> Settings:
    return Settings(mail_domain=DOMAIN, smtp_port=0, sealing_keys=SecretStr(SEALING_KEYS))


@pytest.fixture
def seal(settings: Settings) -> Seal:
    return Seal(settings.sealing)


@pytest.fixture
async def desk(database: Database, seal: Seal, tenant: UUID) -> AsyncIterator[Desk]:
    """The tenant's operator, who makes bank connections."""
    server = Server("127.0.0.1", 0, internal_token=INTERNAL_TOKEN, call_deadline_seconds=30.0)
    descriptor = connection_service_pb2.DESCRIPTOR.services_by_name["BankConnectionService"]
    server.add(descriptor, BankConnectionServicer(database, seal, DOMAIN))
    await server.start()
    async with open_channel(f"127.0.0.1:{server.port}") as wire:
        yield Desk(wire, Identity(tenant, Scope.OPERATOR, "operator"))
    await server.stop()
