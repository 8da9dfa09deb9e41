"""Server reflection, so that grpcurl finds the contracts; nobody needs a key for it.

Its streams end by themselves and are counted: a stranger can't hold the
server's calls by opening more and more of them.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import grpc
from grpc_reflection.v1alpha._async import ReflectionServicer
from grpc_reflection.v1alpha.reflection_pb2_grpc import add_ServerReflectionServicer_to_server

MAX_STREAMS: Final = 50
STREAM_MAX_SECONDS: Final = 60.0


class Reflection:
    """Answers what the contracts are."""

    def __init__(self, service_names: list[str]) -> None:
        """Take the full names of what is served."""
        self._answering: Any = ReflectionServicer(service_names)
        self._streams = 0

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serve it."""
        add: Any = add_ServerReflectionServicer_to_server
        add(self, server)

    async def ServerReflectionInfo(  # noqa: N802 - the contract's name
        self, requests: AsyncIterator[Any], context: Any
    ) -> AsyncIterator[Any]:
        """Answer each request of a stream."""
        if self._streams >= MAX_STREAMS:
            await context.abort(
                grpc.StatusCode.RESOURCE_EXHAUSTED, f"{MAX_STREAMS} streams ask already"
            )
        self._streams += 1
        try:
            async with asyncio.timeout(STREAM_MAX_SECONDS):
                async for answer in self._answering.ServerReflectionInfo(requests, context):
                    yield answer
        except TimeoutError:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "asked long enough: begin anew")
        finally:
            self._streams -= 1
