"""The table of mutants, for the terminal and for the documentation."""

from collections.abc import Sequence
from typing import Final

from proof.mutants.trial import Fate, Result

_HEAD: Final = ("mutant", "taken out", "in", "the test that turns red", "red", "s")
_INTRODUCTION: Final = """\
Each line takes one defence out of a copy of the code and runs the one test that must notice.
It counts only where the test is green with the defence and fails without it for the reason that
is written beside the mutant. `make mutants` runs them all.
"""


def line(result: Result) -> str:
    """One result as it comes, for the terminal."""
    mark = "red" if result.fate is Fate.RED else result.fate.value.upper()
    return f"{result.seconds:6.1f} s  {mark:<9} {result.mutant.name}: {result.mutant.takes_out}"


def markdown(results: Sequence[Result]) -> str:
    """All results as a section of a page."""
    rows = [_HEAD, tuple("---" for _ in _HEAD), *(_cells(result) for result in results)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    red = sum(result.fate is Fate.RED for result in results)
    return f"{_INTRODUCTION}\n{table}\n\n{red} of {len(results)} turn their test red.\n"


def _cells(result: Result) -> tuple[str, ...]:
    mutant = result.mutant
    taken = mutant.takes_out
    if mutant.behind:
        taken += f" (together with what stands behind it: {mutant.behind})"
    files = ", ".join(f"`{path.removeprefix('src/')}`" for path in mutant.paths)
    file, _, test = mutant.test.removeprefix("tests/").partition("::")
    red = "yes" if result.fate is Fate.RED else f"**{result.fate.value}**"
    return (
        f"`{mutant.name}`",
        taken,
        files,
        f"`{file}` `{test}`".replace("|", "\\|"),
        red,
        f"{result.seconds:.0f}",
    )
