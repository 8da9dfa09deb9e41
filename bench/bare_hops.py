"""The ceiling of placing orders: two bare gRPC processes and one insert.

`python -m bench.bare_hops edge PORT BACKEND_PORT` passes requests on as the
bytes they came in. `python -m bench.bare_hops service PORT DATABASE_URL` reads
the request, inserts the order's bytes with one statement, and answers with
the order. No keys, no rules of fields, no history, no events.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import uuid4

import grpc
from psycopg_pool import AsyncConnectionPool

from spojka.api.orders.v1 import order_service_pb2 as pb

SERVICE: Final = "bench.Bare"
METHOD: Final = f"/{SERVICE}/PlaceOrder"
TABLE: Final = """
    CREATE TABLE bare_order (id uuid PRIMARY KEY, channel_order_id text NOT NULL UNIQUE,
                             value bytea NOT NULL)
"""
_INSERT: Final = "INSERT INTO bare_order (id, channel_order_id, value) VALUES (%b, %b, %b)"
_POOL_CONNECTIONS: Final = 8

Handle = Callable[[bytes, Any], Awaitable[bytes]]


async def edge(port: int, backend_port: int) -> None:
    """Pass every call on, for ever."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{backend_port}") as channel:
        start: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(METHOD)

        async def forward(request: bytes, _context: Any) -> bytes:
            return await start(request)

        await _serve(port, forward)


async def service(port: int, database_url: str) -> None:
    """Insert every order, for ever."""
    async with AsyncConnectionPool(
        database_url, min_size=1, max_size=_POOL_CONNECTIONS, kwargs={"autocommit": True}
    ) as pool:

        async def place(request: bytes, _context: Any) -> bytes:
            order = pb.PlaceOrderRequest.FromString(request).order
            order_id = uuid4()
            async with pool.connection() as connection:
                await connection.execute(
                    _INSERT, [order_id, order.channel_order_id, order.SerializeToString()]
                )
            order.id = str(order_id)
            return pb.PlaceOrderResponse(order=order, created=True).SerializeToString()

        await _serve(port, place)


async def _serve(port: int, handle: Handle) -> None:
    server = grpc.aio.server()
    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        "PlaceOrder": grpc.unary_unary_rpc_method_handler(handle)
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    if sys.argv[1] == "edge":
        asyncio.run(edge(int(sys.argv[2]), int(sys.argv[3])))
    else:
        asyncio.run(service(int(sys.argv[2]), sys.argv[3]))
