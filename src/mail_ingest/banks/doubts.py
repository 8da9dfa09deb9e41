"""Why a person has to look at what was read: collected while reading."""

from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


class Doubts:
    """The findings of one reading, in the order in which they arose."""

    def __init__(self) -> None:
        self._findings: list[str] = []

    @property
    def findings(self) -> tuple[str, ...]:
        """The findings, each once."""
        return tuple(dict.fromkeys(self._findings))

    def say(self, finding: str) -> None:
        """Add a finding: a sentence for people."""
        self._findings.append(finding)

    def read(self, field: str, reader: Callable[[str], Value], printed: str) -> Value | None:
        """Read a printed value; None where nothing is printed or the reader refuses it (said)."""
        if not printed:
            return None
        try:
            return reader(printed)
        except ValueError as error:
            self.say(f"{field}: {error}")
            return None
