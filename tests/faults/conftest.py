"""One system for all scenarios: starting it takes longer than most of them."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from spojka.servers.sources import Origin, choose_kafka
from tests.faults.system import System, running_system


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(request: pytest.FixtureRequest) -> AsyncIterator[System]:
    """The running system. Where a test failed, its folder with the logs is kept."""
    # PostgreSQL's user must reach it where we are root, so it is not pytest's folder.
    folder = _reachable_folder()
    source = await choose_kafka(
        given_bootstrap=None, data=folder / "kafka", log_path=folder / "kafka.log"
    )
    if source.origin is Origin.LAST_RESORT:
        pytest.skip(f"needs Apache Kafka itself: {source.reason}")
    failed = request.session.testsfailed
    async with running_system(folder) as running:
        yield running
    if request.session.testsfailed == failed:
        shutil.rmtree(folder)


def _reachable_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="spojka-faults-"))
    folder.chmod(0o755)
    return folder
