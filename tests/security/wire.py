"""Calls of any method with any bytes, and everything that came back."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.routes import FORWARDED, OWN

CALL_SECONDS: Final = 15.0
STREAM_SECONDS: Final = 0.2
"""After such a silence a stream is left: it has no end of its own."""

METHODS: Final[list[MethodDescriptor]] = [
    method
    for service in (*OWN.values(), *(each for some in FORWARDED.values() for each in some))
    for method in service.methods
]
"""Every method of every public service, from the contracts."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended: its code, its answers, and all else that was told."""

    code: grpc.StatusCode
    answers: tuple[Message, ...]
    told: bytes
    """The message and the trailing metadata of an error."""

    @property
    def seen(self) -> bytes:
        """Every byte that came back."""
        return self.told + b"".join(answer.SerializeToString() for answer in self.answers)


def path_of(method: MethodDescriptor) -> str:
    """What the method is called by on the wire."""
    return f"/{method.containing_service.full_name}/{method.name}"


def request_of(method: MethodDescriptor) -> Message:
    """An empty request of the method."""
    return GetMessageClass(method.input_type)()


def bearing(key: str, **more: str) -> tuple[tuple[str, str], ...]:
    """The metadata of a call with an API key."""
    extra = ((name.replace("_", "-"), value) for name, value in more.items())
    return (("authorization", f"Bearer {key}"), *extra)


async def call(
    channel: grpc.aio.Channel,
    method: MethodDescriptor,
    request: Message | bytes,
    metadata: Iterable[tuple[str, str]],
    seconds: float = CALL_SECONDS,
) -> Outcome:
    """Call a method; a stream is read for a moment."""
    body = request if isinstance(request, bytes) else request.SerializeToString()
    answer_class = GetMessageClass(method.output_type)
    answers: list[bytes] = []
    try:
        if method.server_streaming:
            start: grpc.aio.UnaryStreamMultiCallable[bytes, bytes]
            start = channel.unary_stream(path_of(method))
            async for answer in _heard(start(body, metadata=tuple(metadata))):
                answers.append(answer)  # noqa: PERF401 - what came before an error is kept
        else:
            unary: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]
            unary = channel.unary_unary(path_of(method))
            answers.append(await unary(body, metadata=tuple(metadata), timeout=seconds))
    except grpc.aio.AioRpcError as error:
        code, told = error.code(), b"".join(_told(error))
    else:
        code, told = grpc.StatusCode.OK, b""
    return Outcome(code, tuple(map(answer_class.FromString, answers)), told)


async def _heard(stream: Any) -> AsyncIterator[bytes]:
    """What a stream says until it is silent for a moment."""
    patience = CALL_SECONDS
    try:
        while True:
            async with asyncio.timeout(patience):
                answer = await stream.read()
            if answer is grpc.aio.EOF:
                return
            yield answer
            patience = STREAM_SECONDS
    except TimeoutError:
        return
    finally:
        stream.cancel()


def _told(error: grpc.aio.AioRpcError) -> Iterator[bytes]:
    yield (error.details() or "").encode()
    for key, value in (*(error.initial_metadata() or ()), *(error.trailing_metadata() or ())):
        yield key.encode()
        yield value if isinstance(value, bytes) else value.encode()
