"""What the tests of a group's members share: a member, and when its group is done."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from spojka.database import Database
from spojka.delivery.consumer import Consumer
from spojka.delivery.handler import ConsumerPolicy, Kind, Route
from spojka.delivery.health import Health
from spojka.delivery.kafka_config import KafkaConfig
from spojka.settings import Settings
from spojka.topics import Topic
from tests.delivery.conftest import GROUP
from tests.delivery.scenes import PATIENCE_SECONDS, TYPE, Recorder, committed
from tests.waiting import until

PARTITIONS = 4
POLICY = ConsumerPolicy(retry_first_seconds=0.01, retry_max_seconds=0.05, unclear_attempts_max=3)


def orders(settings: Settings) -> str:
    return Topic.ORDERS.full_name(settings.topic_prefix)


def group_id(settings: Settings) -> str:
    return f"{settings.topic_prefix}.{GROUP}"


@asynccontextmanager
async def consuming(
    database: Database,
    settings: Settings,
    handler: Recorder,
    *,
    kind: Kind = Kind.FACT,
    health: Health | None = None,
) -> AsyncIterator[Consumer]:
    consumer = Consumer(
        GROUP,
        topics=[Topic.ORDERS],
        routes=[Route(frozenset({TYPE}), handler, kind)],
        database=database,
        settings=settings,
        health=health or Health(),
        policy=POLICY,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def until_finished(
    kafka: KafkaConfig,
    settings: Settings,
    messages: int,
    topic: str = "",
    within_seconds: float = PATIENCE_SECONDS,
) -> None:
    """Wait until the group has committed the offset behind so many messages."""

    async def finished() -> bool:
        done = await asyncio.to_thread(
            committed, kafka, group_id(settings), topic or orders(settings), PARTITIONS
        )
        assert done <= messages, f"{done} messages are finished, not {messages}"
        return done == messages

    await until(finished, f"{messages} messages are finished", within_seconds=within_seconds)
