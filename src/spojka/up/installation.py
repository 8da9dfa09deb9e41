"""A running Spojka in the hands of the code that started it."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from spojka.probe import http_lacks
from spojka.settings import Settings
from spojka.supervisor import ChildStatus, Supervisor
from spojka.up.errors import UpError
from spojka.up.instances import Instance

READY_TIMEOUT_SECONDS: Final = 60.0
_LOOK_INTERVAL_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Installation:
    """A running Spojka.

    `settings` are those in force: servers' URLs (PostgreSQL's as the role that
    migrates), secrets, ports and addresses are all filled in. `listening` says
    where each server and process is, by its name, in words.
    """

    settings: Settings
    instances: Sequence[Instance]
    listening: Mapping[str, str]
    admin_key: str | None
    supervisor: Supervisor

    @property
    def edge(self) -> Instance:
        """The first instance of the edge. Raises UpError where there is none."""
        for instance in self.instances:
            if instance.is_edge:
                return instance
        raise UpError("No edge is installed: the package 'gateway' is missing.")

    def status_of(self, name: str) -> ChildStatus:
        """Where a process stands. Raises KeyError for an unknown one."""
        return {status.name: status for status in self.supervisor.statuses()}[name]

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to a running process, which is then started again; returns its pid."""
        pid = self.status_of(name).pid
        if pid is None:
            raise UpError(f"{name} does not run now.")
        os.kill(pid, number)
        return pid

    async def until_running(
        self, name: str, *, not_as: int | None = None, within_seconds: float = 30.0
    ) -> int:
        """Wait until a process serves, under another pid than `not_as`; returns its pid.

        Raises TimeoutError.
        """
        async with asyncio.timeout(within_seconds):
            while True:
                status = self.status_of(name)
                if status.healthy and status.pid is not None and status.pid != not_as:
                    return status.pid
                await asyncio.sleep(_LOOK_INTERVAL_SECONDS)

    async def until_ready(self, *, within_seconds: float = READY_TIMEOUT_SECONDS) -> None:
        """Wait until the edge finds everything behind it ready. Raises UpError."""
        lacks: str | None = "it was not asked yet"
        try:
            async with asyncio.timeout(within_seconds):
                while lacks is not None:
                    await asyncio.sleep(_LOOK_INTERVAL_SECONDS)
                    lacks = await http_lacks(f"{self.edge.http_url}/ready")
        except TimeoutError:
            raise UpError(
                f"The edge is not ready after {within_seconds:g} s: {lacks}. "
                f"Read the logs in {self.settings.data_dir / 'logs'}."
            ) from None
