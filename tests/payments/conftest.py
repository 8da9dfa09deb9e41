"""The money side on real PostgreSQL; each test is a tenant of its own."""

import secrets
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from spojka.database import Database
from tests.conftest import service_url
from tests.payments.scene import Scene

SCHEMA = "payments"


@pytest.fixture(scope="session")
def payments_url(postgres_url: str, template_database: str) -> Iterator[str]:
    """One database for all these tests, as making one takes longer than most of them."""
    name = f"spojka_payments_{secrets.token_hex(6)}"
    identifier = sql.Identifier(name)
    template = sql.Identifier(template_database)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(identifier, template))
    url = urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}"))
    yield service_url(url, SCHEMA)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier))


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
