"""Tables, in the terminal and in a page between its two marks."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench.result import Result

README: Final = Path(__file__).with_name("README.md")
MARK: Final = "measured"
_HEAD: Final = ("measured", "figure", "ceiling", "ratio", "asked", "met", "load")


def table(results: Sequence[Result]) -> str:
    """All results as a Markdown table."""
    return markdown_table([_HEAD, *(_cells(result) for result in results)])


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """A table whose first row is its head."""
    lines = [rows[0], ["---" for _ in rows[0]], *rows[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def conditions(origins: Sequence[str]) -> str:
    """The machine, its servers and the moment, in a line each."""
    moment = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    first = f"- {moment}, Python {platform.python_version()}, {machine()}"
    return "\n".join([first, *(f"- {origin}" for origin in origins)])


def machine() -> str:
    """Its size in words."""
    return f"{os.cpu_count()} cores ({_processor()}), {_memory_gib():.0f} GiB"


def write(results: Sequence[Result], origins: Sequence[str]) -> None:
    """Put the conditions and the table into README.md. Raises ValueError without the marks."""
    put_between(README, MARK, f"{conditions(origins)}\n\n{table(results)}")


def put_between(path: Path, mark: str, text: str) -> None:
    """Put text between the two marks of a page. Raises ValueError where it lacks them."""
    begin, end = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
    before, begins, rest = path.read_text(encoding="utf-8").partition(begin)
    _old, ends, after = rest.partition(end)
    if not begins or not ends:
        raise ValueError(f"{path.name} lacks the marks {begin} and {end}")
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def _cells(result: Result) -> tuple[str, ...]:
    met = {True: "yes", False: "**no**", None: ""}[result.met]
    load = f"{result.load_before:.1f}–{result.load_after:.1f}"
    return result.what, result.figure, result.ceiling, result.ratio, result.asked, met, load


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
