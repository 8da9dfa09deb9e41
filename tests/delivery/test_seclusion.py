"""A member that misses a leader: by librdkafka's STATISTICS.md, and on a Kafka of two brokers."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer as Client
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from spojka.database import Database
from spojka.delivery.health import Health
from spojka.delivery.kafka_config import KafkaConfig, kafka_config
from spojka.delivery.seclusion import Seclusion, count_members, missed_leaders
from spojka.settings import Settings
from spojka.topics import Topic
from tests.delivery.conftest import GROUP
from tests.delivery.members import PARTITIONS, consuming, group_id, orders, until_finished
from tests.delivery.scenes import Recorder, commit, event, publish
from tests.delivery.two_brokers import two_brokers
from tests.line import Line
from tests.topics import topics
from tests.waiting import until

FELT_SECONDS = 60.0
"""In which a member notices, leaves, and others have its partitions."""


def broker(number: int, state: str, **more: Any) -> dict[str, Any]:
    return {"nodeid": number, "nodename": f"kafka-{number}:9092", "state": state, **more}


def statistics(brokers: list[dict[str, Any]], leaders: dict[int, bool]) -> dict[str, Any]:
    partitions = {
        str(place): {"leader": leader, "desired": ours}
        for place, (leader, ours) in enumerate(leaders.items())
    }
    return {
        "brokers": {f"{each['nodename']}/{each['nodeid']}": each for each in brokers},
        "topics": {"orders.v1": {"partitions": partitions}},
    }


def test_a_leader_that_is_not_connected_is_missed() -> None:
    brokers = [broker(1, "UP"), broker(2, "TRY_CONNECT"), broker(3, "DOWN")]
    told = statistics(brokers, {1: True, 2: True, 3: True})
    assert missed_leaders(told) == ("kafka-2:9092", "kafka-3:9092")


def test_a_broker_that_leads_nothing_of_ours_is_not_missed() -> None:
    brokers = [broker(1, "UP"), broker(2, "DOWN")]
    assert missed_leaders(statistics(brokers, {1: True, 2: False})) == ()


def test_where_no_broker_is_reached_none_is_missed_more_than_another() -> None:
    brokers = [broker(1, "DOWN"), broker(2, "CONNECT"), broker(-1, "UP")]
    assert missed_leaders(statistics(brokers, {1: True, 2: True})) == ()


def test_a_partition_whose_leader_nobody_knows_is_not_missed() -> None:
    assert missed_leaders(statistics([broker(1, "UP")], {-1: True, 7: True})) == ()


def test_what_is_missed_again_and_again_is_missed_since_the_first_time() -> None:
    seclusion = Seclusion()
    missed = statistics([broker(1, "UP"), broker(2, "DOWN")], {2: True})
    seclusion.take(json.dumps(missed))
    seclusion.take(json.dumps(missed))
    assert seclusion.missed_for(-1) == ("kafka-2:9092",)
    assert seclusion.missed_for(60) == ()
    seclusion.take(json.dumps(statistics([broker(1, "UP"), broker(2, "UP")], {2: True})))
    assert seclusion.missed_for(-1) == ()


async def test_a_real_client_says_it_in_these_words(kafka: KafkaConfig, settings: Settings) -> None:
    told: list[str] = []
    topic = Topic.ORDERS.full_name(settings.topic_prefix)
    client = Client(
        {**kafka, "group.id": topic, "statistics.interval.ms": 100, "stats_cb": told.append}
    )
    client.subscribe([topic])

    def brokers_and_partitions() -> bool:
        client.poll(0.05)
        if not told:
            return False
        said = json.loads(told[-1])
        partitions = said["topics"].get(topic, {"partitions": {}})["partitions"].values()
        ours = [each["leader"] for each in partitions if each["desired"]]
        up = {
            each["nodeid"]
            for each in said["brokers"].values()
            if each["state"] == "UP" and each["nodename"]
        }
        return bool(ours) and set(ours) <= up

    await until(brokers_and_partitions, "the client told of its partitions' leaders")
    assert await count_members(kafka, topic) == 1
    client.close()
    assert await count_members(kafka, topic) == 0
    assert await count_members(kafka, f"{topic}.nobody") == 0


@dataclass(frozen=True, slots=True)
class Ways:
    """A group's two ways to the brokers; the far one can spare the line to the orders' leader."""

    near: Settings
    far: Settings
    kafka: KafkaConfig
    line: Line


@pytest.fixture
async def ways(settings: Settings, schema: str, tmp_path: Path) -> AsyncIterator[Ways]:
    async with two_brokers(tmp_path) as brokers:
        near = settings.model_copy(update={"kafka_bootstrap": brokers.near})
        far = settings.model_copy(update={"kafka_bootstrap": brokers.far})
        kafka = kafka_config(near, "tests")
        leader = await lead_orders_apart(kafka, near)
        async with topics(near, schema, [GROUP]):
            yield Ways(near, far, kafka, brokers.lines[leader - 1])


async def lead_orders_apart(kafka: KafkaConfig, settings: Settings) -> int:
    """Let the broker lead all orders that does not keep the group; returns its number.

    Who misses the one that keeps it has left the group anyhow.
    """
    group, some = group_id(settings), f"{settings.topic_prefix}.some"
    await asyncio.to_thread(_create, kafka, NewTopic(some, 1))
    offsets = [TopicPartition(some, 0, 0)]
    await until(lambda: asyncio.to_thread(commit, kafka, group, offsets), "the group is kept")
    leader = 3 - await asyncio.to_thread(_coordinator, kafka, group)
    apart = NewTopic(orders(settings), PARTITIONS, replica_assignment=[[leader]] * PARTITIONS)
    await asyncio.to_thread(_create, kafka, apart)
    return leader


def _create(kafka: KafkaConfig, topic: NewTopic) -> None:
    with AdminClient({"bootstrap.servers": kafka["bootstrap.servers"]}) as admin:
        admin.create_topics([topic])[topic.topic].result(FELT_SECONDS)


def _coordinator(kafka: KafkaConfig, group: str) -> int:
    with AdminClient({"bootstrap.servers": kafka["bootstrap.servers"]}) as admin:
        found = admin.describe_consumer_groups([group])[group].result(FELT_SECONDS)
    return int(found.coordinator.id)


async def test_a_member_that_misses_a_leader_leaves_its_partitions_to_the_others(
    database: Database, ways: Ways
) -> None:
    events = [event(f"key-{number}", number) for number in range(40)]
    health = Health()
    async with (
        consuming(database, ways.far, Recorder(database), health=health) as secluded,
        consuming(database, ways.near, Recorder(database)) as other,
    ):
        await until(lambda: bool(secluded.partitions and other.partitions), "both have some")
        await ways.line.cut()
        await publish(ways.kafka, orders(ways.near), events)
        await until_finished(ways.kafka, ways.near, len(events), within_seconds=FELT_SECONDS)
        assert not secluded.partitions
        (trouble,) = health.troubles
        assert trouble.reason.startswith(f"left the group to others: 127.0.0.1:{ways.line.port}")
        await ways.line.lay()
        await until(lambda: bool(secluded.partitions), "it is a member again")
    assert len(await Recorder(database).effects()) == len(events)


async def test_a_member_that_misses_a_leader_comes_back_where_nobody_else_is_left(
    database: Database, ways: Ways
) -> None:
    async with consuming(database, ways.far, Recorder(database)) as secluded:
        async with consuming(database, ways.near, Recorder(database)) as other:
            await until(lambda: bool(secluded.partitions and other.partitions), "both have some")
            await ways.line.cut()
            await until(lambda: not secluded.partitions, "it left", within_seconds=FELT_SECONDS)
        await until(lambda: bool(secluded.partitions), "nobody else is left")
