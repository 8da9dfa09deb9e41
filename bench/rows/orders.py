"""Orders placed through the edge: one at a time, and in batches.

Measured: a client with a channel's API key, the edge and the orders service as
processes of their own, started as an operator starts them, on a database with
row-level security. An order has two lines, and is new with every call: keys
checked, fields judged, totals added up, the order, its history and its event
in one transaction; the relay publishes meanwhile.

Ceiling of one at a time: two bare gRPC processes in the same language and the
same library, the second of which inserts the order's bytes and commits. The
ceiling of batches is the rate one at a time.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import grpc

from bench.bare_hops import METHOD, TABLE
from bench.installation import installed
from bench.measure import alternate
from bench.processes import free_port, running
from bench.result import Result, rate_against
from bench.sample_order import CHANNEL, sample_order
from bench.stage import Stage
from spojka.api.accounts.v1 import accounts_service_pb2 as accounts
from spojka.api.accounts.v1.accounts_service_pb2_grpc import ApiKeyServiceStub
from spojka.api.common.v1 import rules_pb2
from spojka.api.orders.v1 import channel_service_pb2
from spojka.api.orders.v1 import order_service_pb2 as pb
from spojka.api.orders.v1.channel_service_pb2_grpc import ChannelServiceStub
from spojka.api.orders.v1.order_service_pb2_grpc import OrderServiceStub

CALLS: Final = 300
QUICK_CALLS: Final = 100
BATCH_ORDERS: Final = 100
BATCHES: Final = 10
QUICK_BATCHES: Final = 3
ROUNDS: Final = 5
WARM_UP_CALLS: Final = 50
CALL_SECONDS: Final = 30.0

Place = Callable[[pb.PlaceOrderRequest], Awaitable[pb.PlaceOrderResponse]]


@dataclass(frozen=True, slots=True)
class _Shop:
    """A client of the edge."""

    orders: Any  # the generated stub's types are those of a synchronous channel
    metadata: tuple[tuple[str, str], ...]

    async def place(self, request: pb.PlaceOrderRequest) -> pb.PlaceOrderResponse:
        answer: pb.PlaceOrderResponse = await self.orders.PlaceOrder(
            request, metadata=self.metadata, timeout=CALL_SECONDS
        )
        return answer

    async def place_many(self, request: pb.PlaceOrdersRequest) -> pb.PlaceOrdersResponse:
        answer: pb.PlaceOrdersResponse = await self.orders.PlaceOrders(
            request, metadata=self.metadata, timeout=CALL_SECONDS
        )
        return answer


async def one_at_a_time(stage: Stage) -> list[Result]:
    """The edge and the two bare hops in turns."""
    calls = QUICK_CALLS if stage.quick else CALLS
    async with _house(stage) as shop, _bare(stage) as bare:
        await _calls(shop.place, WARM_UP_CALLS)
        await _calls(bare, WARM_UP_CALLS)
        pair = await alternate(
            lambda: _calls(shop.place, calls), lambda: _calls(bare, calls), ROUNDS
        )
    what = "PlaceOrder, one at a time"
    return [rate_against(what, "orders/s", pair.figure, pair.limit, at_least=0.6)]


async def in_batches(stage: Stage) -> list[Result]:
    """Batches and single calls in turns."""
    calls = QUICK_CALLS if stage.quick else CALLS
    batches = QUICK_BATCHES if stage.quick else BATCHES
    async with _house(stage) as shop:
        await _calls(shop.place, WARM_UP_CALLS)
        await _batches(shop, 1)
        pair = await alternate(
            lambda: _batches(shop, batches), lambda: _calls(shop.place, calls), ROUNDS
        )
    what = f"PlaceOrders, batches of {BATCH_ORDERS}, against one at a time"
    return [rate_against(what, "orders/s", pair.figure, pair.limit, at_least=15)]


async def _calls(place: Place, count: int) -> float:
    requests = [pb.PlaceOrderRequest(order=sample_order(str(uuid4()))) for _ in range(count)]
    start = time.perf_counter()
    for request in requests:
        answer = await place(request)
        assert answer.created
    return count / (time.perf_counter() - start)


async def _batches(shop: _Shop, count: int) -> float:
    requests = [
        pb.PlaceOrdersRequest(orders=[sample_order(str(uuid4())) for _ in range(BATCH_ORDERS)])
        for _ in range(count)
    ]
    start = time.perf_counter()
    for request in requests:
        answer = await shop.place_many(request)
        assert all(result.created for result in answer.results)
    return count * BATCH_ORDERS / (time.perf_counter() - start)


@asynccontextmanager
async def _house(stage: Stage) -> AsyncIterator[_Shop]:
    """The edge and the orders service as processes, a tenant, a channel and its key."""
    async with installed(stage, ["orders"]) as house:
        await ChannelServiceStub(house.channel).CreateChannel(
            channel_service_pb2.CreateChannelRequest(
                channel=channel_service_pb2.Channel(id=CHANNEL, name="E-shop")
            ),
            metadata=house.operator,
        )
        key: Any = await ApiKeyServiceStub(house.channel).CreateApiKey(
            accounts.CreateApiKeyRequest(scope=rules_pb2.SCOPE_CHANNEL, channel_id=CHANNEL),
            metadata=house.operator,
        )
        metadata = (("authorization", f"Bearer {key.secret}"),)
        yield _Shop(OrderServiceStub(house.channel), metadata)


@asynccontextmanager
async def _bare(stage: Stage) -> AsyncIterator[Place]:
    plain = await stage.plain("public")
    await plain.execute(TABLE)
    port, public = free_port(), free_port()
    service = ["service", str(port), stage.superuser_url]
    edge = ["edge", str(public), str(port)]
    async with (
        running("bench.bare_hops", service, {}, port=port),
        running("bench.bare_hops", edge, {}, port=public),
        grpc.aio.insecure_channel(f"127.0.0.1:{public}") as channel,
    ):
        yield channel.unary_unary(
            METHOD,
            request_serializer=pb.PlaceOrderRequest.SerializeToString,
            response_deserializer=pb.PlaceOrderResponse.FromString,
        )
