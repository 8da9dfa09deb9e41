"""The embedded Kafka: genuine Apache Kafka in KRaft mode, one node, on the machine's Java."""

import asyncio
import os
import shutil
import signal
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from spojka.servers.jars import FetchProgress, default_cache, ensure_jars
from spojka.servers.java import Java, find_java
from spojka.servers.kafka_config import log4j_configuration, server_properties
from spojka.servers.kafka_probe import broker_lacks
from spojka.servers.kafka_release import KAFKA_JARS, KAFKA_VERSION
from spojka.servers.ports import LOOPBACK, choose_port
from spojka.servers.server import ServerError
from spojka.supervisor import Child

HEAP = "512m"
FORMAT_TIMEOUT_S = 60.0
STOP_GROUP = 90
"""Stopped after the services, before PostgreSQL."""


def no_progress(_progress: FetchProgress) -> None:
    """Be the callback of a caller who shows no progress."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What Kafka runs on: a Java runtime, and the folder of the jars."""

    java: Java
    jars: Path


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
        """Find Java and fetch the jars that the cache lacks; done once, may take minutes.

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
            self._installation = Installation(java, jars)
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
        if not self._is_formatted():
            await self._format(installation, properties)
        return Child(
            name=self.name,
            argv=(*self._java(installation), "kafka.Kafka", str(properties)),
            env=_environment(),
            log_path=self.log_path,
            ready=self._waits_for,
            stop_group=STOP_GROUP,
            stop_signal=signal.SIGTERM,
            cwd=self.data,
        )

    def _configure(self, port: int, controller_port: int) -> Path:
        properties = self.data / "server.properties"
        properties.write_text(server_properties(self.data / "topics", port, controller_port))
        (self.data / "log4j2.properties").write_text(log4j_configuration())
        return properties

    def _java(self, installation: Installation) -> tuple[str, ...]:
        return (
            str(installation.java.program),
            f"-Xmx{HEAP}",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",  # starts a quarter sooner on half the CPU, as fast in use
            "-XX:+ExitOnOutOfMemoryError",
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={self.data / 'log4j2.properties'}",
            "-cp",
            f"{installation.jars}/*",
        )

    def _is_formatted(self) -> bool:
        return (self.data / "cluster-id").exists()

    async def _format(self, installation: Installation, properties: Path) -> None:
        """Format the storage; the cluster id is written last, so that a half one is done again."""
        shutil.rmtree(self.data / "topics", ignore_errors=True)
        cluster_id = urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
        process = await asyncio.create_subprocess_exec(
            *self._java(installation),
            "kafka.tools.StorageTool",
            "format",
            f"--cluster-id={cluster_id}",
            f"--config={properties}",
            env=_environment(),
            cwd=self.data,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            output, _ = await asyncio.wait_for(process.communicate(), FORMAT_TIMEOUT_S)
        except (TimeoutError, asyncio.CancelledError):
            process.kill()
            await process.wait()
            raise
        if process.returncode != 0:
            said = output.decode("utf-8", "replace").strip()
            raise ServerError(f"Kafka's storage in {self.data} could not be formatted:\n{said}")
        (self.data / "cluster-id").write_text(f"{cluster_id}\n")

    async def _waits_for(self) -> str | None:
        return await broker_lacks(self.url)


def _environment() -> dict[str, str]:
    # Options meant for other Java programs of the user (JAVA_TOOL_OPTIONS and the like) stay out.
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
