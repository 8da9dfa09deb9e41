"""A name server on the loopback address, for UDP and TCP."""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final, cast

from sandbox.banks.zone import WIRE_BYTES_MAX, Zone

HOST: Final = "127.0.0.1"
UDP_BYTES_MAX: Final = 1_232
"""What fits into one datagram on every path (DNS Flag Day 2020)."""
TCP_IDLE_SECONDS: Final = 10.0
TCP_CONNECTIONS_MAX: Final = 100
FIRST_PORT: Final = 15_353
"""Below the ports that systems give to outgoing connections, so that it stays free once chosen."""
PORTS: Final = 4_000
PORT_TRIES_MAX: Final = 200


def free_port(host: str = HOST) -> int:
    """A port of an address that is free for TCP and UDP. Raises OSError where none was found.

    Any of many, so that two who ask at the same time get different ones.
    """
    for _ in range(PORT_TRIES_MAX):
        port = FIRST_PORT + secrets.randbelow(PORTS)
        with (
            suppress(OSError),
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        ):
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            stream.bind((host, port))
            datagrams.bind((host, port))
            return port
    raise OSError(f"no port from {FIRST_PORT} to {FIRST_PORT + PORTS} of {host} is free")


@asynccontextmanager
async def serving(zone: Zone, port: int, host: str = HOST) -> AsyncIterator[None]:
    """Serve a zone on a port of an address for the time of a block.

    Raises OSError where the port is taken.
    """
    streams = _Streams(zone)
    server = await asyncio.start_server(streams.serve, host, port)
    try:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Datagrams(zone), local_addr=(host, port)
        )
    except OSError:
        server.close()
        raise
    try:
        yield
    finally:
        transport.close()
        server.close()
        streams.cut()
        await server.wait_closed()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self._zone.answer(data, UDP_BYTES_MAX)
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)


class _Streams:
    """TCP connections: questions and answers, each behind its length in two bytes."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._open: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= TCP_CONNECTIONS_MAX:
            writer.close()
            return
        self._open.add(writer)
        try:
            async with asyncio.timeout(TCP_IDLE_SECONDS):
                await self._answer_all(reader, writer)
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            pass  # the client is done, or gone
        finally:
            self._open.discard(writer)
            writer.close()

    def cut(self) -> None:
        """Close what is open."""
        for writer in self._open:
            writer.close()

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            length = int.from_bytes(await reader.readexactly(2), "big")
            answer = self._zone.answer(await reader.readexactly(length), WIRE_BYTES_MAX)
            if answer is not None:
                writer.write(len(answer).to_bytes(2, "big") + answer)
                await writer.drain()
