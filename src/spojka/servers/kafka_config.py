"""The configuration of the embedded Kafka: one node that is broker and controller, on loopback."""

from pathlib import Path

from spojka.servers.ports import LOOPBACK

NODE_ID = 1
INTERNAL_PARTITIONS = 4
"""Partitions of the offsets and transaction topics: each costs time at start."""


def server_properties(log_dir: Path, port: int, controller_port: int) -> str:
    """Give `server.properties`."""
    settings = {
        "process.roles": "broker,controller",
        "node.id": NODE_ID,
        "controller.quorum.voters": f"{NODE_ID}@{LOOPBACK}:{controller_port}",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": log_dir,
        # Topics are made by Spojka with the settings it wants, never by a mistyped name.
        "auto.create.topics.enable": "false",
        # One node: nothing can be replicated.
        "default.replication.factor": 1,
        "min.insync.replicas": 1,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": INTERNAL_PARTITIONS,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": INTERNAL_PARTITIONS,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
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
