"""An edge for the shops alone: real gRPC, with answers that a test writes."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc

from sandbox.shops import EdgeClient
from sandbox.shops.edge import connected
from spojka.api.orders.v1 import order_service_pb2 as orders
from spojka.api.orders.v1.order_service_pb2_grpc import (
    OrderServiceServicer,
    add_OrderServiceServicer_to_server,
)
from spojka.api.stock.v1 import listing_service_pb2 as listings
from spojka.api.stock.v1.listing_service_pb2_grpc import (
    ListingServiceServicer,
    add_ListingServiceServicer_to_server,
)


@dataclass(slots=True)
class Script:
    """What the edge is to stream, call by call, and what it was asked.

    Every stream but the last breaks off after its batches.
    """

    streams: Sequence[Sequence[listings.WatchStockResponse]] = ()
    keys: list[str] = field(default_factory=list)
    reported: list[listings.Listing] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    placed: list[orders.PlaceOrderRequest] = field(default_factory=list)
    amended: list[orders.AmendOrderRequest] = field(default_factory=list)
    cancelled: list[orders.CancelOrderRequest] = field(default_factory=list)


class _Listings(ListingServiceServicer):
    def __init__(self, script: Script) -> None:
        self._script = script

    async def PutListings(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        self._script.keys.append(dict(context.invocation_metadata())["authorization"])
        self._script.reported.extend(request.listings)
        return listings.PutListingsResponse(listings=request.listings)

    async def WatchStock(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802
        self._script.tokens.append(request.resume_token)
        number = len(self._script.tokens)
        for batch in self._script.streams[number - 1] if self._script.streams else ():
            yield batch
        if number < len(self._script.streams):
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the service restarts")
        await asyncio.Event().wait()


class _Orders(OrderServiceServicer):
    def __init__(self, script: Script) -> None:
        self._script = script

    async def PlaceOrder(self, request: Any, context: Any) -> Any:  # noqa: N802
        del context
        self._script.placed.append(request)
        answer = orders.PlaceOrderResponse(order=request.order, created=True)
        answer.order.id, answer.order.content_revision = "id-of-it", 1
        return answer

    async def AmendOrder(self, request: Any, context: Any) -> Any:  # noqa: N802
        del context
        self._script.amended.append(request)
        answer = orders.AmendOrderResponse(order=request.order)
        answer.order.id, answer.order.content_revision = request.id, 2
        return answer

    async def CancelOrder(self, request: Any, context: Any) -> Any:  # noqa: N802
        del context
        self._script.cancelled.append(request)
        return orders.CancelOrderResponse()


@asynccontextmanager
async def edge(script: Script) -> AsyncIterator[EdgeClient]:
    """Serve a script, and call it with a channel's key."""
    server = grpc.aio.server()
    add_ListingServiceServicer_to_server(_Listings(script), server)  # type: ignore[abstract]
    add_OrderServiceServicer_to_server(_Orders(script), server)  # type: ignore[abstract]
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with connected(f"127.0.0.1:{port}", "spk_of_the_channel") as client:
            yield client
    finally:
        await server.stop(None)
