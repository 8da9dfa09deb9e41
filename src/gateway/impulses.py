"""Passes impulses on to the stock service."""

from typing import Final

import grpc

from spojka.api.stock.v1 import warehouse_service_pb2 as warehouse
from spojka.api.stock.v1.warehouse_service_pb2_grpc import WarehouseServiceStub
from spojka.errors import NotFound, Overloaded, RequestError, Unavailable
from spojka.identity import Identity, Scope
from spojka.rpc.client import call_metadata
from spojka.rpc.status import from_rpc_error

TIMEOUT_SECONDS: Final = 5.0
_EDGE: Final = Identity(None, Scope.ADMIN, "edge")


class Impulses:
    """Calls the stock service in the edge's own name: who sends an impulse is told by its token."""

    def __init__(self, stock: grpc.aio.Channel, internal_token: str) -> None:
        """Take the channel to the stock service."""
        self._stub = WarehouseServiceStub(stock)
        self._internal_token = internal_token

    async def send(self, token: str) -> None:
        """Hint that something changed. Raises NotFound, Overloaded or Unavailable."""
        try:
            await self._stub.SendImpulse(
                warehouse.SendImpulseRequest(token=token),
                metadata=call_metadata(_EDGE, self._internal_token),
                timeout=TIMEOUT_SECONDS,
            )
        except grpc.aio.AioRpcError as error:
            raise _sayable(from_rpc_error(error)) from error


def _sayable(error: RequestError) -> RequestError:
    # The sender of an impulse learns whether to try again, and nothing of the house.
    if isinstance(error, NotFound | Overloaded):
        return error
    return Unavailable("the impulse can't be taken now: try again later")
