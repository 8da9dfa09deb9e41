"""The last resort: a small broker that speaks Kafka's protocol, from a Python package.

For trying Spojka out where neither Docker nor Maven Central can be reached. In a trial its
groups, transactions, fencing and watermarks were right. What it is not good for: what it
acknowledged in the seconds before a crash is lost, topics asked for by a mistyped name are made,
and consumers of the protocol of KIP-848 get nothing. See `LIMITS`.
"""

import importlib.util
import os
import signal
from importlib.metadata import version
from pathlib import Path

from spojka.servers.kafka_probe import broker_lacks
from spojka.servers.ports import LOOPBACK, choose_port
from spojka.servers.server import ServerError
from spojka.supervisor import Child

PACKAGE = "noida-db"
MODULE = "noida_db"
VERSION = "0.2.3"
"""The version that the trial was made with; no other is started."""
STOP_GROUP = 90
LIMITS = (
    "it loses acknowledged messages when it is killed",
    "it makes unknown topics when they are asked for",
    "it does not serve the consumer protocol of KIP-848",
)


class NoidaBroker:
    """The last resort, with the interface of the embedded Kafka."""

    name = "Kafka stand-in"

    def __init__(self, *, data: Path, log_path: Path, port: int | None = None) -> None:
        self.data = data.absolute()
        self.log_path = log_path
        self._wanted_port = port
        self._port: int | None = None

    @property
    def url(self) -> str:
        """The bootstrap address; known after `prepare`."""
        if self._port is None:
            raise RuntimeError("prepare() the server before asking for its address")
        return f"{LOOPBACK}:{self._port}"

    async def prepare(self) -> Child:
        """Choose the port and tell how to start it.

        Raises:
            ServerError: the package is not installed, or not in the version that was tried.

        """
        program = installed_program()
        self.data.mkdir(parents=True, exist_ok=True)
        self._port = await choose_port(self.name, self._wanted_port, self.data / "port")
        return Child(
            name=self.name,
            argv=(
                *(str(program), "start", "--host", LOOPBACK, "--data-dir", str(self.data)),
                *("--only", "kafka", "--kafka-port", str(self._port)),
            ),
            env={"PATH": os.defpath, "HOME": str(self.data)},
            log_path=self.log_path,
            ready=self._waits_for,
            stop_group=STOP_GROUP,
            stop_signal=signal.SIGTERM,
            cwd=self.data,
        )

    async def _waits_for(self) -> str | None:
        return await broker_lacks(self.url)


def installed_program() -> Path:
    """Find the broker's program.

    Raises:
        ServerError: it is not installed, not in the tried version, or can't be executed.

    """
    found = importlib.util.find_spec(MODULE)
    if found is None or found.origin is None:
        raise ServerError(
            f"The package {PACKAGE} is not installed. Install {PACKAGE}=={VERSION}, or set "
            "SPOJKA_KAFKA_BOOTSTRAP to a Kafka that runs elsewhere."
        )
    installed = version(PACKAGE)
    program = Path(found.origin).parent / "noida-db"
    if installed != VERSION or not os.access(program, os.X_OK):
        raise ServerError(
            f"The installed {PACKAGE} {installed} can't be used. Install {PACKAGE}=={VERSION}."
        )
    return program
