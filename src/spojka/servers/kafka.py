"""The embedded Kafka: genuine Apache Kafka in KRaft mode, one node, on the machine's Java."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

from spojka.servers.jars import FetchProgress, default_cache, ensure_jars
from spojka.servers.java import find_java
from spojka.servers.kafka_classes import with_recorded_classes
from spojka.servers.kafka_config import Node, server_properties
from spojka.servers.kafka_probe import broker_lacks
from spojka.servers.kafka_program import TOPICS_FOLDER, Installation, environment, new_cluster_id
from spojka.servers.kafka_release import KAFKA_JARS, KAFKA_VERSION
from spojka.servers.ports import LOOPBACK, choose_port
from spojka.servers.server import RECOVERY_TIMEOUT_S
from spojka.supervisor import Child

STOP_GROUP = 90
"""Stopped after the services, before PostgreSQL."""


def no_progress(_progress: FetchProgress) -> None:
    """Be the callback of a caller who shows no progress."""


class EmbeddedKafka:
    """Kafka for one machine; data, cluster id and port of an earlier run are kept.

    Args:
        data: the folder for topics and configuration; made if missing, with its parents.
        log_path: where the broker's log is appended.
        port: the port to use; without one, the remembered or a free one.
        cache: where the jars are kept for the user.
        progress: called from another thread after each jar that was fetched.

    """

    name = "Kafka"

    def __init__(
        self,
        *,
        data: Path,
        log_path: Path,
        port: int | None = None,
        cache: Path | None = None,
        progress: Callable[[FetchProgress], None] = no_progress,
    ) -> None:
        self.data = data.absolute()
        self.log_path = log_path
        self._installation: Installation | None = None
        self._wanted_port = port
        self._cache = cache or default_cache()
        self._progress = progress
        self._port: int | None = None

    @property
    def url(self) -> str:
        """The bootstrap address; known after `prepare`."""
        if self._port is None:
            raise RuntimeError("prepare() the server before asking for its address")
        return f"{LOOPBACK}:{self._port}"

    async def install(self) -> Installation:
        """Find Java, fetch the jars that the cache lacks, record their classes; done once.

        It may take minutes.

        Raises:
            ServerError: there is no Java, or the jars can't be fetched.

        """
        if self._installation is None:
            java = await find_java()
            jars = await asyncio.to_thread(
                ensure_jars,
                f"kafka-{KAFKA_VERSION}",
                KAFKA_JARS,
                cache=self._cache,
                progress=self._progress,
            )
            plain = Installation(java, jars)
            self._installation = await with_recorded_classes(plain, self._cache)
        return self._installation

    async def prepare(self) -> Child:
        """Fetch the jars, format the storage once, choose ports, and tell how to start it.

        Raises:
            ServerError: it can't be had; the message says why and what else can be used.

        """
        installation = await self.install()
        self.data.mkdir(parents=True, exist_ok=True)
        self._port = await choose_port(self.name, self._wanted_port, self.data / "port")
        controller_port = await choose_port(
            "Kafka's controller", None, self.data / "controller-port", unlike=self._port
        )
        properties = self._configure(self._port, controller_port)
        await installation.prepare(self.data, properties, new_cluster_id())
        return Child(
            name=self.name,
            argv=installation.broker(self.data, properties),
            env=environment(),
            log_path=self.log_path,
            ready=self._waits_for,
            ready_timeout_s=RECOVERY_TIMEOUT_S,
            stop_group=STOP_GROUP,
            stop_signal=signal.SIGTERM,
            cwd=self.data,
        )

    def _configure(self, port: int, controller_port: int) -> Path:
        properties = self.data / "server.properties"
        node = Node(1, LOOPBACK, port, controller_port)
        properties.write_text(server_properties(self.data / TOPICS_FOLDER, node, [node]))
        return properties

    async def _waits_for(self) -> str | None:
        return await broker_lacks(self.url)
