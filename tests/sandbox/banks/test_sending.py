"""How the banks deliver: from their own addresses, again after a 4xx, never after a 5xx."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from sandbox.banks import Effect, Fault, GaveUp, LoopbackMissing, Refused, Transfer, loopback
from sandbox.banks.courier import ATTEMPTS_MAX, Courier
from sandbox.banks.dns_server import free_port
from sandbox.banks.ledger import NoSuchAccount
from tests.sandbox.banks.letters import FIO_ACCOUNT, MERCHANT, street_with_accounts

Converse = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Mailbox:
    """An SMTP server that says to each RCPT what it is told to, then 250."""

    port: int = 0
    answers: list[str] = field(default_factory=list)
    hang_up_instead: int = 0
    mails: list[bytes] = field(default_factory=list)
    clients: list[str] = field(default_factory=list)
    greetings: list[str] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    at: list[float] = field(default_factory=list)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.clients.append(writer.get_extra_info("peername")[0])
        self.at.append(time.monotonic())
        if self.hang_up_instead:
            self.hang_up_instead -= 1
            writer.close()
            return
        writer.write(b"220 mailbox\r\n")
        while line := (await reader.readline()).decode().strip():
            writer.write((await self._answer(line, reader, writer)).encode() + b"\r\n")
            if line.upper() == "QUIT":
                break
        writer.close()

    async def _answer(
        self, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> str:
        if line.lower().startswith(("ehlo", "helo")):
            self.greetings.append(line.split()[1])
        if line.lower().startswith("mail from:"):
            self.senders.append(line[len("mail from:") :].split(">", maxsplit=1)[0] + ">")
        if line.lower().startswith("rcpt"):
            return self.answers.pop(0) if self.answers else "250 OK"
        if line.lower() == "data":
            writer.write(b"354 go on\r\n")
            self.mails.append((await reader.readuntil(b"\r\n.\r\n"))[: -len(b".\r\n")])
        return "221 bye" if line.upper() == "QUIT" else "250 OK"


@asynccontextmanager
async def listening(**behaviour: object) -> AsyncIterator[Mailbox]:
    mailbox = Mailbox(**behaviour)  # type: ignore[arg-type]  # as the tests name them
    server = await asyncio.start_server(mailbox.converse, "127.0.0.1", 0)
    mailbox.port = server.sockets[0].getsockname()[1]
    async with server:
        yield mailbox


def _courier(port: int) -> Courier:
    return Courier("127.0.0.1", port, "mx-out.fio.cz", first_pause_seconds=0.02)


async def _deliver(courier: Courier, raw: bytes = b"Subject: x\r\n\r\n.dot\r\n") -> int:
    accepted = await courier.deliver(
        raw, sender="automat@fio.cz", recipient=MERCHANT, client_ip="127.0.0.11"
    )
    return accepted.attempts


async def test_a_mail_comes_from_the_banks_address_byte_for_byte() -> None:
    async with listening() as mailbox:
        assert await _deliver(_courier(mailbox.port)) == 1
    assert mailbox.clients == ["127.0.0.11"]
    assert mailbox.greetings == ["mx-out.fio.cz"]
    assert mailbox.senders == ["<automat@fio.cz>"]
    assert mailbox.mails == [b"Subject: x\r\n\r\n..dot\r\n"]


async def test_after_a_4xx_it_tries_again_and_waits_longer_each_time() -> None:
    async with listening(answers=["451 later", "450 later", "421 busy"]) as mailbox:
        courier = _courier(mailbox.port)
        assert await _deliver(courier) == 4
    assert (courier.accepted, courier.put_off, courier.refused) == (1, 3, 0)
    assert len(mailbox.mails) == 1
    pauses = [later - earlier for earlier, later in zip(mailbox.at, mailbox.at[1:], strict=False)]
    assert all(pause >= 0.02 * 2**place for place, pause in enumerate(pauses))


async def test_a_5xx_is_final_and_counted() -> None:
    async with listening(answers=["550 5.1.1 No such mailbox here"]) as mailbox:
        courier = _courier(mailbox.port)
        with pytest.raises(Refused, match=r"550 5\.1\.1 No such mailbox here"):
            await _deliver(courier)
    assert (courier.accepted, courier.put_off, courier.refused) == (0, 0, 1)
    assert len(mailbox.clients) == 1


async def test_a_server_that_hangs_up_is_tried_again() -> None:
    async with listening(hang_up_instead=2) as mailbox:
        courier = _courier(mailbox.port)
        assert await _deliver(courier) == 3
    assert courier.put_off == 2


async def test_it_gives_up_after_its_attempts_and_says_why() -> None:
    courier = Courier("127.0.0.1", free_port(), "mx-out.fio.cz", first_pause_seconds=0.001)
    with pytest.raises(GaveUp, match=f"in {ATTEMPTS_MAX} attempts: .*refused"):
        await _deliver(courier)
    assert courier.put_off == ATTEMPTS_MAX


async def test_a_bank_books_first_and_tells_the_accounts_addresses() -> None:
    async with listening() as mailbox:
        fio = street_with_accounts(mailbox.port, [MERCHANT, "books@pay.example"]).fio
        movement = fio.book(FIO_ACCOUNT, Transfer(Decimal("12.50"), vs="7"))
        posted = await fio.tell([movement])
    assert [copy.recipient for copy in posted] == [MERCHANT, "books@pay.example"]
    assert mailbox.mails == [copy.raw for copy in posted]
    assert movement.balance_after == Decimal("1012.50")
    assert fio.ledger.movements(FIO_ACCOUNT) == [movement]


async def test_twice_is_the_same_bytes_again_and_only_once() -> None:
    async with listening() as mailbox:
        fio = street_with_accounts(mailbox.port).fio
        fio.faults.add(Fault(Effect.TWICE))
        first, second = await fio.tell([fio.book(FIO_ACCOUNT, Transfer(Decimal(1)))])
        await fio.take(FIO_ACCOUNT, Transfer(Decimal(1)))
    assert first.raw == second.raw
    assert len(mailbox.mails) == 3
    assert not fio.faults.pending


async def test_elsewhere_is_another_address_for_so_many_mails() -> None:
    async with listening() as mailbox:
        fio = street_with_accounts(mailbox.port).fio
        fio.faults.add(Fault(Effect.ELSEWHERE, times=2, address="127.0.0.66"))
        for _ in range(3):
            await fio.take(FIO_ACCOUNT, Transfer(Decimal(1)))
    assert mailbox.clients == ["127.0.0.66", "127.0.0.66", "127.0.0.11"]


async def test_a_delay_holds_the_mail_back_and_not_the_booking() -> None:
    async with listening() as mailbox:
        fio = street_with_accounts(mailbox.port).fio
        fio.faults.add(Fault(Effect.DELAY, seconds=0.2))
        movement = fio.book(FIO_ACCOUNT, Transfer(Decimal(1)))
        started = time.monotonic()
        await fio.tell([movement])
    assert mailbox.at[0] - started >= 0.2


@pytest.mark.parametrize(
    "fields",
    [
        {"effect": Effect.TWICE, "times": 0},
        {"effect": Effect.DELAY},
        {"effect": Effect.DELAY, "seconds": 10_000},
        {"effect": Effect.ELSEWHERE},
        {"effect": Effect.ELSEWHERE, "address": "192.0.2.1"},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Fault(**fields)  # type: ignore[arg-type]  # as the cases name them


def test_the_ledger_knows_its_accounts_and_no_transfer_of_nothing() -> None:
    fio = street_with_accounts().fio
    with pytest.raises(NoSuchAccount, match="no account 42 here; there are: 1111111111"):
        fio.book("42", Transfer(Decimal(1)))
    with pytest.raises(ValueError, match="nothing"):
        fio.book(FIO_ACCOUNT, Transfer(Decimal(0)))


def test_a_machine_without_the_addresses_is_told_what_to_do() -> None:
    loopback.require(["127.0.0.11", "127.0.0.66"])
    remedies = "sudo ifconfig lo0 alias 192.0.2.11 up; sudo ifconfig lo0 alias 192.0.2.12 up"
    with pytest.raises(LoopbackMissing, match=re.escape(remedies)):
        loopback.require(["127.0.0.11", "192.0.2.11", "192.0.2.12"])
