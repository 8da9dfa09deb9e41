"""A client that speaks SMTP byte by byte, well or badly."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

PATIENCE_SECONDS = 20.0
MAIL = b"From: bank@bank.example\r\nSubject: payment\r\n\r\nBody\r\n"


@dataclass(slots=True)
class Wire:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def reply(self) -> str:
        """The next reply, all its lines; empty where the server has hung up."""
        lines = []
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    line = (await self.reader.readline()).decode()
                except ConnectionError:
                    line = ""
                lines.append(line.rstrip("\r\n"))
                if line[3:4] != "-":
                    return "\n".join(lines)

    async def say(self, line: str | bytes) -> str:
        """Send one command and return the reply."""
        await self.send((line.encode() if isinstance(line, str) else line) + b"\r\n")
        return await self.reply()

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def greet(self) -> str:
        return await self.say("EHLO client.example")

    async def address(self, recipient: str, sender: str = "bank@bank.example") -> str:
        """MAIL and RCPT; the reply to RCPT."""
        assert (await self.say(f"MAIL FROM:<{sender}>")).startswith("250")
        return await self.say(f"RCPT TO:<{recipient}>")

    async def deliver(self, recipient: str, mail: bytes = MAIL) -> str:
        """A whole mail; the last reply."""
        assert (await self.address(recipient)).startswith("250")
        assert (await self.say("DATA")).startswith("354")
        return await self.say(mail.replace(b"\r\n.", b"\r\n..") + b".")

    async def start_tls(self) -> None:
        assert (await self.say("STARTTLS")).startswith("220")
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        await self.writer.start_tls(context)

    async def ended(self) -> bool:
        """Whether the server hangs up, whatever it still says before."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self.reader.read()
        except ConnectionError:
            return True
        except TimeoutError:
            return False
        return True


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Wire]:
    """A connection before its greeting."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Wire(reader, writer)
    finally:
        writer.transport.abort()


@asynccontextmanager
async def greeted(port: int) -> AsyncIterator[Wire]:
    """A connection after EHLO."""
    async with connected(port) as wire:
        assert (await wire.reply()).startswith("220")
        assert (await wire.greet()).startswith("250")
        yield wire
