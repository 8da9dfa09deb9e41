"""What the supervisor says about its children, for the terminal and the status command."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class State(StrEnum):
    """Where a child stands."""

    STARTING = "starting"
    """The process runs, its probe has not answered yet."""
    RUNNING = "running"
    """The probe said that it serves."""
    RESTARTING = "restarting"
    """It ended by itself or never became ready; the next start waits for the backoff."""
    GAVE_UP = "gave up"
    """It was started too often within the window; only a person helps. The log says why."""
    STOPPING = "stopping"
    """It was asked to end."""
    STOPPED = "stopped"
    """It ended as asked, or was killed after the time-out."""


@dataclass(frozen=True, slots=True)
class ChildStatus:
    """The state of one child, with the process id while there is one and a reason in words."""

    name: str
    state: State
    log_path: Path
    pid: int | None = None
    detail: str = ""

    @property
    def healthy(self) -> bool:
        """Whether the child serves."""
        return self.state is State.RUNNING
