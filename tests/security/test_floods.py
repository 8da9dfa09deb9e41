"""Floods of the public gRPC address by clients that keep HTTP/2's letter, and by some that don't.

Each ends with the same questions: is the edge healthy, does it answer its
keys' calls, and is its memory bounded.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import grpc
import pytest
import pytest_asyncio
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from gateway.load import MAX_CALLS
from gateway.public_server import (
    MAX_METADATA_BYTES,
    MAX_REQUEST_BYTES,
    MAX_STREAMS_PER_CONNECTION,
)
from spojka.api.orders.v1.order_service_pb2 import DESCRIPTOR as ORDERS
from spojka.probe import grpc_lacks
from spojka.rpc import health, reflection
from spojka.rpc.server import Server
from tests.security import http2
from tests.security.bombs import gzip_bomb
from tests.security.house import House
from tests.security.http2 import Wire, frame, header, wired
from tests.security.memory import resident_bytes
from tests.security.merchant import Merchant
from tests.security.wire import bearing, call, path_of, request_of
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

LIST_ORDERS: Final = ORDERS.services_by_name["OrderService"].methods_by_name["ListOrders"]
WATCH: Final = "/grpc.health.v1.Health/Watch"
IDLE_CONNECTIONS: Final = 200
RESETS: Final = 5_000
PINGS: Final = 5_000
GROWTH_MAX_BYTES: Final = 150 * 1024 * 1024
PATIENCE_SECONDS: Final = 20.0


@asynccontextmanager
async def unharmed(house: House, merchant: Merchant) -> AsyncIterator[None]:
    """The edge answers while a block's floods stand, and after them; it did not grow."""
    pid = house.pids()["gateway"]
    before = resident_bytes(pid)
    yield
    assert house.pids()["gateway"] == pid
    await answers(house, merchant)
    assert resident_bytes(pid) - before < GROWTH_MAX_BYTES


async def answers(house: House, merchant: Merchant) -> None:
    """Assert that the edge is healthy and answers, over a connection of its own."""
    address = house.installation.edge.grpc_address
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(address, options=options) as channel:
        stub: Any = HealthStub(channel)
        answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE_SECONDS)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        outcome = await call(
            channel, LIST_ORDERS, request_of(LIST_ORDERS), bearing(merchant.operator.key)
        )
        assert outcome.code is grpc.StatusCode.OK, outcome.told


def opening(stream: int, path: str, *more: tuple[str, bytes | str], end: bool = False) -> bytes:
    """Open a stream by a call's headers."""
    flags = http2.END_HEADERS | (http2.END_STREAM if end else 0)
    return frame(http2.HEADERS, http2.call_headers(path, *more), flags=flags, stream=stream)


async def test_the_edge_says_its_limits(house: House) -> None:
    async with wired(house.edge_port) as wire:
        await until(lambda: bool(wire.came(http2.SETTINGS)), "settings came")
        assert wire.setting(http2.MAX_CONCURRENT_STREAMS) == MAX_STREAMS_PER_CONNECTION
        assert wire.setting(http2.MAX_HEADER_LIST_SIZE) == MAX_METADATA_BYTES


async def test_calls_that_send_headers_and_no_message(house: House, victim: Merchant) -> None:
    """More of them than the server takes calls at once: without a key none is held."""
    async with unharmed(house, victim), AsyncExitStack() as stack:
        for _ in range(MAX_CALLS // MAX_STREAMS_PER_CONNECTION + 2):
            wire = await stack.enter_async_context(wired(house.edge_port))
            streams = range(1, 2 * MAX_STREAMS_PER_CONNECTION, 2)
            await wire.send(*(opening(number, path_of(LIST_ORDERS)) for number in streams))
        await answers(house, victim)


async def test_more_streams_than_a_connection_may_have(house: House, victim: Merchant) -> None:
    async with unharmed(house, victim), wired(house.edge_port) as wire:
        key = ("authorization", f"Bearer {victim.operator.key}")
        streams = range(1, 4 * MAX_STREAMS_PER_CONNECTION, 2)
        await wire.send(*(opening(number, path_of(LIST_ORDERS), key) for number in streams))
        await until(
            lambda: wire.ended.is_set() or bool(wire.came(http2.RST_STREAM)), "the stream is ended"
        )
        await answers(house, victim)


async def test_rapid_reset(house: House, victim: Merchant) -> None:
    """CVE-2023-44487: streams that are opened and taken back at once."""
    async with unharmed(house, victim), wired(house.edge_port) as wire:
        cancel = http2.CANCEL.to_bytes(4)
        for number in range(1, 2 * RESETS, 2):
            await wire.send(
                opening(number, path_of(LIST_ORDERS)),
                frame(http2.RST_STREAM, cancel, stream=number),
            )
        await answers(house, victim)


async def test_ping_flood(house: House, victim: Merchant) -> None:
    async with unharmed(house, victim), wired(house.edge_port) as wire:
        for _ in range(PINGS):
            if not await wire.send(frame(http2.PING, b"12345678")):
                break
        await until(wire.ended.is_set, "the connection is ended")


async def test_settings_flood(house: House, victim: Merchant) -> None:
    async with unharmed(house, victim), wired(house.edge_port) as wire:
        for number in range(PINGS):
            if not await wire.send(http2.settings(initial_window_size=number)):
                break
        await answers(house, victim)


async def test_headers_without_end(house: House, victim: Merchant) -> None:
    """CVE-2024-27316 and its kin: CONTINUATION frames that never end the headers."""
    async with unharmed(house, victim), wired(house.edge_port) as wire:
        block = http2.call_headers(path_of(LIST_ORDERS))
        await wire.send(frame(http2.HEADERS, block, stream=1))
        more = header("x-more", b"a" * 8_000)
        for _ in range(5_000):
            if not await wire.send(frame(http2.CONTINUATION, more, stream=1)):
                break


async def test_headers_that_come_slowly_and_connections_that_say_nothing(
    house: House, victim: Merchant
) -> None:
    async with unharmed(house, victim), AsyncExitStack() as stack:
        for number in range(IDLE_CONNECTIONS):
            preface = (b"", http2.PREFACE[:10], http2.PREFACE + frame(http2.SETTINGS))[number % 3]
            wire = await stack.enter_async_context(wired(house.edge_port, preface=preface))
            if number % 3 == 2:
                await wire.send(opening(1, path_of(LIST_ORDERS))[:20])
        await answers(house, victim)


async def test_watchers_who_never_read(house: House, victim: Merchant) -> None:
    nothing = http2.PREFACE + http2.settings(initial_window_size=0)
    async with unharmed(house, victim), AsyncExitStack() as stack:
        for _ in range(3):
            wire = await stack.enter_async_context(wired(house.edge_port, preface=nothing))
            await wire.send(*(watching(number) for number in range(1, 200, 2)))
        await answers(house, victim)


def watching(stream: int) -> bytes:
    """Watch the health of the whole process."""
    message = http2.message(b"")
    return opening(stream, WATCH) + frame(
        http2.DATA, message, flags=http2.END_STREAM, stream=stream
    )


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[Server]:
    server = Server("127.0.0.1", 0, internal_token="token", call_deadline_seconds=5.0)
    await server.start()
    yield server
    await server.stop()


async def test_a_watcher_who_never_reads_holds_nobody_up(server: Server) -> None:
    async with wired(
        server.port, preface=http2.PREFACE + http2.settings(initial_window_size=0)
    ) as wire:
        await wire.send(watching(1))
        await until(lambda: bool(wire.came(http2.HEADERS)), "the watch is answered")
        async with asyncio.timeout(5):
            for serving in (False, True, False, True):
                await server.set_serving("", serving)
        assert await grpc_lacks(f"127.0.0.1:{server.port}") is None


async def test_watchers_have_a_limit(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "MAX_WATCHERS", 3)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub: Any = HealthStub(channel)
        watchers = [stub.Watch(health_pb2.HealthCheckRequest()) for _ in range(3)]
        for watcher in watchers:
            assert (await watcher.read()).status == health_pb2.HealthCheckResponse.SERVING
        await is_refused(stub.Watch(health_pb2.HealthCheckRequest()))
        watchers[0].cancel()
        await until_given(lambda: stub.Watch(health_pb2.HealthCheckRequest()).read())
        await server.set_serving("", serving=False)
        assert (await watchers[1].read()).status == health_pb2.HealthCheckResponse.NOT_SERVING


async def test_reflection_has_a_limit(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflection, "MAX_STREAMS", 2)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        untyped: Any = channel
        stub: Any = ServerReflectionStub(untyped)

        async def asked() -> Any:
            stream = stub.ServerReflectionInfo()
            await stream.write(ServerReflectionRequest(list_services=""))
            return await stream.read()

        for _ in range(2):
            assert (await asked()).list_services_response.service
        await is_refused(stub.ServerReflectionInfo())


async def is_refused(stream: Any) -> None:
    """By the server's word: a write that finds the stream ended has no word of its own."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await stream.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def until_given(begin: Callable[[], Awaitable[Any]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await begin()
            except grpc.aio.AioRpcError:
                await asyncio.sleep(0.02)
            else:
                return


async def test_a_message_that_does_not_come_ends_its_call(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spojka.rpc.receiving.RECEIVE_SECONDS", 0.1)
    trusted = ("authorization", "Bearer token")
    await server.stop()
    slow = Server("127.0.0.1", 0, internal_token="token", call_deadline_seconds=5.0)
    slow.add(ORDERS.services_by_name["OrderService"], Nobody())
    await slow.start()
    async with wired(slow.port) as wire:
        await wire.send(opening(1, path_of(LIST_ORDERS), trusted, ("spojka-scope", "2")))
        await until(lambda: ended(wire, 1), "the call is ended")
    await slow.stop()


class Nobody:
    """Has a handler for every method; none of them is ever called."""

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def handle(_request: object, _call: object) -> Any:
            raise AssertionError(name)

        return handle


def ended(wire: Wire, stream: int) -> bool:
    return any(
        each.stream == stream and (each.flags & http2.END_STREAM or each.kind == http2.RST_STREAM)
        for each in wire.frames
        if each.kind in {http2.HEADERS, http2.DATA, http2.RST_STREAM}
    )


@pytest.mark.parametrize("key", ["", "valid"])
async def test_oversized_calls_are_refused(house: House, victim: Merchant, key: str) -> None:
    metadata = bearing(victim.operator.key) if key else ()
    async with unharmed(house, victim):
        channel = house.admin.channel
        large = b"\xba\x3e" + MAX_REQUEST_BYTES.to_bytes(4) + b"x" * MAX_REQUEST_BYTES
        outcome = await call(channel, LIST_ORDERS, large, metadata)
        assert outcome.code in {
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            *([] if key else [grpc.StatusCode.UNAUTHENTICATED]),
        }
        padded = (*metadata, ("x-padding", "a" * 2 * MAX_METADATA_BYTES))
        outcome = await call(channel, LIST_ORDERS, b"", padded)
        assert outcome.code is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_compressed_message_does_not_grow(house: House, victim: Merchant) -> None:
    """A thousandth of what it would be in memory, and below the limit of a message."""
    packed = gzip_bomb(400)
    assert len(packed) < MAX_REQUEST_BYTES
    async with unharmed(house, victim), wired(house.edge_port) as wire:
        key = ("authorization", f"Bearer {victim.operator.key}")
        await wire.send(
            opening(1, path_of(LIST_ORDERS), key, ("grpc-encoding", "gzip")),
            frame(http2.WINDOW_UPDATE, (1 << 20).to_bytes(4)),
        )
        body = b"\1" + len(packed).to_bytes(4) + packed
        for place in range(0, len(body), 16_000):
            last = http2.END_STREAM if place + 16_000 >= len(body) else 0
            await wire.send(frame(http2.DATA, body[place : place + 16_000], flags=last, stream=1))
            if ended(wire, 1):
                break
            await asyncio.sleep(0.01)  # the windows of flow control open as it is read
        await until(lambda: ended(wire, 1), "the call is ended")
        assert any(b"larger than max" in each.payload for each in wire.came(http2.HEADERS))
