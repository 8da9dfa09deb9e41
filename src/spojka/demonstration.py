"""What `spojka demo` shows: a story told on a running installation.

The package that has one registers it in the entry point group `spojka.demo`,
so that the ground knows none by name.
"""

from contextlib import AbstractAsyncContextManager
from importlib.metadata import entry_points
from typing import Final, Protocol

from rich.console import Console

from spojka.settings import Settings
from spojka.up import Installation

ENTRY_POINTS: Final = "spojka.demo"


class StoryFailed(Exception):
    """A step was not as told; the message names it, what was expected and what was seen."""


class DemonstrationMissing(Exception):
    """No package, or more than one, has something to show; the message says what to do."""


class Demonstration(Protocol):
    """A story with partners of its own."""

    def prepared(self, settings: Settings) -> Settings:
        """The settings that the story needs, made from the operator's."""

    def told(
        self, installation: Installation, console: Console
    ) -> AbstractAsyncContextManager[None]:
        """Tell the story, live, on `console`.

        The block begins when it is told; its partners stay until the block
        ends. Raises StoryFailed at the first step that is not as told.
        """


def registered_demonstration() -> Demonstration:
    """The story that is installed. Raises DemonstrationMissing."""
    found = list(entry_points(group=ENTRY_POINTS))
    if len(found) != 1:
        raise DemonstrationMissing(
            f"{len(found)} packages register the entry point {ENTRY_POINTS!r}, one is wanted: "
            "install Spojka again"
        )
    demonstration: Demonstration = found[0].load()
    return demonstration
