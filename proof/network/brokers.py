"""A Kafka of three brokers, each on a host of its own, each lost and brought back alone."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from proof.network.lan import Lan, Port, Switch, on
from spojka.servers.kafka_config import Node, server_properties
from spojka.servers.kafka_probe import broker_lacks
from spojka.servers.kafka_program import (
    TOPICS_FOLDER,
    Installation,
    environment,
    new_cluster_id,
)
from spojka.supervisor import Child, Supervisor
from tests.faults.story import Story

BROKERS: Final = 3
FIRST_NUMBER: Final = 21
CLIENT_PORT: Final = 9092
CONTROLLER_PORT: Final = 9093
PATIENCE_SECONDS: Final = 300.0
READY_SECONDS: Final = 240.0
"""Three of them start at once, on a machine that may be small."""
METADATA_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 0.2
_TRANSACTIONS: Final = "__transaction_state"


@dataclass(slots=True)
class Broker:
    """One broker: a controller, too."""

    node: Node
    port: Port
    child: Child
    story: Story
    _supervisor: Supervisor = field(default_factory=Supervisor)

    async def start(self) -> None:
        """Start it and wait until it serves."""
        self._supervisor = Supervisor(self.story.changed)
        await self._supervisor.start([self.child])

    async def kill(self) -> None:
        """Kill it, and keep it down."""
        pid = self._supervisor.statuses()[0].pid
        assert pid is not None, "it does not run"
        os.kill(pid, signal.SIGKILL)
        await self.stop()

    async def stop(self) -> None:
        """End it in order."""
        await self._supervisor.stop()


@dataclass(frozen=True, slots=True)
class Partition:
    """Which brokers have a partition."""

    leader: int
    in_sync: frozenset[int]
    replicas: frozenset[int]


@dataclass(slots=True)
class Cluster:
    """All brokers."""

    brokers: Sequence[Broker]
    story: Story

    @property
    def bootstrap(self) -> str:
        """Where clients begin."""
        return ",".join(broker.node.address for broker in self.brokers)

    async def start(self) -> None:
        """Start all at once: one alone has no quorum and serves nobody."""
        await asyncio.gather(*(broker.start() for broker in self.brokers))

    async def stop(self) -> None:
        """End all in order, one after another while there is a quorum, then the rest at once."""
        await asyncio.gather(*(broker.stop() for broker in self.brokers))

    def with_id(self, number: int) -> Broker:
        """The broker of a number."""
        return next(broker for broker in self.brokers if broker.node.id == number)

    async def partitions(self) -> Mapping[tuple[str, int], Partition]:
        """Where every partition is now. Raises KafkaException where nobody tells."""
        return await asyncio.to_thread(_partitions, self.bootstrap)

    async def coordinator(self, transactional_id: str) -> Broker:
        """The broker that coordinates a producer's transactions."""
        known = await self.partitions()
        count = sum(1 for topic, _ in known if topic == _TRANSACTIONS)
        place = (_TRANSACTIONS, abs(_java_hash(transactional_id)) % count)
        return self.with_id(known[place].leader)

    async def until_whole(self) -> None:
        """Wait until every partition has all its replicas in sync. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    known = await self.partitions()
                except KafkaException as error:
                    self.story.note(f"Kafka does not tell its partitions: {error}")
                else:
                    if all(each.in_sync == each.replicas for each in known.values()):
                        self.story.note("every partition is in sync on all its brokers")
                        return
                await asyncio.sleep(LOOK_SECONDS)


async def laid_out(
    lan: Lan, switch: Switch, installation: Installation, folder: Path, story: Story
) -> Cluster:
    """Put the brokers on hosts of the switch; nothing runs yet."""
    nodes = [
        Node(number, switch.address(FIRST_NUMBER + number - 1), CLIENT_PORT, CONTROLLER_PORT)
        for number in range(1, BROKERS + 1)
    ]
    cluster_id = new_cluster_id()
    brokers = []
    for node in nodes:
        host = f"kafka-{node.id}"
        await lan.add_host(host)
        port = await lan.plug(host, switch, FIRST_NUMBER + node.id - 1)
        child = await _child(host, node, nodes, installation, folder, cluster_id)
        brokers.append(Broker(node, port, child, story))
    return Cluster(brokers, story)


async def _child(
    host: str,
    node: Node,
    nodes: Sequence[Node],
    installation: Installation,
    folder: Path,
    cluster_id: str,
) -> Child:
    data = folder / host
    data.mkdir(parents=True)
    properties = data / "server.properties"
    properties.write_text(server_properties(data / TOPICS_FOLDER, node, nodes))
    await installation.prepare(data, properties, cluster_id)
    return Child(
        name=host,
        argv=on(host, *installation.broker(data, properties)),
        env=environment(),
        log_path=folder / "logs" / f"{host}.log",
        ready=lambda: broker_lacks(node.address),
        ready_timeout_s=READY_SECONDS,
        cwd=data,
    )


def _partitions(bootstrap: str) -> Mapping[tuple[str, int], Partition]:
    with AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}) as admin:
        topics = admin.list_topics(timeout=METADATA_SECONDS).topics
    return {
        (name, number): Partition(found.leader, frozenset(found.isrs), frozenset(found.replicas))
        for name, topic in topics.items()
        for number, found in topic.partitions.items()
    }


def _java_hash(text: str) -> int:
    """Hash as Java's String.hashCode does, by which Kafka finds a coordinator's partition."""
    value = 0
    for character in text:
        value = (31 * value + ord(character)) & 0xFFFFFFFF
    return value - (1 << 32) if value >= 1 << 31 else value
