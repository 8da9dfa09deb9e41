"""What the tests of the whole installation share: a data directory, and real servers."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from spojka.settings import Settings
from tests.conftest import ROLE_SECRET
from tests.empty_database import empty_database


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
    with empty_database(postgres_url) as url:
        yield Settings(
            database_url=SecretStr(url),
            kafka_bootstrap=kafka_bootstrap,
            # The roles belong to the server: all tests give them the same passwords.
            role_secret=SecretStr(ROLE_SECRET),
            topic_prefix=f"t{secrets.token_hex(4)}",
            stock_partitions=3,
            orders_partitions=3,
            payments_partitions=3,
            data_dir=data_dir,
        )
