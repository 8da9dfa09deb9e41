"""Which leaders a client misses, by its own statistics (librdkafka's STATISTICS.md)."""

import json
from typing import Any

from confluent_kafka import Consumer as Client

from spojka.delivery.kafka_config import KafkaConfig
from spojka.delivery.seclusion import Seclusion, count_members, missed_leaders
from spojka.settings import Settings
from spojka.topics import Topic
from tests.waiting import until


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
