"""One house for all attacks: starting it takes longer than most of them."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.security.house import House, running_house
from tests.security.merchant import Merchant, settled


@pytest.fixture(scope="session")
def house_folder() -> Iterator[Path]:
    """Where the house keeps its logs and secrets."""
    folder = Path(tempfile.mkdtemp(prefix="spojka-security-"))
    yield folder
    shutil.rmtree(folder)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house(
    postgres_url: str, kafka_bootstrap: str, house_folder: Path
) -> AsyncIterator[House]:
    """The running house."""
    async with running_house(postgres_url, kafka_bootstrap, house_folder) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def victim(house: House) -> AsyncIterator[Merchant]:
    """A merchant whose data nobody else may see or change."""
    async with settled(house, "victim", "MARK-OF-THE-VICTIM", "1111111111") as merchant:
        yield merchant


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def attacker(house: House) -> AsyncIterator[Merchant]:
    """Another merchant, with valid keys and data of its own."""
    async with settled(house, "attacker", "mark of the attacker", "3333333333") as merchant:
        yield merchant
