"""Whoever sends mails to the door, from any address of the loopback."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from tests.mail_ingest.smtp.wire import Wire

MAILS_OF_CONNECTION_MAX: Final = 50
READ_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Envelope:
    """From which address and in whose name a mail is brought."""

    ip: str
    sender: str
    helo: str = "mx.example"


@asynccontextmanager
async def connected(port: int, envelope: Envelope) -> AsyncIterator[Wire]:
    """A greeted connection from an address."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, local_addr=(envelope.ip, 0), limit=READ_BYTES
    )
    try:
        wire = Wire(reader, writer)
        assert (await wire.reply()).startswith("220")
        assert (await wire.say(f"EHLO {envelope.helo}")).startswith("250")
        yield wire
    finally:
        writer.transport.abort()


@dataclass(slots=True)
class Post:
    """Brings mails to one door; `codes` counts its answers, `accepted` has what it took."""

    port: int
    codes: Counter[str] = field(default_factory=Counter)
    accepted: set[bytes] = field(default_factory=set)
    """Digests."""

    async def bring(self, wire: Wire, envelope: Envelope, recipient: str, raw: bytes) -> bool:
        """Bring one mail over an open connection; whether it was taken."""
        code = (await wire.say(f"MAIL FROM:<{envelope.sender}>"))[:3]
        assert code == "250", code
        assert (await wire.say(f"RCPT TO:<{recipient}>")).startswith("250")
        assert (await wire.say("DATA")).startswith("354")
        content = raw if raw.endswith(b"\r\n") else raw + b"\r\n"
        escaped = content.replace(b"\r\n.", b"\r\n..")
        escaped = b"." + escaped if escaped.startswith(b".") else escaped
        code = (await wire.say(escaped + b"."))[:3]
        self.codes[code] += 1
        if code == "250":
            self.accepted.add(digest(raw))
        return code == "250"

    async def bring_alone(self, envelope: Envelope, recipient: str, raw: bytes) -> bool:
        """Bring one mail over a connection of its own."""
        async with connected(self.port, envelope) as wire:
            return await self.bring(wire, envelope, recipient, raw)


def digest(raw: bytes) -> bytes:
    """By which a stored mail is known again."""
    return sha256(raw if raw.endswith(b"\r\n") else raw + b"\r\n").digest()
