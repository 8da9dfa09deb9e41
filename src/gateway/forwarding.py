"""Calls that go on to a service behind the edge, as the bytes they came in.

The edge judges who calls and passes the message on unread: the service behind
checks its fields. Nothing of the caller's metadata goes along but the trace;
the identity is the edge's word, with the internal credential.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import grpc
import structlog
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

from gateway.backends import Backends
from gateway.gatekeeper import Gatekeeper, key_id, least_scope
from gateway.load import Load
from gateway.open_streams import OpenStreams
from spojka.errors import RequestError, Unavailable
from spojka.identity import Identity, Scope
from spojka.rpc.client import call_metadata
from spojka.rpc.receiving import receive
from spojka.rpc.server import text_of
from spojka.rpc.status import DETAILS_KEY, abort
from spojka.telemetry import TRACEPARENT, enter_trace

log = structlog.get_logger()

_INTERNAL: Final = "an error inside Spojka; the operator finds it in the log"


@dataclass(frozen=True, slots=True)
class Forwarder:
    """What every forwarded call needs."""

    backends: Backends
    gatekeeper: Gatekeeper
    load: Load
    streams: OpenStreams
    internal_token: str
    call_deadline_seconds: float

    def handlers(
        self, service: ServiceDescriptor, backend: str
    ) -> "dict[str, grpc.RpcMethodHandler[Any, Any]]":
        """A handler for every method of a service that `backend` serves."""
        return {
            method.name: (
                grpc.stream_stream_rpc_method_handler(self._stream(method, backend))
                if method.server_streaming
                else grpc.stream_unary_rpc_method_handler(self._unary(method, backend))
            )
            for method in service.methods
        }

    def _unary(
        self, method: MethodDescriptor, backend: str
    ) -> Callable[[Any, Any], Awaitable[bytes]]:
        least = least_scope(method)
        start: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]
        start = self.backends.channel(backend).unary_unary(_path(method))

        async def forward(_requests: object, context: Any) -> bytes:
            try:
                identity = await self._admit(context, least)
                request = await receive(context)
                remaining = context.time_remaining()
                with self.load.call():
                    call = start(
                        request,
                        metadata=call_metadata(identity, self.internal_token),
                        timeout=self.call_deadline_seconds if remaining is None else remaining,
                    )
                    answer = await call
                    context.set_trailing_metadata(tuple(await call.trailing_metadata() or ()))
                    return answer
            except RequestError as error:
                await abort(context, error)
            except grpc.aio.AioRpcError as error:
                await _pass_on(context, error, backend)
            except Exception:
                log.exception("a call could not be forwarded", method=_path(method))
                await context.abort(grpc.StatusCode.INTERNAL, _INTERNAL)
            raise AssertionError("abort raises")

        return forward

    def _stream(
        self, method: MethodDescriptor, backend: str
    ) -> Callable[[Any, Any], AsyncIterator[bytes]]:
        least = least_scope(method)
        start: grpc.aio.UnaryStreamMultiCallable[bytes, bytes]
        start = self.backends.channel(backend).unary_stream(_path(method))

        async def forward(_requests: object, context: Any) -> AsyncIterator[bytes]:
            try:
                identity = await self._admit(context, least)
                request = await receive(context)
                with self.load.stream(identity.actor):
                    # A stream without a deadline lives until one side ends it.
                    call = start(
                        request,
                        metadata=call_metadata(identity, self.internal_token),
                        timeout=context.time_remaining(),
                    )
                    try:
                        with self.streams.held(key_id(identity), call):
                            async for answer in call:
                                yield answer
                        context.set_trailing_metadata(tuple(await call.trailing_metadata() or ()))
                    finally:
                        call.cancel()
            except RequestError as error:
                await abort(context, error)
            except grpc.aio.AioRpcError as error:
                await _pass_on(context, error, backend)
            except Exception:
                log.exception("a stream could not be forwarded", method=_path(method))
                await context.abort(grpc.StatusCode.INTERNAL, _INTERNAL)

        return forward

    async def _admit(self, context: Any, least: Scope | None) -> Identity:
        metadata = dict(context.invocation_metadata() or ())
        enter_trace(text_of(metadata.get(TRACEPARENT)))
        return await self.gatekeeper.admit(metadata, least)


def _path(method: MethodDescriptor) -> str:
    return f"/{method.containing_service.full_name}/{method.name}"


async def _pass_on(context: Any, error: grpc.aio.AioRpcError, backend: str) -> None:
    """End the call as the service behind ended it."""
    trailing = tuple(error.trailing_metadata() or ())
    ours = any(key == DETAILS_KEY for key, _ in trailing)
    if error.code() is grpc.StatusCode.UNAVAILABLE and not ours:
        # Said by gRPC itself, with an address that is nobody's business outside.
        await abort(context, Unavailable(f"the {backend} service is away: try again"))
    context.set_trailing_metadata(trailing)
    await context.abort(error.code(), error.details() or "")
