"""An installation that was lived in: made once, copied for each tampering."""

import asyncio
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from tests.verification.lived import Lived, live


@pytest.fixture(scope="session")
def lived(postgres_url: str, template_database: str, kafka_bootstrap: str) -> Iterator[Lived]:
    """Nothing of it is changed: what is tampered with is a copy."""
    name = f"spojka_lived_{secrets.token_hex(6)}"
    identifier, template = sql.Identifier(name), sql.Identifier(template_database)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(identifier, template))
    url = urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}"))
    # On a thread of its own: asyncio.run would take pytest-asyncio's loop away from this one.
    with ThreadPoolExecutor(1) as thread:
        yield thread.submit(asyncio.run, live(url, kafka_bootstrap)).result()
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier))


@pytest.fixture
def copy(lived: Lived) -> Iterator[Lived]:
    """A copy to be tampered with."""
    with lived.copied() as copy:
        yield copy
