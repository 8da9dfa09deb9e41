"""A company in a file: nothing that was answered is lost, whatever ends the process."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import httpx
import pytest

from tests.sandbox.pohoda.client import Client, Clock, Start, code, line, order, text, texts

START_SECONDS_MAX = 20
CARD = {"store": "HLAVNI", "code": "Z220", "name": "Židle", "count": 10}


async def test_a_restart_loses_nothing(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "pohoda.db"
    async with start(state_path=path) as pohoda:
        await pohoda.do("POST", "cards", [CARD])
        order_id = await pohoda.place(line(3, code("Z220")), pack_id="o-1")
        kept = await pohoda.ledger()
    async with start(state_path=path) as pohoda:
        assert await pohoda.ledger() == kept
        again = await pohoda.ask(order(line(3)), pack_id="o-1", check_duplicity=True)
        assert text(again, "//rsp:recordDuplicity/rsp:id") == str(order_id)
        await pohoda.do("POST", f"orders/{order_id}/deliver")
        assert await pohoda.counters("Z220") == ("7", "0", "0")
        assert await pohoda.place(line(1)) == order_id + 1


async def test_without_a_file_the_company_ends_with_its_process(start: Start) -> None:
    async with start() as pohoda:
        await pohoda.do("POST", "cards", [CARD])
    async with start() as pohoda:
        assert await pohoda.codes() == []


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


async def launch(port: int, path: Path) -> asyncio.subprocess.Process:
    """Start the stand-in as its own process and wait until it answers."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "sandbox.pohoda", "--port", str(port), "--state", str(path)),
        *("--seed-items", "20"),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    async with asyncio.timeout(START_SECONDS_MAX), httpx.AsyncClient() as http:
        while process.returncode is None:
            try:
                await http.get(f"http://127.0.0.1:{port}/status")
            except httpx.ConnectError:
                await asyncio.sleep(0.05)
            else:
                return process
    pytest.fail("the stand-in ended at once")


async def test_a_killed_process_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    port, path = free_port(), tmp_path / "pohoda.db"
    process = await launch(port, path)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            pohoda = Client(http, Clock())
            cards = len(await pohoda.codes())
            answered = await pohoda.place(line(1, code("Z00001")), pack_id="answered")
            await pohoda.fault("hang", "import", after_commit=True, seconds=60)
            with pytest.raises(httpx.ReadTimeout):
                await http.post(
                    "/xml",
                    content=pohoda.pack(order(line(2, code("Z00001"))), pack_id="unanswered"),
                    headers=pohoda.credentials(),
                    timeout=2,
                )
        process.send_signal(signal.SIGKILL)
        await process.wait()
        process = await launch(port, path)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            pohoda = Client(http, Clock())
            assert len(await pohoda.codes()) == cards
            assert (await pohoda.counters("Z00001"))[1:] == ("3", "3")
            again = await pohoda.ask(order(line(2)), pack_id="unanswered", check_duplicity=True)
            assert text(again, "//rsp:recordDuplicity/rsp:id") == str(answered + 1)
            ids = texts(await pohoda.orders(), "//ord:orderHeader/ord:id")
            assert ids == [str(answered), str(answered + 1)]
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
    assert process.returncode in (0, -signal.SIGTERM)
