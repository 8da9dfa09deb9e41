"""What happened in a scenario, as it is told when the judgement fails."""

import time
from collections import deque
from typing import Final

from spojka.servers.jars import FetchProgress
from spojka.supervisor import ChildStatus, State

EVENTS_TOLD_MAX: Final = 60


class Story:
    """The last events with their times; also takes the news of the installation."""

    def __init__(self, told_max: int = EVENTS_TOLD_MAX) -> None:
        """Keep so many events of a scenario."""
        self.scenario = ""
        self._began = time.monotonic()
        self._events: deque[str] = deque(maxlen=told_max)

    def begin(self, scenario: str) -> None:
        """Begin to tell of a scenario."""
        self.scenario = scenario
        self._began = time.monotonic()
        self._events.clear()

    def note(self, text: str) -> None:
        """Note what just happened."""
        self._events.append(f"{time.monotonic() - self._began:7.2f} s  {text}")

    @property
    def events(self) -> tuple[str, ...]:
        """What was noted, oldest first."""
        return tuple(self._events)

    def __str__(self) -> str:
        return "\n".join(self._events)

    def tell(self, text: str) -> None:
        """Take a step of the start."""
        self.note(text)

    def warn(self, text: str) -> None:
        """Take a warning."""
        self.note(f"warning: {text}")

    def fetched(self, progress: FetchProgress) -> None:
        """Take how far a download is; of no interest here."""

    def changed(self, status: ChildStatus) -> None:
        """Take the new state of a process."""
        if status.state is not State.STARTING:
            self.note(f"{status.name} ({status.pid}) is {status.state} {status.detail}".rstrip())
