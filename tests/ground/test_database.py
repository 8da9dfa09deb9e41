"""A process that row-level security does not bind does not start."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from spojka import database as database_module
from spojka.database import Database, RoleRefused
from spojka.errors import Unavailable
from tests.conftest import service_url
from tests.line import DatabaseLine

SCHEMA = "stock"
POWERS = {
    "superuser": "ALTER ROLE {role} SUPERUSER",
    "bypass": "ALTER ROLE {role} BYPASSRLS",
    "owner": "ALTER SCHEMA stock OWNER TO {role}",
}


@pytest.fixture
def role_url(database_url: str) -> Iterator[tuple[str, str]]:
    """A role of its own that may log in, and the URL by which it does."""
    role = f"t{uuid4().hex[:12]}"
    name = sql.Identifier(role)
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'test'").format(name))
        admin.execute(sql.SQL("GRANT USAGE ON SCHEMA stock TO {}").format(name))
        parts = urlsplit(database_url)
        place = f"{role}:test@{parts.hostname}:{parts.port}"
        yield role, urlunsplit(parts._replace(netloc=place))
        admin.execute("ALTER SCHEMA stock OWNER TO CURRENT_USER")
        admin.execute(sql.SQL("DROP OWNED BY {}").format(name))
        admin.execute(sql.SQL("DROP ROLE {}").format(name))


@pytest.mark.parametrize("power", POWERS)
async def test_a_role_that_no_policy_binds_is_refused(
    role_url: tuple[str, str], database_url: str, power: str
) -> None:
    role, url = role_url
    database = Database(url, SCHEMA, application="tests")
    await database.open()
    await database.close()
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute(sql.SQL(POWERS[power]).format(role=sql.Identifier(role)))
    database = Database(url, SCHEMA, application="tests")
    with pytest.raises(RoleRefused, match="would bypass row-level security"):
        await database.open()
    await database.close()


async def test_a_schema_that_is_not_there_says_what_to_do(database_url: str) -> None:
    database = Database(service_url(database_url, SCHEMA), "nowhere", application="tests")
    with pytest.raises(RoleRefused, match="run 'spojka migrate' first"):
        await database.open()
    await database.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(service_url(database_url, SCHEMA), SCHEMA, application="tests")
    yield database
    await database.close()


async def test_locks_of_a_process_that_fell_silent_become_free(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "IDLE_TRANSACTION_MS", 300)
    silent = Database(service_url(database_url, SCHEMA), SCHEMA, application="silent")
    await silent.open()
    await database.open()
    lock, waiting = "SELECT pg_advisory_xact_lock(20261122)", asyncio.Event()

    async def hold() -> None:
        async with silent.infrastructure() as connection:
            await connection.execute(lock)
            waiting.set()
            await others
            await connection.execute("SELECT 1")

    async def take() -> None:
        await waiting.wait()
        async with database.infrastructure() as connection:
            await connection.execute(lock)

    others = asyncio.create_task(take())
    try:
        with pytest.raises(Unavailable):
            await hold()
    finally:
        await silent.close()


async def test_requests_do_not_queue_for_a_server_that_the_last_one_did_not_find(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = DatabaseLine(service_url(database_url, SCHEMA))
    await line.lay()
    database = Database(line.url, SCHEMA, application="tests")
    await database.open()
    monkeypatch.setattr(database_module, "POOL_WAIT_SECONDS", 1.0)
    monkeypatch.setattr(database_module, "POOL_WAIT_AWAY_SECONDS", 0.01)

    async def ask() -> None:
        async with database.autocommit() as connection:
            await connection.execute("SELECT 1")

    async def seconds_in_vain() -> float:
        begun = time.monotonic()
        with pytest.raises(Unavailable):
            await ask()
        return time.monotonic() - begun

    await line.cut()
    await seconds_in_vain()  # on the connection that was there
    assert await seconds_in_vain() >= 1.0
    assert await seconds_in_vain() < 1.0
    await line.lay()
    async with asyncio.timeout(30):
        while True:
            with suppress(Unavailable):
                await ask()
                break
    await database.close()
    await line.cut()
