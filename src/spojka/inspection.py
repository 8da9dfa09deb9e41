"""What services offer to `spojka inspect`: answers offline, without a database.

An inspection is a function registered under its name in the entry point group
`spojka.inspections`. Its parameters become the command's arguments and options
(as typer reads them), its docstring the help; what it returns is printed as
JSON.
"""

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Final, Protocol

ENTRY_POINTS: Final = "spojka.inspections"


class InspectError(Exception):
    """The question can't be answered; the message names what is wrong and where."""


class Inspection(Protocol):
    """Answers one kind of question."""

    __name__: str

    def __call__(self, *arguments: object, **options: object) -> Mapping[str, object]:
        """Return what is to be printed. Raises InspectError."""


def registered_inspections() -> dict[str, Inspection]:
    """All inspections by name."""
    return {entry.name: entry.load() for entry in sorted(entry_points(group=ENTRY_POINTS))}
