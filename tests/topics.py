"""Topics of a test's own: made for it, written and read beside the service, deleted."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final, TypeVar
from uuid import UUID, uuid4

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from google.protobuf.message import Message

from spojka.delivery import headers as names
from spojka.delivery import reader
from spojka.delivery.admin import all_topics, ensure_topics
from spojka.delivery.headers import event_headers, source_of
from spojka.delivery.kafka_config import kafka_config
from spojka.settings import Settings
from spojka.telemetry import new_traceparent
from spojka.topics import Topic

KAFKA_SECONDS: Final = 60.0
PARTITIONS: Final = 2

MessageT = TypeVar("MessageT", bound=Message)


def with_own_topics(settings: Settings, kafka_bootstrap: str) -> Settings:
    """The settings with a prefix that nobody else has, and few partitions."""
    return settings.model_copy(
        update={
            "kafka_bootstrap": kafka_bootstrap,
            "topic_prefix": f"t{secrets.token_hex(4)}",
            "stock_partitions": PARTITIONS,
            "orders_partitions": PARTITIONS,
            "payments_partitions": PARTITIONS,
        }
    )


@asynccontextmanager
async def topics(
    settings: Settings, schema: str, groups: Sequence[str] = ()
) -> AsyncIterator[None]:
    """All that a service needs of topics, for the time of a block."""
    await ensure_topics(settings, groups=groups, schemas=[schema])
    try:
        yield
    finally:
        specs = all_topics(settings, groups=groups, schemas=[schema])
        await asyncio.to_thread(_delete, settings, [spec.name for spec in specs])


def _delete(settings: Settings, topic_names: list[str]) -> None:
    with AdminClient({"bootstrap.servers": settings.required_bootstrap()}) as admin:
        for deleted in admin.delete_topics(topic_names).values():
            deleted.result(KAFKA_SECONDS)


def write(
    settings: Settings, topic: Topic, key: str, message: Message, event_id: UUID | None = None
) -> None:
    """Write an event as its owner does."""
    producer = Producer({"bootstrap.servers": settings.required_bootstrap()})
    producer.produce(
        topic.full_name(settings.topic_prefix),
        key=key,
        value=message.SerializeToString(),
        headers=event_headers(
            source=source_of("tests"),
            event_id=event_id or uuid4(),
            event_type=message.DESCRIPTOR.full_name,
            time=datetime.now(UTC),
            traceparent=new_traceparent(),
        ),
    )
    assert producer.flush(KAFKA_SECONDS) == 0


def committed_events(
    settings: Settings, topic: Topic, key: str, classes: Sequence[type[MessageT]]
) -> list[MessageT]:
    """Every committed event under a key or, with a tenant alone, under all of its keys. Blocks."""
    by_type = {each.DESCRIPTOR.full_name: each for each in classes}
    name, found = topic.full_name(settings.topic_prefix), []
    with reader.opened(kafka_config(settings, "tests")) as consumer:
        for partition in range(PARTITIONS):
            for message in reader.read(consumer, name, partition, 0):
                if (message.key() or b"").startswith(key.encode()):
                    headers = dict(message.headers() or [])
                    type_ = headers[names.TYPE]
                    assert isinstance(type_, bytes)
                    found.append(by_type[type_.decode()].FromString(message.value() or b""))
    return found
