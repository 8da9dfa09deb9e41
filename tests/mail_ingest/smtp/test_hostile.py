"""Senders who want the door to grow, to hang, to tell, or to lose what others send."""

import asyncio
import re
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mail_ingest.smtp import limits, session
from mail_ingest.smtp.server import SmtpServer
from spojka.database import Database
from tests.mail_ingest.desk import DOMAIN, Desk
from tests.mail_ingest.processes import running_at_port
from tests.mail_ingest.smtp.conftest import OpenDoor
from tests.mail_ingest.smtp.test_door import stored
from tests.mail_ingest.smtp.wire import MAIL, connected, greeted
from tests.waiting import until

MEGABYTE = 1024 * 1024
GROWTH_BYTES_MAX = 8 * MEGABYTE


@asynccontextmanager
async def door_process(url: str, **settings: object) -> AsyncIterator[tuple[Process, int]]:
    """A door in its own process, and its port; it ends well when it is told to."""
    program = Path(__file__).with_name("door_process.py")
    async with running_at_port(program, url, **settings) as (process, port):
        yield process, port
        process.terminate()
        assert await process.wait() == 0


def peak_bytes(process: Process) -> int:
    """The most memory that the process ever had."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    match = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert match is not None
    return int(match.group(1)) * 1024


async def pour(wire: object, piece: bytes, total_bytes: int) -> int:
    """Send `piece` again and again until the total or until the server hangs up."""
    sent = 0
    try:
        while sent < total_bytes:
            await wire.send(piece)  # type: ignore[attr-defined]
            sent += len(piece)
    except ConnectionError:
        pass
    return sent


@pytest.mark.parametrize(
    ("name", "piece"),
    [
        ("an endless line", b"x" * 65_536),
        ("endless lines", b"x" * 70 + b"\r\n"),
        ("endless bare dots", b"\n.\n" * 20_000),
    ],
)
async def test_a_mail_without_end_is_cut_and_costs_no_memory(
    mail_url: str, address: str, name: str, piece: bytes
) -> None:
    piece *= max(1, 65_536 // len(piece))
    async with door_process(mail_url, mail_max_bytes=MEGABYTE) as (process, port):
        # What one mail of the full size costs is not growth.
        async with greeted(port) as wire:
            assert (await wire.deliver(address, b"y" * (MEGABYTE - 2) + b"\r\n")).startswith("250")
        before = peak_bytes(process)
        async with greeted(port) as wire:
            assert (await wire.address(address)).startswith("250")
            assert (await wire.say("DATA")).startswith("354")
            sent = await pour(wire, piece, 60 * MEGABYTE)
            assert await wire.ended()
        # The wire itself holds some.
        assert sent < 30 * MEGABYTE, name
        assert peak_bytes(process) - before < GROWTH_BYTES_MAX, name
        async with greeted(port) as wire:
            assert (await wire.deliver(address)).startswith("250")


async def test_an_endless_command_costs_no_memory_and_ends_with_the_deadline(
    mail_url: str, address: str
) -> None:
    async with door_process(mail_url, smtp_deadline_seconds=2) as (process, port):
        async with greeted(port) as wire:
            assert (await wire.deliver(address)).startswith("250")
        before = peak_bytes(process)
        async with greeted(port) as wire:
            await pour(wire, b"x" * 65_536, 4_000 * MEGABYTE)
            assert await wire.ended()
        assert peak_bytes(process) - before < GROWTH_BYTES_MAX


async def test_a_mail_above_the_limit_is_refused_and_the_next_is_taken(
    open_door: OpenDoor, address: str, desk: Desk, database: Database
) -> None:
    door = await open_door(mail_max_bytes=20_000)
    async with greeted(door.port) as wire:
        assert (await wire.say("MAIL FROM:<x@y.example> SIZE=20001")).startswith("552")
        assert (await wire.deliver(address, b"x" * 20_001 + b"\r\n")).startswith("552 5.3.4")
        assert (await wire.deliver(address)).startswith("250")
    assert await stored(database, desk) == [MAIL]


async def test_a_mail_far_above_the_limit_is_cut(open_door: OpenDoor, address: str) -> None:
    door = await open_door(mail_max_bytes=20_000)
    async with greeted(door.port) as wire:
        await wire.address(address)
        await wire.say("DATA")
        await wire.send(b"x" * (20_000 + session.DRAIN_BYTES_MAX + 1))
        assert (await wire.reply()).startswith("552 5.3.4")
        assert await wire.ended()


@pytest.mark.parametrize(
    "end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\n\r.\r\n"]
)
async def test_no_second_mail_is_smuggled_in_a_first(
    door: SmtpServer, address: str, desk: Desk, database: Database, end: bytes
) -> None:
    inner = (
        f"MAIL FROM:<bank@bank.example>\r\nRCPT TO:<{address}>\r\nDATA\r\n"
        "From: bank@bank.example\r\n\r\nforged\r\n"
    ).encode()
    async with greeted(door.port) as wire:
        await wire.address(address, "evil@evil.example")
        await wire.say("DATA")
        await wire.send(MAIL + b"x" + end + inner + b".\r\n")
        assert (await wire.reply()).startswith("250")
        assert (await wire.say("NOOP")).startswith("250")
        assert (await wire.say("QUIT")).startswith("221")
    # A dot at the start of a line is the sender's doubling, whatever follows it.
    whole = (MAIL + b"x" + end + inner).replace(b"\r\n.", b"\r\n")
    assert await stored(database, desk) == [whole]


async def test_commands_sent_ahead_are_done_in_turn(
    door: SmtpServer, address: str, desk: Desk, database: Database
) -> None:
    async with greeted(door.port) as wire:
        mail = f"MAIL FROM:<a@b.example>\r\nRCPT TO:<{address}>\r\nDATA\r\n".encode()
        await wire.send(mail + MAIL + b".\r\n" + mail + MAIL + b"2\r\n.\r\nQUIT\r\n")
        replies = [(await wire.reply())[:3] for _ in range(9)]
    assert replies == ["250", "250", "354", "250"] * 2 + ["221"]
    assert await stored(database, desk) == [MAIL, MAIL + b"2\r\n"]


@pytest.mark.parametrize(
    "line",
    [b"", b"\xff\xfe", b"BOGUS", b"DATA", b"RCPT TO:<x@y>", b"MAIL FROM:<", b"y" * 999, b"EHLO"],
)
async def test_what_is_answered_by_errors_ends_after_a_few(door: SmtpServer, line: bytes) -> None:
    async with greeted(door.port) as wire:
        await wire.send((line + b"\r\n") * 2000)
        replies = []
        while reply := await wire.reply():
            replies.append(reply)
    assert len(replies) <= session.ERROR_REPLIES_MAX + 1
    assert replies[-1].startswith(("421", "502"))


@pytest.mark.parametrize("line", [b"NOOP", b"RSET", b"EHLO a", b"HELO a", b"VRFY a", b"HELP"])
async def test_what_is_answered_well_ends_after_many(door: SmtpServer, line: bytes) -> None:
    async with greeted(door.port) as wire:
        await wire.send((line + b"\r\n") * 5000)
        replies = []
        while reply := await wire.reply():
            replies.append(reply)
    assert len(replies) <= max(session.COMMANDS_MAX.values()) + 1
    assert replies[-1].startswith("421")


async def test_whoever_sends_slowly_is_cut_at_the_deadline(
    open_door: OpenDoor, address: str
) -> None:
    door = await open_door(smtp_deadline_seconds=0.5)

    async def drip() -> bool:
        async with greeted(door.port) as wire:
            await wire.address(address)
            await wire.say("DATA")
            try:
                while True:
                    await wire.send(b"x\r\n")
                    if wire.reader.at_eof():
                        return True
                    await asyncio.sleep(0.05)
            except ConnectionError:
                return True

    async with asyncio.timeout(10):
        assert await asyncio.gather(*(drip() for _ in range(5))) == [True] * 5


async def test_whoever_says_nothing_is_cut_at_the_deadline(open_door: OpenDoor) -> None:
    door = await open_door(smtp_deadline_seconds=0.3)
    async with connected(door.port) as wire:
        assert (await wire.reply()).startswith("220")
        assert await wire.ended()


async def test_whoever_reads_nothing_is_cut_at_the_deadline(open_door: OpenDoor) -> None:
    door = await open_door(smtp_deadline_seconds=0.5)
    async with connected(door.port) as wire:
        wire.writer.write(b"NOOP\r\n" * 100)
        await until(lambda: not door.sessions, "the session is over")


async def test_more_connections_than_one_client_may_have_are_sent_away(
    open_door: OpenDoor, address: str
) -> None:
    door = await open_door(smtp_connections_per_ip_max=2)
    async with greeted(door.port) as first:
        async with greeted(door.port), connected(door.port) as third:
            assert (await third.reply()).startswith("421")
            assert await third.ended()
        await until(lambda: len(door.sessions) == 1, "a place is free again")
        async with greeted(door.port) as again:
            assert (await again.deliver(address)).startswith("250")
        assert (await first.say("NOOP")).startswith("250")


async def test_more_connections_than_the_door_has_are_sent_away(open_door: OpenDoor) -> None:
    door = await open_door(smtp_connections_max=1)
    async with greeted(door.port), connected(door.port) as second:
        assert (await second.reply()).startswith("421")


async def test_a_hundred_connections_that_vanish_leave_nothing_behind(
    open_door: OpenDoor, address: str
) -> None:
    door = await open_door(smtp_connections_per_ip_max=200)

    async def vanish(number: int) -> None:
        async with connected(door.port) as wire:
            if number % 3:
                await wire.reply()
                await wire.greet()
            if number % 3 > 1:
                await wire.address(address)
                await wire.say("DATA")
                await wire.send(b"half a ma")

    await asyncio.gather(*(vanish(number) for number in range(100)))
    await until(lambda: not door.sessions, "all sessions are over")
    async with greeted(door.port) as wire:
        assert (await wire.deliver(address)).startswith("250")


async def test_whoever_guesses_recipients_is_cut_and_others_beside_him_are_not(
    open_door: OpenDoor, address: str
) -> None:
    door = await open_door()
    guess = f"RCPT TO:<bmail-{'b' * 26}@{DOMAIN}>"
    replies: list[str] = []
    while len(replies) < limits.REFUSED_MAX:
        async with greeted(door.port) as wire:
            await wire.say("MAIL FROM:<x@y.example>")
            replies += [await wire.say(guess) for _ in range(10)]
    assert {reply[:3] for reply in replies[:-1]} == {"550"}
    assert replies[-1].startswith("421")
    for _ in range(3):
        async with greeted(door.port) as wire:
            await wire.say("MAIL FROM:<x@y.example>")
            assert (await wire.say(guess)).startswith("421")
            assert await wire.ended()
    async with greeted(door.port) as wire:
        assert (await wire.deliver(address)).startswith("250")


async def test_the_door_closes_after_the_mail_that_is_being_sent(
    open_door: OpenDoor, address: str, desk: Desk, database: Database
) -> None:
    door = await open_door()
    async with greeted(door.port) as busy, greeted(door.port) as idle:
        await busy.address(address)
        await busy.say("DATA")
        stopping = asyncio.create_task(door.stop())
        assert (await idle.reply()).startswith("421")
        await busy.send(MAIL + b".\r\n")
        assert (await busy.reply()).startswith("250")
        assert (await busy.reply()).startswith("421")
        async with asyncio.timeout(5):
            await stopping
    assert await stored(database, desk) == [MAIL]
