"""The configuration of the embedded Kafka: nodes that are broker and controller at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

REPLICAS_MAX = 3
"""Of internal topics: as many as the cluster has nodes, up to this many."""
INTERNAL_PARTITIONS = 4
"""Partitions of the offsets and transaction topics: each costs time at start."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a cluster: its number, and where clients and the other nodes reach it."""

    id: int
    host: str
    port: int
    controller_port: int

    @property
    def address(self) -> str:
        """Where clients reach it."""
        return f"{self.host}:{self.port}"

    @property
    def voter(self) -> str:
        """Where the other nodes reach its controller, as the quorum's setting wants it."""
        return f"{self.id}@{self.host}:{self.controller_port}"


def server_properties(log_dir: Path, node: Node, cluster: Sequence[Node]) -> str:
    """Give `server.properties` of a node of a cluster of one or several.

    Where there are three nodes, one may be lost: three have every record, two must.
    """
    replicas = min(REPLICAS_MAX, len(cluster))
    in_sync = max(1, replicas - 1)
    settings = {
        "process.roles": "broker,controller",
        "node.id": node.id,
        "controller.quorum.voters": ",".join(each.voter for each in cluster),
        "listeners": f"PLAINTEXT://{node.address},CONTROLLER://{node.host}:{node.controller_port}",
        "advertised.listeners": f"PLAINTEXT://{node.address}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": log_dir,
        # Topics are made by Spojka with the settings it wants, never by a mistyped name.
        "auto.create.topics.enable": "false",
        "default.replication.factor": replicas,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": replicas,
        "offsets.topic.num.partitions": INTERNAL_PARTITIONS,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": in_sync,
        "transaction.state.log.num.partitions": INTERNAL_PARTITIONS,
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": in_sync,
        "share.coordinator.state.topic.num.partitions": INTERNAL_PARTITIONS,
        # A killed broker may register again only once its former session has ended (usually 9 s).
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 500,
        # Consumers join at once, and a killed one is replaced within seconds.
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 6000,
        # Compaction buffers of 128 MB would be a quarter of the heap.
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "num.recovery.threads.per.data.dir": 2,
        "telemetry.max.bytes": 1024 * 1024,
    }
    return "".join(f"{key}={_escaped(str(value))}\n" for key, value in settings.items())


def log4j_configuration() -> str:
    """Give `log4j2.properties`: warnings and the start, to standard output (the child's log)."""
    settings = {
        "status": "error",
        "appender.out.type": "Console",
        "appender.out.name": "out",
        "appender.out.layout.type": "PatternLayout",
        "appender.out.layout.pattern": "%d{ISO8601} %-5p [%c{1}] %m%n",
        "rootLogger.level": "warn",
        "rootLogger.appenderRef.out.ref": "out",
        "logger.server.name": "kafka.server.KafkaRaftServer",
        "logger.server.level": "info",
        "logger.app.name": "org.apache.kafka.common.utils.AppInfoParser",
        "logger.app.level": "info",
    }
    return "".join(f"{key}={value}\n" for key, value in settings.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\")
