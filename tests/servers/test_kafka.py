"""The embedded Kafka is the real one, and what it acknowledged survives."""

import asyncio
import os
import signal
import socket
import uuid
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, Message, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from spojka.servers.kafka import EmbeddedKafka
from spojka.servers.kafka_config import Node, server_properties
from spojka.servers.ports import LOOPBACK, PortTakenError
from spojka.supervisor import RestartPolicy, State, Supervisor

TOPIC = "levels"
PARTITIONS = 3
WITHIN_S = 60.0


def _kafka(home: Path, port: int | None = None) -> EmbeddedKafka:
    return EmbeddedKafka(data=home / "kafka", log_path=home / "kafka.log", port=port)


def _create_topic(bootstrap: str) -> None:
    topic = NewTopic(TOPIC, PARTITIONS, 1, config={"cleanup.policy": "compact"})
    admin = AdminClient({"bootstrap.servers": bootstrap})  # kept: its end would cancel the request
    admin.create_topics([topic])[TOPIC].result(WITHIN_S)


def _cleanup_policy(bootstrap: str) -> str:
    resource = ConfigResource(ResourceType.TOPIC, TOPIC)
    admin = AdminClient({"bootstrap.servers": bootstrap})
    settings = admin.describe_configs([resource])[resource].result(WITHIN_S)
    return str(settings["cleanup.policy"].value)


def _produce_in_transactions(bootstrap: str) -> None:
    """Commit one transaction and abort another."""
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": "lane-1"})
    producer.init_transactions(WITHIN_S)
    for value, commit in ((b"committed", True), (b"aborted", False)):
        producer.begin_transaction()
        producer.produce(TOPIC, value, key=b"k", headers={"ce_id": b"1"})
        producer.flush(WITHIN_S)
        if commit:
            producer.commit_transaction(WITHIN_S)
        else:
            producer.abort_transaction(WITHIN_S)


def _read_committed(bootstrap: str) -> list[Message]:
    """Read with a new group of the kind the services use, up to the first message and its peers."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": uuid.uuid4().hex,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "session.timeout.ms": 6000,
            "partition.assignment.strategy": "cooperative-sticky",
            "enable.partition.eof": True,
            "log_level": 0,  # a refused connection is expected while the broker restarts
        }
    )
    consumer.subscribe([TOPIC])
    found: list[Message] = []
    ends: set[int | None] = set()
    try:
        while len(ends) < PARTITIONS:
            message = consumer.poll(WITHIN_S)
            assert message is not None, "the group did not reach the end of the topic"
            error = message.error()
            if error is None:
                found.append(message)
            else:
                assert error.code() == KafkaError._PARTITION_EOF
                ends.add(message.partition())
    finally:
        consumer.close()
    return found


async def test_transactions_groups_and_topics_survive_restart_and_kill_9(home: Path) -> None:
    """One story on one broker, since each start of it costs seconds."""
    first = _kafka(home)
    async with Supervisor() as supervisor:
        await supervisor.start([await first.prepare()])
        _create_topic(first.url)
        _produce_in_transactions(first.url)
        unknown = AdminClient({"bootstrap.servers": first.url}).list_topics("mistyped", WITHIN_S)
        error = unknown.topics["mistyped"].error
        assert error is not None
        assert error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART
    cluster_id = (first.data / "cluster-id").read_text()

    again = _kafka(home)
    child = await again.prepare()
    states: list[State] = []
    async with Supervisor(
        lambda status: states.append(status.state), RestartPolicy(first_delay_s=0.05)
    ) as supervisor:
        await supervisor.start([child])
        assert (again.data / "cluster-id").read_text() == cluster_id
        assert again.url == first.url
        assert _cleanup_policy(again.url) == "compact"
        pid = supervisor.statuses()[0].pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        # In a thread: the supervisor restarts the broker on this event loop meanwhile.
        messages = await asyncio.to_thread(_read_committed, again.url)
    assert [(each.key(), each.value()) for each in messages] == [(b"k", b"committed")]
    assert messages[0].headers() == [("ce_id", b"1")]


def test_listens_on_loopback_alone(home: Path) -> None:
    node = Node(1, LOOPBACK, port=1, controller_port=2)
    properties = server_properties(home, node, [node])
    listeners = [
        line for line in properties.splitlines()
        if line.startswith(("listeners=", "advertised.listeners="))
    ]  # fmt: skip
    assert len(listeners) == 2
    for line in listeners:
        for listener in line.partition("=")[2].split(","):
            assert listener.partition("://")[2].startswith("127.0.0.1:")


@pytest.mark.parametrize(
    ("nodes", "replicas", "in_sync"), [(1, 1, 1), (2, 2, 1), (3, 3, 2), (5, 3, 2)]
)
def test_a_cluster_of_three_keeps_records_where_one_node_is_lost(
    home: Path, nodes: int, replicas: int, in_sync: int
) -> None:
    cluster = [Node(number, f"10.0.0.{number}", 9092, 9093) for number in range(1, nodes + 1)]
    text = server_properties(home, cluster[0], cluster)
    found = dict(line.split("=", 1) for line in text.splitlines())
    for name in ("default", "offsets.topic", "transaction.state.log"):
        assert int(found[f"{name}.replication.factor"]) == replicas
    assert int(found["min.insync.replicas"]) == in_sync
    assert int(found["transaction.state.log.min.isr"]) == in_sync
    assert found["controller.quorum.voters"].count("@") == nodes


async def test_names_a_taken_port(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"Port {port} .* Kafka, is taken"):
            await _kafka(home, port).prepare()
