"""Kafka's classes as the Java runtime had them once they were loaded (JEP 350).

A node that maps them starts in half the time, and on half the processor. They
are recorded once for each Java runtime, by a node of their own, and kept beside
the jars. Everything goes on without them.
"""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import structlog

from spojka.servers.java import Java
from spojka.servers.kafka_config import Node, server_properties
from spojka.servers.kafka_probe import broker_lacks
from spojka.servers.kafka_program import TOPICS_FOLDER, Installation, environment, new_cluster_id
from spojka.servers.ports import LOOPBACK, choose_port
from spojka.servers.server import ServerError
from spojka.supervisor import Child, RestartPolicy, Supervisor, SupervisorError

READY_TIMEOUT_S: Final = 120.0
RECORD_TIMEOUT_S: Final = 120.0
"""For the end of the node, when it writes them."""
ONE_START: Final = RestartPolicy(starts_max=1)

log = structlog.get_logger()


async def with_recorded_classes(plain: Installation, cache: Path) -> Installation:
    """Give the installation with its classes, recording them first where that was not done yet.

    An empty file stands for a Java runtime that can't keep classes (one that was
    cut down to what Kafka needs), so that it is not asked again at each start.
    """
    classes = cache / f"{plain.jars.name}-{_fingerprint(plain.java)}.jsa"
    if not classes.exists():
        try:
            with TemporaryDirectory(prefix="recording-", dir=cache) as folder:
                recorded = Path(folder) / classes.name
                await _record(plain, Path(folder), recorded)
                recorded.touch()
                recorded.replace(classes)
        except (ServerError, SupervisorError, OSError) as error:
            log.warning("Kafka starts slower: its classes were not recorded", error=str(error))
            return plain
    return replace(plain, classes=classes) if classes.stat().st_size else plain


def _fingerprint(java: Java) -> str:
    # Another build of the same version would not take the classes, only say so at each start.
    return f"java-{java.version}-{sha256(bytes(java.program.resolve())).hexdigest()[:8]}"


async def _record(installation: Installation, data: Path, recorded: Path) -> None:
    node = Node(
        1,
        LOOPBACK,
        port := await choose_port("Kafka, recording", None, data / "port"),
        await choose_port("Kafka, recording", None, data / "controller-port", unlike=port),
    )
    properties = data / "server.properties"
    properties.write_text(server_properties(data / TOPICS_FOLDER, node, [node]))
    await installation.prepare(data, properties, new_cluster_id())
    child = Child(
        name="Kafka, recording its classes",
        argv=installation.broker(data, properties, record=recorded),
        env=environment(),
        log_path=data / "kafka.log",
        ready=lambda: broker_lacks(f"{LOOPBACK}:{port}"),
        ready_timeout_s=READY_TIMEOUT_S,
        stop_timeout_s=RECORD_TIMEOUT_S,
        cwd=data,
    )
    async with Supervisor(policy=ONE_START) as supervisor:
        await supervisor.start([child])
