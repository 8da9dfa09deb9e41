"""The table, in the terminal and in README.md between its two marks."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench.result import Result

README: Final = Path(__file__).with_name("README.md")
BEGIN: Final = "<!-- measured: begin -->"
END: Final = "<!-- measured: end -->"
_HEAD: Final = ("measured", "figure", "ceiling", "ratio", "asked", "met", "load")


def table(results: Sequence[Result]) -> str:
    """All results as a Markdown table."""
    rows = [_HEAD, tuple("---" for _ in _HEAD), *(_cells(result) for result in results)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def conditions(origins: Sequence[str]) -> str:
    """The machine, its servers and the moment, in a line each."""
    moment = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    size = f"{os.cpu_count()} cores ({_processor()}), {_memory_gib():.0f} GiB"
    machine = f"- {moment}, Python {platform.python_version()}, {size}"
    return "\n".join([machine, *(f"- {origin}" for origin in origins)])


def write(results: Sequence[Result], origins: Sequence[str]) -> None:
    """Put the conditions and the table into README.md. Raises ValueError without the marks."""
    before, begin, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{README.name} lacks the marks {BEGIN} and {END}")
    found = f"\n{conditions(origins)}\n\n{table(results)}\n"
    README.write_text(f"{before}{begin}{found}{end}{after}", encoding="utf-8")


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
