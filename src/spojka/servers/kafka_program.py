"""Kafka's programs: what starts a broker, and what formats its storage."""

import asyncio
import os
import shutil
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from spojka.servers.java import Java
from spojka.servers.kafka_config import log4j_configuration
from spojka.servers.server import ServerError

HEAP = "512m"
FORMAT_TIMEOUT_S = 60.0
TOPICS_FOLDER = "topics"
"""Where a node keeps its topics, below its data."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What Kafka runs on: a Java runtime, the folder of the jars, and their loaded classes."""

    java: Java
    jars: Path
    classes: Path | None = None
    """An archive of loaded classes for the Java runtime to map. One that does not fit is ignored
    by it."""

    def broker(
        self, data: Path, properties: Path, *, record: Path | None = None
    ) -> tuple[str, ...]:
        """Give the command line of a node with its data below a folder.

        A node with `record` writes an archive of its classes there when it ends in order.
        """
        recording = () if record is None else (f"-XX:ArchiveClassesAtExit={record}",)
        return (*self._java(data, *recording), "kafka.Kafka", str(properties))

    async def prepare(self, data: Path, properties: Path, cluster_id: str) -> None:
        """Write what the programs log, and format the storage unless that was done before.

        The cluster id is written last, so that a half formatted storage is formatted again.

        Raises:
            ServerError: it could not be formatted; the message has what Kafka said.

        """
        (data / "log4j2.properties").write_text(log4j_configuration())
        if (data / "cluster-id").exists():
            return
        shutil.rmtree(data / TOPICS_FOLDER, ignore_errors=True)
        process = await asyncio.create_subprocess_exec(
            *self._java(data),
            "kafka.tools.StorageTool",
            "format",
            f"--cluster-id={cluster_id}",
            f"--config={properties}",
            env=environment(),
            cwd=data,
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
            raise ServerError(f"Kafka's storage in {data} could not be formatted:\n{said}")
        (data / "cluster-id").write_text(f"{cluster_id}\n")

    def _java(self, data: Path, *options: str) -> tuple[str, ...]:
        mapping = () if self.classes is None else (f"-XX:SharedArchiveFile={self.classes}",)
        return (
            str(self.java.program),
            f"-Xmx{HEAP}",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",  # starts a quarter sooner on half the CPU, as fast in use
            "-XX:+ExitOnOutOfMemoryError",
            *mapping,
            *options,
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={data / 'log4j2.properties'}",
            "-cp",
            f"{self.jars}/*",
        )


def new_cluster_id() -> str:
    """Draw the id of a new cluster, in the form that Kafka wants."""
    return urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")


def environment() -> dict[str, str]:
    """Give the environment of Kafka's programs.

    Options meant for other Java programs of the user (JAVA_TOOL_OPTIONS and the like) stay out.
    """
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
