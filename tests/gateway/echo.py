"""A service built from the contracts that remembers how it was called."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from spojka.api.common.v1 import rules_pb2
from spojka.rpc.server import Call, snake_case
from spojka.telemetry import current_traceparent

SAMPLES = {
    rules_pb2.FORMAT_UUID: "0190a4e2-0000-7000-8000-000000000001",
    rules_pb2.FORMAT_CURRENCY: "CZK",
    rules_pb2.FORMAT_COUNTRY: "CZ",
    rules_pb2.FORMAT_URL: "https://example.com/",
    rules_pb2.FORMAT_DATE: "2026-01-31",
}


@dataclass(frozen=True, slots=True)
class Heard:
    """One call as it arrived behind the edge."""

    method: str
    request: Message
    call: Call
    traceparent: str


class Echo:
    """Answers every method with an empty message, unless a test says otherwise."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.unary: Callable[[Heard], Awaitable[Message]] | None = None
        self.stream: Callable[[Heard], AsyncIterator[Message]] | None = None
        self.cancelled = asyncio.Event()

    def servicer(self, service: ServiceDescriptor) -> object:
        """An object with a handler for every method of `service`."""
        handlers = {
            snake_case(method.name): staticmethod(
                self._streaming(method) if method.server_streaming else self._answering(method)
            )
            for method in service.methods
        }
        return type(service.name, (), handlers)()

    def _hear(self, method: MethodDescriptor, request: Message, call: Call) -> Heard:
        heard = Heard(method.full_name, request, call, current_traceparent())
        self.heard.append(heard)
        return heard

    def _answering(self, method: MethodDescriptor) -> Callable[[Message, Call], Awaitable[Message]]:
        async def handle(request: Message, call: Call) -> Message:
            heard = self._hear(method, request, call)
            try:
                if self.unary is not None:
                    return await self.unary(heard)
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
            return GetMessageClass(method.output_type)()

        return handle

    def _streaming(self, method: MethodDescriptor) -> Callable[[Message, Call], Any]:
        async def handle(request: Message, call: Call) -> AsyncIterator[Message]:
            heard = self._hear(method, request, call)
            try:
                if self.stream is not None:
                    async for answer in self.stream(heard):
                        yield answer
            except (asyncio.CancelledError, GeneratorExit):
                self.cancelled.set()
                raise

        return handle


def fill(message: Message) -> Message:
    """Set every required field of a request to something its rules allow."""
    for field in message.DESCRIPTOR.fields:
        rules = field.GetOptions().Extensions[rules_pb2.rules]
        if not rules.required:
            continue
        if field.message_type is not None:
            inner = getattr(message, field.name)
            fill(inner.add() if field.is_repeated else inner)
            if not field.is_repeated:
                inner.SetInParent()
            continue
        value = _sample(field, rules)
        if field.is_repeated:
            getattr(message, field.name).append(value)
        else:
            setattr(message, field.name, value)
    return message


def _sample(field: Any, rules: rules_pb2.FieldRules) -> object:
    if field.type == FieldDescriptor.TYPE_STRING:
        return SAMPLES.get(rules.format, "1")
    return 1
