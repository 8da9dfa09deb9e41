"""The first admin key."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway.api_keys import count_live_keys
from gateway.bootstrap import create_admin_key
from gateway.known_keys import KnownKeys
from spojka.bootstrap import BootstrapError
from spojka.database import Database
from spojka.identity import Scope


async def test_the_first_key_is_an_admins(
    database_url: str, make_database: Callable[[str], Awaitable[Database]]
) -> None:
    text = await create_admin_key(database_url)
    grant = await KnownKeys(await make_database("gateway")).grant_of(text)
    assert grant is not None
    assert (grant.scope, grant.tenant_id) == (Scope.ADMIN, None)


async def test_a_second_key_wants_force(
    database_url: str, make_database: Callable[[str], Awaitable[Database]]
) -> None:
    made = await asyncio.gather(
        *(create_admin_key(database_url) for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(key, str) for key in made) == 1
    refusals = [error for error in made if isinstance(error, BaseException)]
    assert all(isinstance(error, BootstrapError) for error in refusals)
    await create_admin_key(database_url, force=True)
    database = await make_database("gateway")
    async with database.infrastructure() as connection:
        assert await count_live_keys(connection, None) == 2


async def test_a_database_without_tables_says_what_to_do(postgres_url: str) -> None:
    with pytest.raises(BootstrapError, match="spojka migrate"):
        await create_admin_key(postgres_url)


async def test_a_database_that_is_away_is_named() -> None:
    with pytest.raises(BootstrapError, match="can't be used"):
        await create_admin_key("postgresql://nobody@127.0.0.1:1/none")
