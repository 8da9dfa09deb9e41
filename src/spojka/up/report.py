"""What is told while an installation starts, runs and stops."""

from typing import Protocol

from spojka.servers.jars import FetchProgress
from spojka.supervisor import ChildStatus


class Report(Protocol):
    """Takes the news of an installation. Nothing here may block or raise."""

    def tell(self, text: str) -> None:
        """Take the next step, in words."""

    def warn(self, text: str) -> None:
        """Take what the operator should know or mend, though it goes on."""

    def fetched(self, progress: FetchProgress) -> None:
        """Take how far a download is; called from another thread."""

    def changed(self, status: ChildStatus) -> None:
        """Take the new state of a process."""


class Silence:
    """The report of a caller who asks for nothing."""

    def tell(self, text: str) -> None:
        """Say nothing."""

    def warn(self, text: str) -> None:
        """Say nothing."""

    def fetched(self, progress: FetchProgress) -> None:
        """Say nothing."""

    def changed(self, status: ChildStatus) -> None:
        """Say nothing."""
