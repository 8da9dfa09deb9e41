"""A channel inside the house goes round all instances, and past one that is away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from spojka.rpc.client import open_channel
from spojka.rpc.server import Server

HERE, AWAY = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
CALLS = 8


async def test_calls_go_round_the_instances_and_past_one_that_is_away() -> None:
    async with _serving() as first, _serving() as second:
        await second.set_serving("", serving=False)  # tells the two apart
        address = f"127.0.0.1:{first.port},127.0.0.1:{second.port}"
        async with open_channel(address) as channel:
            assert await _until_answers(channel, {HERE, AWAY})
            await second.stop()
            assert {await _ask(channel) for _ in range(CALLS)} == {HERE}


@asynccontextmanager
async def _serving() -> AsyncIterator[Server]:
    server = Server("127.0.0.1", 0, internal_token="for tests", call_deadline_seconds=5)
    await server.start()
    yield server
    await server.stop()


async def _ask(channel: grpc.aio.Channel) -> int:
    health: Any = HealthStub(channel)
    answer = await health.Check(health_pb2.HealthCheckRequest(), timeout=5, wait_for_ready=True)
    return int(answer.status)


async def _until_answers(channel: grpc.aio.Channel, wanted: set[int]) -> bool:
    """Ask until every wanted answer has come: the second connection may need a moment."""
    found: set[int] = set()
    for _ in range(1_000):
        found.add(await _ask(channel))
        if found == wanted:
            return True
    return False
