"""Following topics live, for people: new events decoded to JSON."""

import asyncio
import pkgutil
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from importlib import import_module
from typing import Final

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.message import DecodeError

import spojka.api
from spojka.delivery import headers as names
from spojka.delivery import reader
from spojka.delivery.decode import headers_of
from spojka.delivery.kafka_config import KafkaConfig
from spojka.errors import NotFound
from spojka.telemetry import TRACEPARENT

POLL_SECONDS: Final = 0.2
BATCH_MAX_MESSAGES: Final = 200


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """One event as a person reads it. `json` is None for a tombstone or an unknown type."""

    topic: str
    partition: int
    offset: int
    time: datetime
    id: str
    type: str
    key: str
    traceparent: str
    json: str | None


async def tail(
    kafka: KafkaConfig, topics: Sequence[str], *, began: asyncio.Event | None = None
) -> AsyncGenerator[SeenEvent]:
    """Give every event that is committed to the topics after `began` is set, without end.

    Close the iterator (`aclosing`) to stop. Raises NotFound for a missing
    topic, Unavailable when Kafka does not answer at first; later it waits.
    """
    # One thread owns the consumer: a cancelled caller leaves it polling, and closing comes after.
    thread = ThreadPoolExecutor(1, thread_name_prefix="tail")
    run = partial(asyncio.get_running_loop().run_in_executor, thread)
    consumer = reader.make(kafka)
    try:
        await run(_assign_end, consumer, topics)
        if began is not None:
            began.set()
        while True:
            for message in await run(_poll, consumer):
                yield _seen(message)
    finally:
        thread.submit(consumer.close)
        thread.shutdown(wait=False)


@reader.translated()
def _assign_end(consumer: Consumer, topics: Sequence[str]) -> None:
    known = consumer.list_topics(timeout=reader.ANSWER_TIMEOUT_SECONDS).topics
    missing = [topic for topic in topics if topic not in known or known[topic].error is not None]
    if missing:
        raise NotFound(f"no such topic: {', '.join(missing)}")
    ends = []
    for topic in topics:
        for partition in known[topic].partitions:
            # An offset, not OFFSET_END: what is written from now on is seen, however late we fetch.
            _, high = reader.bounds(consumer, topic, partition)
            ends.append(TopicPartition(topic, partition, high))
    consumer.assign(ends)


@reader.translated()
def _poll(consumer: Consumer) -> list[Message]:
    first = consumer.poll(POLL_SECONDS)
    if first is None:
        return []
    messages = [first, *consumer.consume(BATCH_MAX_MESSAGES, timeout=0)]
    for message in messages:
        error = message.error()
        if error is not None and error.fatal():
            raise KafkaException(error)
    return [message for message in messages if message.error() is None]


def _seen(message: Message) -> SeenEvent:
    headers = headers_of(message)
    type_ = headers.get(names.TYPE, "")
    return SeenEvent(
        topic=message.topic() or "",
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        time=datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC),
        id=headers.get(names.ID, ""),
        type=type_,
        key=(message.key() or b"").decode("utf-8", "replace"),
        traceparent=headers.get(TRACEPARENT, ""),
        json=to_json(type_, message.value()),
    )


def to_json(type_: str, value: bytes | None) -> str | None:
    """Decode a value by its event type; None when it is absent, unknown or not such a message."""
    _import_contracts()
    if value is None:
        return None
    try:
        descriptor = descriptor_pool.Default().FindMessageTypeByName(type_)
        message = message_factory.GetMessageClass(descriptor).FromString(value)
    except (KeyError, DecodeError):
        return None
    return json_format.MessageToJson(message, preserving_proto_field_name=True, indent=None)


@cache
def _import_contracts() -> None:
    """Make every contract known to the descriptor pool, which knows what was imported."""
    for module in pkgutil.walk_packages(spojka.api.__path__, f"{spojka.api.__name__}."):
        if module.name.endswith("_pb2"):
            import_module(module.name)
