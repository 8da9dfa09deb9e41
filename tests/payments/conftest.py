"""The money side on real PostgreSQL; each test is a tenant of its own."""

from collections.abc import AsyncIterator, Iterator
from uuid import UUID, uuid4

import pytest

from spojka.database import Database
from tests.conftest import service_url
from tests.databases import Databases
from tests.payments.scene import Scene

SCHEMA = "payments"


@pytest.fixture(scope="session")
def payments_admin_url(databases: Databases) -> Iterator[str]:
    """One database for all these tests, as making one takes longer than most of them."""
    name = databases.take()
    yield databases.url(name)
    databases.give_back(name)


@pytest.fixture(scope="session")
def payments_url(payments_admin_url: str) -> str:
    return service_url(payments_admin_url, SCHEMA)


@pytest.fixture
async def database(payments_url: str) -> AsyncIterator[Database]:
    database = Database(payments_url, SCHEMA, application="tests")
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def tenant() -> UUID:
    return uuid4()


@pytest.fixture
async def scene(database: Database, tenant: UUID) -> Scene:
    """A merchant whose bank's sender is confirmed already."""
    scene = Scene(database, tenant)
    await scene.confirm_sender()
    return scene
