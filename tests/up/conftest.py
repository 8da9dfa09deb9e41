"""What the tests of the whole installation share: a data directory, and real servers."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from spojka.settings import Settings
from tests.conftest import ROLE_SECRET


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data directory below which any user may work, as PostgreSQL's must where we are root."""
    folder = Path(tempfile.mkdtemp(prefix="spojka-up-"))
    folder.chmod(0o755)
    yield folder / "data"
    shutil.rmtree(folder)


@pytest.fixture
def given(postgres_url: str, kafka_bootstrap: str, data_dir: Path) -> Iterator[Settings]:
    """Settings that name running servers, with an empty database and a prefix of their own."""
    name = f"spojka_up_{secrets.token_hex(6)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield Settings(
        database_url=SecretStr(urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}"))),
        kafka_bootstrap=kafka_bootstrap,
        # The roles belong to the server: all tests give them the same passwords.
        role_secret=SecretStr(ROLE_SECRET),
        topic_prefix=f"t{secrets.token_hex(4)}",
        stock_partitions=3,
        orders_partitions=3,
        payments_partitions=3,
        data_dir=data_dir,
    )
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
