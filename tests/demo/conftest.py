"""Where the demo runs in tests: a database, a topic prefix and a data directory of its own."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROLE_SECRET
from tests.empty_database import empty_database


@dataclass(frozen=True, slots=True)
class Home:
    """The data directory, and the environment that `spojka demo` is run in."""

    data_dir: Path
    env: Mapping[str, str]


@pytest.fixture(scope="module")
def home(postgres_url: str, kafka_bootstrap: str) -> Iterator[Home]:
    """One for all tests of a module: each run goes on in the installation of the one before."""
    # Not pytest's folder, which is closed to the user that PostgreSQL runs as.
    folder = Path(tempfile.mkdtemp(prefix="spojka-demo-"))
    folder.chmod(0o755)
    others = {key: value for key, value in os.environ.items() if not key.startswith("SPOJKA_")}
    with empty_database(postgres_url) as url:
        yield Home(
            folder / "data",
            others
            | {
                "SPOJKA_DATABASE_URL": url,
                "SPOJKA_KAFKA_BOOTSTRAP": kafka_bootstrap,
                # The roles belong to the server: all tests give them the same passwords.
                "SPOJKA_ROLE_SECRET": ROLE_SECRET,
                "SPOJKA_TOPIC_PREFIX": f"t{secrets.token_hex(4)}",
                "SPOJKA_STOCK_PARTITIONS": "3",
                "SPOJKA_ORDERS_PARTITIONS": "3",
                "SPOJKA_PAYMENTS_PARTITIONS": "3",
            },
        )
    shutil.rmtree(folder)
