"""Servers and databases for the tests: real PostgreSQL and real Kafka, however they are had."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from spojka.database import Database
from spojka.delivery.admin import ensure_topics
from spojka.migrations import migrate, role_password
from spojka.service import registered_services, schemas
from spojka.settings import Settings

ROLE_SECRET = "for tests only"

MakeDatabase = Callable[[str], Awaitable[Database]]


def service_url(url: str, schema: str) -> str:
    """The URL by which a service logs in to a test database as its own role."""
    role = f"spojka_{schema}"
    parts = urlsplit(url)
    password = quote(role_password(ROLE_SECRET, role))
    return urlunsplit(
        parts._replace(netloc=f"{role}:{password}@{parts.hostname}:{parts.port}")
    )


@pytest.fixture(scope="session")
def template_database(postgres_url: str) -> Iterator[str]:
    """A database with every schema, migrated once and copied for each test."""
    name = f"spojka_template_{secrets.token_hex(6)}"
    url = _database_url(postgres_url, name)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    asyncio.run(migrate(url, schemas(list(registered_services().values())), ROLE_SECRET))
    yield name
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
        )


@pytest.fixture
def database_url(postgres_url: str, template_database: str) -> Iterator[str]:
    """A fresh database with every schema; the URL logs in as the superuser."""
    name = f"spojka_test_{secrets.token_hex(6)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template_database)
            )
        )
    yield _database_url(postgres_url, name)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
        )


@pytest.fixture
async def make_database(database_url: str) -> AsyncIterator[MakeDatabase]:
    """Opens a service's database as the service itself would; all are closed afterwards."""
    async with AsyncExitStack() as stack:

        async def make(schema: str) -> Database:
            database = Database(service_url(database_url, schema), schema, application="tests")
            await database.open()
            stack.push_async_callback(database.close)
            return database

        yield make


@pytest.fixture
async def topic_prefix(kafka_bootstrap: str) -> str:
    """A prefix of its own, with all topics created."""
    prefix = f"t{secrets.token_hex(4)}"
    settings = Settings(
        kafka_bootstrap=kafka_bootstrap,
        topic_prefix=prefix,
        stock_partitions=3,
        orders_partitions=3,
        payments_partitions=3,
    )
    await ensure_topics(settings)
    return prefix


def _database_url(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
