"""The mail service on real PostgreSQL; each test is a tenant of its own."""

from collections.abc import AsyncIterator, Iterator
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from mail_ingest.connections.service import BankConnectionServicer
from mail_ingest.service import SERVICE
from spojka.api.payments.v1 import connection_service_pb2
from spojka.database import Database
from spojka.identity import Identity, Scope
from spojka.rpc.client import open_channel
from spojka.secrets import Seal
from spojka.settings import Settings
from tests.conftest import service_url
from tests.databases import Databases
from tests.internal_calls import internal_server
from tests.mail_ingest.desk import DOMAIN, SEALING_KEYS, Desk


@pytest.fixture(scope="session")
def mail_admin_url(databases: Databases) -> Iterator[str]:
    """One database for all these tests, as making one takes longer than most of them."""
    name = databases.take()
    yield databases.url(name)
    databases.give_back(name)


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
    server = internal_server()
    descriptor = connection_service_pb2.DESCRIPTOR.services_by_name["BankConnectionService"]
    server.add(descriptor, BankConnectionServicer(database, seal, DOMAIN))
    await server.start()
    async with open_channel(f"127.0.0.1:{server.port}") as wire:
        yield Desk(wire, Identity(tenant, Scope.OPERATOR, "operator"))
    await server.stop()
