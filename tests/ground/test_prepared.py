"""Connections whose pipeline failed while psycopg was about to prepare a statement."""

from collections.abc import AsyncIterator
from uuid import uuid4

import psycopg
import pytest

from spojka import database as database_module
from spojka.asking import together
from spojka.database import Database
from spojka.errors import Unavailable
from tests.conftest import service_url

SCHEMA = "orders"
TENANT = uuid4()
COUNT = b"SELECT count(*) FROM channel WHERE tenant_id = %(tenant)s"
RUNS_BEFORE_PREPARED = 5
"""psycopg's own: the next run prepares."""


@pytest.fixture
async def database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """Whoever asks alone, again and again, has the same connection."""
    monkeypatch.setattr(database_module, "LOCK_TIMEOUT_MS", 100)
    database = Database(service_url(database_url, SCHEMA), SCHEMA, application="tests")
    await database.open()
    yield database
    await database.close()


async def count(database: Database) -> int:
    async with database.transaction(TENANT) as connection, together(connection):
        cursor = await connection.execute(COUNT, {"tenant": TENANT})
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def fail(database: Database) -> None:
    async with database.transaction(TENANT) as connection, together(connection):
        await connection.execute("SELECT 1 / 0")
        await connection.execute(COUNT, {"tenant": TENANT})


async def test_what_a_failed_pipeline_skipped_is_prepared_again(database: Database) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        await fail(database)  # while nothing is prepared: psycopg heeds only the first ROLLBACK
    for _ in range(RUNS_BEFORE_PREPARED):
        assert await count(database) == 0
    with pytest.raises(psycopg.errors.DivisionByZero):
        await fail(database)
    assert await count(database) == 0


async def test_what_could_not_be_prepared_for_a_lock_is_prepared_again(
    database: Database, database_url: str
) -> None:
    for _ in range(RUNS_BEFORE_PREPARED):
        assert await database.alone(TENANT, COUNT, {"tenant": TENANT}) == [(0,)]
    with psycopg.connect(database_url) as other:
        other.execute("LOCK TABLE orders.channel IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(Unavailable, match="too busy"):
            await database.alone(TENANT, COUNT, {"tenant": TENANT})
    assert await database.alone(TENANT, COUNT, {"tenant": TENANT}) == [(0,)]
