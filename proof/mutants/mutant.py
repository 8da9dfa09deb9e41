"""A mutant: one defence taken out of the code, and the test that must then turn red."""

import re
from dataclasses import dataclass, field
from pathlib import Path


class OutOfDate(Exception):
    """The guarded text is not in the code exactly once any more: bring the mutant up to date."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One replacement. `path` is from the top of the repository; `old` stands there once."""

    path: str
    old: str
    new: str

    def applied_to(self, text: str) -> str:
        """The text with the defence taken out. Raises OutOfDate."""
        count = text.count(self.old)
        if count != 1:
            raise OutOfDate(f"{self.path} has {count} times, not once:\n{self.old}")
        return text.replace(self.old, self.new)

    @property
    def module(self) -> str | None:
        """The name under which Python imports the file; None where it is no code of ours."""
        path = Path(self.path)
        if path.suffix != ".py" or path.parts[0] != "src":
            return None
        return ".".join(path.with_suffix("").parts[1:])


@dataclass(frozen=True, slots=True)
class Mutant:
    """What is taken out, and how it must be noticed.

    `test` is the pytest node that must turn red. `red` is searched in what it
    says when it fails, so that it is red for its reason and for no other.
    `behind` names the further defence that had to go with it, where one stands
    behind the first and would hide its loss.
    """

    name: str
    takes_out: str
    edits: tuple[Edit, ...]
    test: str
    red: re.Pattern[str] = field(compare=False)
    behind: str = ""

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that it changes, each once."""
        return tuple(dict.fromkeys(edit.path for edit in self.edits))


def mutant(
    name: str, takes_out: str, *edits: Edit, test: str, red: str, behind: str = ""
) -> Mutant:
    """A mutant as the catalogue writes it; `test` is below `tests/`, `red` a pattern by lines."""
    return Mutant(name, takes_out, edits, f"tests/{test}", re.compile(red, re.MULTILINE), behind)
