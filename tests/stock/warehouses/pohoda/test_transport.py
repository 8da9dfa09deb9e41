"""HTTP: statuses, broken connections, compression, limits; against a real socket."""

import asyncio
import contextlib
import gzip
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from spojka.outbound import OutboundPolicy
from stock.warehouses.errors import (
    Misconfigured,
    OutcomeUnknown,
    Refused,
    Unavailable,
    Unreadable,
    WarehouseError,
)
from stock.warehouses.pohoda.settings import parse_credentials, parse_settings
from stock.warehouses.pohoda.transport import Exchange, Transport

LOCAL = OutboundPolicy(allow_private=True, max_answer_bytes=100_000)
READ = Exchange(b"<a/>", "log")
CHANGE = Exchange(b"<a/>", "log", changes=True, check_duplicity=True)
Answering = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class Door:
    """A server that answers every request in one way and keeps what it was asked."""

    port: int
    requests: list[bytes]


@contextlib.asynccontextmanager
async def door(answering: Answering, *, end_of_request: bytes = b"<a/>") -> AsyncIterator[Door]:
    """Run it; when it ends, every connection has been closed."""
    requests: list[bytes] = []
    handlers: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            requests.append(await reader.readuntil(end_of_request))
            await answering(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.add(asyncio.get_running_loop().create_task(serve(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield Door(server.sockets[0].getsockname()[1], requests)
    finally:
        server.close()
        await asyncio.gather(*handlers)
        await server.wait_closed()


def answer(status: int = 200, body: bytes = b"", *headers: str) -> Answering:
    """Answer with this."""

    async def write(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers, "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()

    return write


async def send(
    port: int, exchange: Exchange, policy: OutboundPolicy = LOCAL, **settings: str
) -> bytes:
    """Send one request over a transport of its own."""
    given = {"url": f"http://127.0.0.1:{port}", "ico": "1", **settings}
    credentials = parse_credentials({"username": "api", "password": "api"}, {})
    transport = Transport(parse_settings(given), credentials, policy)
    try:
        with await transport.send(exchange) as spool:
            return spool.read()
    finally:
        await transport.close()


async def test_the_headers_that_an_mserver_wants() -> None:
    async with door(answer()) as server:
        await send(server.port, CHANGE)
        await send(server.port, READ)
    change, read = (request.decode().lower() for request in server.requests)
    assert change.startswith("post /xml http/1.1\r\n")
    assert "stw-authorization: basic yxbpomfwaq==" in change
    assert "\r\nauthorization:" not in change
    assert "content-type: text/xml\r\n" in change
    assert "stw-check-duplicity: true" in change
    assert "stw-check-duplicity" not in read


@pytest.mark.parametrize(
    ("status", "read", "change"),
    [
        (400, Refused, Refused),
        (401, Misconfigured, Misconfigured),
        (403, Misconfigured, Misconfigured),
        (404, Misconfigured, Misconfigured),
        (405, Misconfigured, Misconfigured),
        (408, Unavailable, OutcomeUnknown),
        (413, Refused, Refused),
        (429, Unavailable, Unavailable),
        (500, Unavailable, OutcomeUnknown),
        (502, Unavailable, OutcomeUnknown),
        (503, Unavailable, OutcomeUnknown),
        (504, Unavailable, OutcomeUnknown),
        (505, Misconfigured, Misconfigured),
        (301, Misconfigured, Misconfigured),
        (204, Unavailable, OutcomeUnknown),
    ],
)
async def test_statuses(
    status: int, read: type[WarehouseError], change: type[WarehouseError]
) -> None:
    async with door(answer(status, b"", "Location: http://example.com/")) as server:
        for exchange, expected in ((READ, read), (CHANGE, change)):
            with pytest.raises(WarehouseError) as raised:
                await send(server.port, exchange)
            assert type(raised.value) is expected
            assert str(status) in raised.value.message
            assert raised.value.advice


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b"<b/>")),
        ("deflate", zlib.compress(b"<b/>")),
        ("deflate", zlib.compress(b"<b/>", wbits=-15)),
    ],
    ids=["gzip", "deflate with a header", "raw deflate"],
)
async def test_compressed_answers(encoding: str, body: bytes) -> None:
    async with door(answer(200, body, f"Content-Encoding: {encoding}")) as server:
        assert await send(server.port, READ) == b"<b/>"


@pytest.mark.parametrize(("exchange", "error"), [(READ, Unreadable), (CHANGE, OutcomeUnknown)])
async def test_an_answer_beyond_the_limit(exchange: Exchange, error: type[WarehouseError]) -> None:
    body = gzip.compress(b"x" * 100_001)
    async with door(answer(200, body, "Content-Encoding: gzip")) as server:
        with pytest.raises(error, match="100000 bytes"):
            await send(server.port, exchange)


async def cut_off(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Announce more than is sent."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<a")
    await writer.drain()


async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Close without an answer."""
    writer.close()


async def say_nothing(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Wait until the client leaves."""
    await reader.read()


async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Speak something else."""
    writer.write(b"220 mail.example.com ESMTP\r\n")
    await writer.drain()


@pytest.mark.parametrize("answering", [cut_off, hang_up, say_nothing, babble])
@pytest.mark.parametrize(("exchange", "error"), [(READ, Unavailable), (CHANGE, OutcomeUnknown)])
async def test_an_answer_that_is_lost(
    answering: Answering, exchange: Exchange, error: type[WarehouseError]
) -> None:
    async with door(answering) as server:
        with pytest.raises(WarehouseError) as raised:
            await send(server.port, exchange, read_timeout_seconds="1")
    assert type(raised.value) is error
    assert raised.value.advice


@pytest.mark.parametrize("exchange", [READ, CHANGE])
async def test_a_refused_connection_had_no_effect(exchange: Exchange) -> None:
    async with door(answer()) as server:
        port = server.port
    with pytest.raises(Unavailable, match="can't be reached") as raised:
        await send(port, exchange)
    assert "mServer is started" in raised.value.advice


async def test_a_private_address_is_refused_unless_allowed() -> None:
    async with door(answer()) as server:
        with pytest.raises(Misconfigured, match="not a public address"):
            await send(server.port, CHANGE, replace(LOCAL, allow_private=False))
    assert server.requests == []


async def test_https_to_a_plain_server_is_a_mistake_in_the_address() -> None:
    # The first byte of a TLS handshake.
    async with door(answer(400), end_of_request=b"\x16") as server:
        with pytest.raises(Misconfigured, match="secure connection"):
            await send(server.port, CHANGE, url=f"https://127.0.0.1:{server.port}")


async def test_one_request_at_a_time() -> None:
    under_way: list[int] = [0]
    most: list[int] = [0]

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        for _ in range(20):  # let the others come, if they do
            await asyncio.sleep(0)
        under_way[0] -= 1
        await answer()(reader, writer)

    async with door(slow) as server:
        given = {"url": f"http://127.0.0.1:{server.port}", "ico": "1"}
        credentials = parse_credentials({"username": "api", "password": "api"}, {})
        transport = Transport(parse_settings(given), credentials, LOCAL)
        spools = await asyncio.gather(*(transport.send(READ) for _ in range(4)))
        for spool in spools:
            spool.close()
        await transport.close()
    assert (len(server.requests), most[0]) == (4, 1)
