"""`spojka demo` as a person runs it: the end-to-end test of the goods and the money.

The whole story takes about a minute on the servers of the tests, and more on a
busy machine.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from sandbox.demo.chapters import balancing, forging, guarding, paying
from tests.demo.conftest import Home

STORY_TIMEOUT_SECONDS = 300.0
LOOK_INTERVAL_SECONDS = 0.02


async def test_every_step_is_as_told(home: Home) -> None:
    async with _demo(home) as process:
        told, complaints = await _ended(process)
    assert process.returncode == 0, f"{complaints}\n{told}"
    assert "✗" not in told
    assert told.count("✓") > 50
    assert "steps were as told" in told
    for title in (guarding.TITLE, paying.TITLE, forging.TITLE, balancing.TITLE):
        assert title in told
    assert "From the mail accepted to the order paid" in told
    keys = (home.data_dir / "demo.env").read_text()
    assert "SPOJKA_API_KEY='spk_" in keys
    assert f"{(home.data_dir / 'demo.env').stat().st_mode & 0o777:o}" == "600"


async def test_a_step_that_is_not_as_told_is_named_and_ends_it(home: Home) -> None:
    (home.data_dir / "ports" / "pohoda.http").unlink(missing_ok=True)
    async with _demo(home) as process:
        ended = asyncio.create_task(_ended(process))
        changing = asyncio.create_task(_change_the_password(home.data_dir))
        told, complaints = await ended
        changing.cancel()
    assert process.returncode == 1, told
    assert complaints.startswith("spojka: The demo stopped at the step 'the right password is")
    assert "expected the test to pass; seen: Pohoda answered with HTTP 401" in complaints
    assert len(complaints.splitlines()) == 1
    assert told.count("✗") == 1


@asynccontextmanager
async def _demo(home: Home) -> AsyncIterator[asyncio.subprocess.Process]:
    arguments = ("-m", "spojka", "demo", "--once", "--data-dir", str(home.data_dir))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        env=dict(home.env),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _ended(process: asyncio.subprocess.Process) -> tuple[str, str]:
    """What it printed to stdout and stderr, once it has ended."""
    async with asyncio.timeout(STORY_TIMEOUT_SECONDS):
        told, complaints = await process.communicate()
    return told.decode(), complaints.decode()


async def _change_the_password(data_dir: Path) -> None:
    """As soon as the stand-in mServer is there, give its user another password."""
    memory = data_dir / "ports" / "pohoda.http"
    accounts = {"accounts": [{"user": "api", "password": "changed behind the demo's back"}]}
    async with httpx.AsyncClient(trust_env=False) as http:
        while True:
            if memory.exists() and (port := memory.read_text().strip()):
                try:
                    url = f"http://127.0.0.1:{port}/sandbox/settings"
                    (await http.patch(url, json=accounts)).raise_for_status()
                except httpx.TransportError:
                    pass
                else:
                    return
            await asyncio.sleep(LOOK_INTERVAL_SECONDS)
