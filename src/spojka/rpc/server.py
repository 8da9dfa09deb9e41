"""The gRPC server of a service.

A handler is a coroutine `async def place_order(self, request, call)` that
returns the answer or raises a `spojka.errors.RequestError`; a streaming one is
an async generator. Around each stands one wrapper: who calls, the trace, the
rules of the request's fields, the deadline, and errors as statuses.
"""

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any, Final
from uuid import UUID

import grpc
import structlog
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server
from grpc_reflection.v1alpha.reflection import SERVICE_NAME as REFLECTION

from spojka.errors import (
    InvalidArgument,
    RequestError,
    Unauthenticated,
    Unavailable,
    Violation,
)
from spojka.identity import Identity, Scope
from spojka.rpc.health import Health
from spojka.rpc.receiving import receive
from spojka.rpc.reflection import Reflection
from spojka.rpc.status import abort
from spojka.rpc.validation import validate
from spojka.telemetry import TRACEPARENT, enter_trace

MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
MAX_CONCURRENT_CALLS: Final = 500
STOP_GRACE_SECONDS: Final = 10.0

Metadata = Mapping[str, str | bytes]
"""What came with a call; where a key came twice, the last value."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Call:
    """What a handler may know of the call it answers."""

    identity: Identity
    deadline_seconds: float


def snake_case(name: str) -> str:
    """PlaceOrder → place_order."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class BaseServer(ABC):
    """One listening gRPC server with health and reflection; whom it believes is a subclass's."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        call_deadline_seconds: float,
        max_concurrent_calls: int = MAX_CONCURRENT_CALLS,
        credentials: grpc.ServerCredentials | None = None,
        options: Sequence[tuple[str, int]] = (),
    ) -> None:
        """Remember where to listen; `start` binds. With `credentials` it speaks TLS."""
        self._address = f"{host}:{port}"
        self._deadline_seconds = call_deadline_seconds
        self._max_concurrent_calls = max_concurrent_calls
        self._credentials = credentials
        # A later option of the same name takes the place of an earlier one.
        self._options = {**_OPTIONS, **dict(options)}
        self._health = Health()
        self._names: dict[str, bool] = {}
        self._handlers: list[grpc.GenericRpcHandler] = []
        self._server: grpc.aio.Server | None = None
        self._streams: set[asyncio.Task[Any]] = set()
        self._stopping = False
        self.port = port

    @abstractmethod
    async def authenticate(self, method: MethodDescriptor, metadata: Metadata) -> Identity:
        """Who calls `method`. Raises Unauthenticated or PermissionDenied."""

    @property
    def services(self) -> Sequence[str]:
        """The full names of what it serves."""
        return tuple(self._names)

    def add(self, service: ServiceDescriptor, servicer: object) -> None:
        """Serve a service of the contracts. Raises TypeError where a method is not implemented."""
        handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}
        for method in service.methods:
            handler = getattr(servicer, snake_case(method.name), None)
            if handler is None:
                raise TypeError(f"{type(servicer).__name__} lacks {snake_case(method.name)}")
            handlers[method.name] = self._method_handler(method, handler)
        self.add_handlers(service.full_name, handlers, serving=True)

    def add_handlers(
        self,
        service: str,
        handlers: Mapping[str, "grpc.RpcMethodHandler[Any, Any]"],
        *,
        serving: bool,
    ) -> None:
        """Serve a service with ready handlers by method, which do all of the wrapper's work.

        `serving` is its health from the start; `set_serving` changes it.
        """
        self._names[service] = serving
        self._handlers.append(grpc.method_handlers_generic_handler(service, dict(handlers)))

    async def set_serving(self, service: str, serving: bool) -> None:
        """Say by the health service whether `service` can be called."""
        self._health.set(service, serving=serving)

    async def start(self) -> None:
        """Listen. Raises OSError where the port is taken."""
        server = grpc.aio.server(
            options=list(self._options.items()),
            maximum_concurrent_rpcs=self._max_concurrent_calls,
        )
        server.add_generic_rpc_handlers(tuple(self._handlers))
        add_HealthServicer_to_server(self._health, server)
        names = [*self._names, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name]
        Reflection([*names, REFLECTION]).add_to(server)
        try:
            self.port = (
                server.add_insecure_port(self._address)
                if self._credentials is None
                else server.add_secure_port(self._address, self._credentials)
            )
        except RuntimeError as error:
            raise OSError(f"can't listen on {self._address}: is the port taken?") from error
        await server.start()
        for name, serving in {"": True, **self._names}.items():
            await self.set_serving(name, serving)
        self._server = server

    async def stop(self) -> None:
        """Say that we stop, let calls end, then stop."""
        if self._server is None:
            return
        self._health.stop()
        self._stopping = True
        for stream in self._streams:
            stream.cancel()
        await self._server.stop(STOP_GRACE_SECONDS)
        self._server = None

    def _method_handler(
        self, method: MethodDescriptor, handler: Callable[..., Any]
    ) -> "grpc.RpcMethodHandler[Any, Any]":
        # What can't be parsed is answered by us: grpcio would log a traceback of each.
        if method.server_streaming:
            return grpc.stream_stream_rpc_method_handler(
                self._streaming(method, handler), response_serializer=_serialize
            )
        return grpc.stream_unary_rpc_method_handler(
            self._unary(method, handler), response_serializer=_serialize
        )

    def _unary(
        self, method: MethodDescriptor, handler: Callable[[Any, Call], Awaitable[Message]]
    ) -> Callable[[Any, Any], Awaitable[Message]]:
        into_lists = not getattr(handler, "judges_elements", False)
        request_class = GetMessageClass(method.input_type)

        async def serve(_requests: object, context: Any) -> Message:
            try:
                call = await self._enter(method, context)
                request = _parsed(request_class, await receive(context))
                validate(request, into_lists=into_lists)
                async with asyncio.timeout(call.deadline_seconds):
                    return await handler(request, call)
            except RequestError as error:
                await abort(context, error)
            except TimeoutError:
                await abort(context, Unavailable("the call took longer than its deadline"))
            except Exception:
                log.exception("a handler failed", method=method.full_name)
                await context.abort(grpc.StatusCode.INTERNAL, _INTERNAL)
                raise

        return serve

    def _streaming(
        self,
        method: MethodDescriptor,
        handler: Callable[[Any, Call], AsyncGenerator[Message, None]],
    ) -> Callable[[Any, Any], AsyncIterator[Message]]:
        request_class = GetMessageClass(method.input_type)

        async def serve(_requests: object, context: Any) -> AsyncIterator[Message]:
            try:
                call = await self._enter(method, context)
                request = _parsed(request_class, await receive(context))
                validate(request)
                with self._stream():
                    async with aclosing(handler(request, call)) as answers:
                        async for answer in answers:
                            yield answer
            except asyncio.CancelledError:
                if not self._stopping:
                    raise
                await abort(context, Unavailable("this process stops: go on elsewhere"))
            except RequestError as error:
                await abort(context, error)
            except Exception:
                log.exception("a handler failed", method=method.full_name)
                await context.abort(grpc.StatusCode.INTERNAL, _INTERNAL)
                raise

        return serve

    @contextmanager
    def _stream(self) -> Iterator[None]:
        # A stream has no end of its own: the server ends it when it stops.
        task = asyncio.current_task()
        assert task is not None
        self._streams.add(task)
        try:
            yield
        finally:
            self._streams.discard(task)

    async def _enter(self, method: MethodDescriptor, context: Any) -> Call:
        metadata: Metadata = dict(context.invocation_metadata() or ())
        enter_trace(text_of(metadata.get(TRACEPARENT)))
        identity = await self.authenticate(method, metadata)
        remaining = context.time_remaining()
        deadline = self._deadline_seconds if remaining is None else remaining
        return Call(identity, max(deadline, 0.001))


class Server(BaseServer):
    """The server of a service inside the house: believes who carries the internal credential."""

    def __init__(
        self, host: str, port: int, *, internal_token: str, call_deadline_seconds: float
    ) -> None:
        """Remember where to listen; `start` binds."""
        super().__init__(host, port, call_deadline_seconds=call_deadline_seconds)
        self._token = f"Bearer {internal_token}".encode()

    async def authenticate(
        self,
        method: MethodDescriptor,  # noqa: ARG002 - the edge has judged it
        metadata: Metadata,
    ) -> Identity:
        """The identity that the edge, or another service, vouches for."""
        if not compare_digest(text_of(metadata.get("authorization")).encode(), self._token):
            raise Unauthenticated("this address is for Spojka's own services")
        return _identity(metadata)


_OPTIONS: Final = {
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
    "grpc.so_reuseport": 0,
    # Less than `spojka.rpc.client.KEEPALIVE_MS`, or a client that asks is taken for an abuser.
    "grpc.http2.min_recv_ping_interval_without_data_ms": 5_000,
    # A client's keepalive that arrives just after its last call has ended is no abuse.
    "grpc.keepalive_permit_without_calls": 1,
}
_INTERNAL: Final = "an error inside Spojka; the operator finds it in the log"


def _parsed(request_class: type[Message], body: bytes) -> Message:
    try:
        return request_class.FromString(body)
    except DecodeError as error:
        wanted = request_class.DESCRIPTOR.full_name
        raise InvalidArgument([Violation("request", f"is not a message {wanted}")]) from error


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()


def text_of(value: str | bytes | None) -> str:
    """A metadata value as text; empty where it is absent."""
    return value.decode("latin-1") if isinstance(value, bytes) else value or ""


def _identity(metadata: Metadata) -> Identity:
    tenant = text_of(metadata.get("spojka-tenant"))
    try:
        return Identity(
            tenant_id=UUID(tenant) if tenant else None,
            scope=Scope(int(text_of(metadata.get("spojka-scope")) or 0)),
            actor=text_of(metadata.get("spojka-actor")) or "unknown",
            channel_id=text_of(metadata.get("spojka-channel")) or None,
        )
    except ValueError as error:
        raise Unauthenticated("the caller's identity is malformed") from error
