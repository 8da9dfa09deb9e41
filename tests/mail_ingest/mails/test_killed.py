"""The process killed between any two steps: no mail is lost, none is told twice."""

import asyncio
import signal
from asyncio.subprocess import Process
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import get_args

import pytest

from spojka.api.mail.v1 import mail_service_pb2
from spojka.crash_points import CrashPoint
from tests.mail_ingest.mails.scene import BANK_SENDER, Scene, letter
from tests.mail_ingest.processes import running_at_port
from tests.mail_ingest.smtp.wire import greeted
from tests.mail_ingest.zone import Zone, serving
from tests.waiting import until

STEPS = ("mail-stored", "mail-claimed", "mail-judged", "mail-recorded", "mail-told")
MAILS = 12


def running(
    url: str, orders: Path, name_server: tuple[str, int]
) -> AbstractAsyncContextManager[tuple[Process, int]]:
    """Door and worker in a process that dies at the steps it is ordered to, and their port."""
    return running_at_port(
        Path(__file__).with_name("worker_process.py"),
        url,
        dns_servers=f"{name_server[0]}:{name_server[1]}",
        crash_orders=orders,
    )


async def send(port: int, address: str, raw: bytes) -> bool:
    """One try of a sender; whether it was told that the mail is taken."""
    try:
        async with greeted(port) as wire:
            await wire.say(f"MAIL FROM:<{BANK_SENDER}>")
            await wire.say(f"RCPT TO:<{address}>")
            await wire.say("DATA")
            return (await wire.say(raw + b"\r\n.")).startswith("250")
    except (AssertionError, ConnectionError):
        return False


def test_every_step_is_a_crash_point() -> None:
    assert set(STEPS) < set(get_args(CrashPoint))


@pytest.mark.parametrize("step", STEPS)
async def test_a_kill_at_a_step_loses_and_doubles_nothing(
    step: str, scene: Scene, mail_url: str, tmp_path: Path, zone: Zone
) -> None:
    # Mails of the loopback are the bank's here.
    zone.txt("fio.cz", "v=spf1 ip4:127.0.0.1 -all")
    address = scene.connection.address
    unsent = [letter(str(vs)) for vs in range(1, MAILS + 1)]
    (tmp_path / step).touch()
    async with serving(zone) as name_server:
        async with running(mail_url, tmp_path, name_server) as (process, port):
            for raw in list(unsent):
                if not await send(port, address, raw):
                    break
                unsent.remove(raw)
            async with asyncio.timeout(20):
                assert await process.wait() == -signal.SIGKILL
        assert not (tmp_path / step).exists()
        async with running(mail_url, tmp_path, name_server) as (process, port):
            for raw in unsent:
                assert await send(port, address, raw)
            # What the dead one had taken is due again after a time; the test does not wait for it.
            await scene.make_due()

            async def all_told() -> bool:
                return len(await scene.told()) >= MAILS

            await until(all_told, "every mail is told")
            process.terminate()
            assert await process.wait() == 0
    mails = await scene.desk.mails(page_size=100)
    assert {mail.state for mail in mails} == {mail_service_pb2.MAIL_STATE_READ}
    symbols = [int(event.payment.variable_symbol) for event in await scene.told()]
    assert sorted(symbols) == list(range(1, MAILS + 1))
    assert len(mails) == MAILS
