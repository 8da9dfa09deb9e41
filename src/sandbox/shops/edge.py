"""A client's calls to Spojka's public address."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import grpc
from google.protobuf.message import Message

from spojka.rpc.client import open_channel
from spojka.rpc.status import from_rpc_error

CALL_TIMEOUT_SECONDS: Final = 20.0

Request = TypeVar("Request", bound=Message)
Answer = TypeVar("Answer", bound=Message)


@dataclass(frozen=True, slots=True)
class EdgeClient:
    """The public address, called with one API key; `tenant` is for an admin's key.

    Calls that find nobody there are tried again by the channel: every write of
    the contracts is idempotent.
    """

    channel: grpc.aio.Channel
    key: str
    tenant: str = ""

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What every call carries."""
        tenant = (("spojka-tenant", self.tenant),) if self.tenant else ()
        return (("authorization", f"Bearer {self.key}"), *tenant)

    async def call(
        self, method: "grpc.aio.UnaryUnaryMultiCallable[Request, Answer]", request: Request
    ) -> Answer:
        """Call a method. Raises RequestError as the other side did."""
        try:
            return await method(request, metadata=self.metadata, timeout=CALL_TIMEOUT_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error

    async def stream(
        self, method: "grpc.aio.UnaryStreamMultiCallable[Any, Answer]", request: Any
    ) -> AsyncIterator[Answer]:
        """Call a method that answers without end. Raises RequestError as the other side did."""
        answers = method(request, metadata=self.metadata)
        try:
            async for answer in answers:
                yield answer
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        finally:
            answers.cancel()

    def acting_as(self, key: str, tenant: str = "") -> "EdgeClient":
        """The same address with another key or tenant."""
        return EdgeClient(self.channel, key, tenant)


@asynccontextmanager
async def connected(address: str, key: str) -> AsyncIterator[EdgeClient]:
    """Open the public address for the time of a block."""
    async with open_channel(address) as channel:
        yield EdgeClient(channel, key)
