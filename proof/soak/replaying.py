"""Events that a group had, delivered to it alone once more: through its replay topic."""

import asyncio
from collections.abc import Mapping, Sequence
from random import Random
from typing import Final

from confluent_kafka import Message

from spojka.delivery import reader
from spojka.delivery.acknowledged import AcknowledgedProducer, Record
from spojka.delivery.dead_letter import own_headers
from spojka.delivery.kafka_config import kafka_config
from spojka.errors import Unavailable
from spojka.settings import Settings
from spojka.topics import Topic, replay_topic
from tests.faults.readers import PARTITIONS

PATIENCE_SECONDS: Final = 240.0
PAUSE_SECONDS: Final = 1.0
HEARD: Final[Mapping[str, Sequence[Topic]]] = {
    "stock": (Topic.ORDERS,),
    "orders": (Topic.IMPORTS, Topic.PAYMENTS),
    "payments": (Topic.ORDERS, Topic.NOTIFICATIONS),
}
"""Of each group: the topics that it hears."""


async def replay(settings: Settings, group: str, events: int, random: Random) -> int:
    """Replay so many events of chance; waits for a Kafka that is away. Returns how many."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                return await _replay(settings, group, events, random)
            except Unavailable:
                await asyncio.sleep(PAUSE_SECONDS)


async def _replay(settings: Settings, group: str, events: int, random: Random) -> int:
    heard = await asyncio.to_thread(_read, settings, HEARD[group])
    chosen = random.sample(heard, min(events, len(heard)))
    producer = AcknowledgedProducer(kafka_config(settings, "soak"))
    try:
        for message in chosen:
            name = replay_topic(settings.topic_prefix, group)
            await producer.send(Record(name, message.key(), message.value(), own_headers(message)))
    finally:
        await producer.close()
    return len(chosen)


def _read(settings: Settings, topics: Sequence[Topic]) -> list[Message]:
    with reader.opened(kafka_config(settings, "soak")) as consumer:
        return [
            message
            for topic in topics
            for partition in range(getattr(settings, PARTITIONS[topic]))
            for message in reader.read(
                consumer, topic.full_name(settings.topic_prefix), partition, 0
            )
        ]
