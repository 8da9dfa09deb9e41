"""Mails as a bank writes them, and an SMTP client that brings them."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from sandbox.banks import Account, Bank, Transfer
from sandbox.banks.street import Street, build

FIO_ACCOUNT: Final = "1111111111"
TATRA_ACCOUNT: Final = "SK3112000000198742637541"
OPENING_BALANCE: Final = Decimal(10_000)
ANSWER_SECONDS: Final = 60.0


def street() -> Street:
    """The sandbox's banks, whose post is brought by `deliver` instead of their own couriers."""
    return build("127.0.0.1", 0)


def letters(
    bank: Bank, account: str, currency: str, recipient: str, transfers: Sequence[Transfer]
) -> list[bytes]:
    """A mail of each transfer, all of which the bank books now."""
    if account not in {known.number for known in bank.ledger.accounts}:
        client = Account(account, currency, "Kladivo s.r.o.", OPENING_BALANCE, [recipient])
        bank.open_account(client)
    booked = (bank.book(account, transfer) for transfer in transfers)
    return [bank.write([movement], recipient) for movement in booked]


def transfers(count: int, amount: Decimal = Decimal("498.80")) -> list[Transfer]:
    """Transfers of one amount, each with a variable symbol of its own."""
    return [Transfer(amount, vs=str(26_000_000 + number)) for number in range(count)]


@dataclass(frozen=True, slots=True)
class Post:
    """The way of a bank's mails to one recipient at one SMTP port."""

    port: int
    client_ip: str
    sender: str
    recipient: str

    async def deliver(self, raw: bytes) -> float:
        """Bring one mail over a connection of its own, as banks do.

        Returns the moment of the monotonic clock at which it was accepted.
        """
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", self.port, local_addr=(self.client_ip, 0)
            )
            wire = _Wire(reader, writer)
            await wire.answer(b"220")
            for command in (
                b"EHLO mx.bank.example",
                b"MAIL FROM:<%b>" % self.sender.encode(),
                b"RCPT TO:<%b>" % self.recipient.encode(),
            ):
                await wire.say(command, b"250")
            await wire.say(b"DATA", b"354")
            await wire.say(raw.rstrip(b"\r\n").replace(b"\r\n.", b"\r\n..") + b"\r\n.", b"250")
            accepted = time.monotonic()
            await wire.say(b"QUIT", b"221")
            writer.close()
        return accepted

    async def deliver_all(self, mails: Sequence[bytes], connections: int) -> float:
        """Bring all over so many connections at once; returns mails a second."""
        waiting = iter(mails)

        async def carry() -> None:
            for raw in waiting:
                await self.deliver(raw)

        start = time.perf_counter()
        await asyncio.gather(*(carry() for _ in range(connections)))
        return len(mails) / (time.perf_counter() - start)


@dataclass(frozen=True, slots=True)
class _Wire:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, line: bytes, wanted: bytes) -> None:
        self.writer.write(line + b"\r\n")
        await self.answer(wanted)

    async def answer(self, wanted: bytes) -> None:
        while (line := await self.reader.readline())[3:4] == b"-":
            pass
        if not line.startswith(wanted):
            raise RuntimeError(f"the server said {line!r} where {wanted!r} was awaited")
