"""A member of a group whose host misses a broker that the rest of the cluster has.

Kafka takes such a member for well: it answers its coordinator, and keeps
partitions whose leader it can't reach. Events in them would wait for the end
of the fault, though another host could handle them.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from spojka.delivery.kafka_config import KafkaConfig

STATISTICS_MS: Final = 5_000
DESCRIBE_SECONDS: Final = 5.0


class Seclusion:
    """Since when leaders of a member's partitions are missed. Told on its poll thread."""

    def __init__(self) -> None:
        """Begin with none missed."""
        self._missed: tuple[tuple[str, ...], float] | None = None

    def watched(self, config: KafkaConfig) -> KafkaConfig:
        """Give the configuration of a consumer that is watched."""
        return {**config, "statistics.interval.ms": STATISTICS_MS, "stats_cb": self.take}

    def take(self, statistics: str) -> None:
        """Take what librdkafka says of a client, as JSON."""
        missed = missed_leaders(json.loads(statistics))
        since = time.monotonic() if self._missed is None else self._missed[1]
        self._missed = (missed, since) if missed else None

    def missed_for(self, seconds: float) -> tuple[str, ...]:
        """The leaders that are missed, where some have been for longer than this; else none."""
        missed = self._missed
        if missed is None or time.monotonic() - missed[1] <= seconds:
            return ()
        return missed[0]


def missed_leaders(statistics: Mapping[str, Any]) -> tuple[str, ...]:
    """The brokers that lead a partition of ours and are not connected, while another one is.

    By librdkafka's STATISTICS.md: a broker's `state` is UP while it is
    connected, a partition is `desired` while it is ours, and its `leader` is
    the id of a broker, as the cluster last said.
    """
    known = {broker["nodeid"]: broker for broker in statistics["brokers"].values()}
    up = {number for number, broker in known.items() if number >= 0 and broker["state"] == "UP"}
    if not up:
        return ()  # Kafka itself is away, or this host: nobody is known to do better.
    leaders = {
        partition["leader"]
        for topic in statistics["topics"].values()
        for partition in topic["partitions"].values()
        if partition["desired"]
    }
    return tuple(sorted(known[number]["nodename"] for number in (leaders - up) & known.keys()))


async def count_members(config: KafkaConfig, group: str) -> int:
    """How many members a group has. Raises KafkaException where its coordinator does not say."""
    return await asyncio.to_thread(_count_members, config, group)


def _count_members(config: KafkaConfig, group: str) -> int:
    own = {name: value for name, value in config.items() if name != "allow.auto.create.topics"}
    with AdminClient(own) as admin:
        asked = admin.describe_consumer_groups([group], request_timeout=DESCRIBE_SECONDS)
        try:
            return len(asked[group].result().members)
        except KafkaException as error:
            if error.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND:
                return 0
            raise
