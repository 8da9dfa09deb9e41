"""What was measured, kept as JSON beside the pictures, so that they can be drawn anew."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench.growth.measure import Curve
from bench.growth.questions import Waited
from bench.memory.measure import Footprint
from bench.memory.sizes import Size
from bench.report import machine
from bench.result import Result

ROWS: Final = "rows.json"
GROWTH: Final = "growth.json"
MEMORY: Final = "memory.json"


@dataclass(frozen=True, slots=True)
class Conditions:
    """When and where figures were taken; the load is the machine's average of a minute."""

    moment: str
    machine: str
    load_before: float
    load_after: float

    def __str__(self) -> str:
        """In one line."""
        load = f"load {self.load_before:.1f}–{self.load_after:.1f}"
        return f"{self.moment}, {self.machine}, {load}"


def conditions(load_before: float) -> Conditions:
    """Those of figures that were begun at a load and are complete now."""
    moment = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    where = f"Python {platform.python_version()}, {machine()}"
    return Conditions(moment, where, load_before, os.getloadavg()[0])


def keep_rows(folder: Path, results: Sequence[Result], taken: Conditions) -> None:
    """Keep the rows of the table."""
    _write(folder / ROWS, taken, [asdict(result) for result in results])


def keep_growth(folder: Path, curves: Sequence[Curve], taken: Conditions) -> None:
    """Keep how long users wait at each size."""
    _write(folder / GROWTH, taken, [asdict(curve) for curve in curves])


def keep_memory(folder: Path, footprints: Sequence[Footprint], taken: Conditions) -> None:
    """Keep what each process takes."""
    _write(folder / MEMORY, taken, [asdict(footprint) for footprint in footprints])


def kept_rows(folder: Path) -> tuple[list[Result], Conditions]:
    """The rows as they were kept. Raises FileNotFoundError where none were."""
    found, taken = _read(folder / ROWS)
    return [Result(**each) for each in found], taken


def kept_growth(folder: Path) -> tuple[list[Curve], Conditions]:
    """The growth as it was kept. Raises FileNotFoundError where none was."""
    found, taken = _read(folder / GROWTH)
    curves = [
        Curve(
            each["side"],
            each["what"],
            {int(size): Waited(**waited) for size, waited in each["waited"].items()},
        )
        for each in found
    ]
    return curves, taken


def kept_memory(folder: Path) -> tuple[list[Footprint], Conditions]:
    """The memory as it was kept. Raises FileNotFoundError where none was."""
    found, taken = _read(folder / MEMORY)
    footprints = [
        Footprint(
            each["process"],
            *(Size(**each[moment]) for moment in ("idle", "load", "after", "later")),
        )
        for each in found
    ]
    return footprints, taken


def _write(path: Path, taken: Conditions, figures: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = {"taken": asdict(taken), "figures": figures}
    text = json.dumps(kept, ensure_ascii=False, indent=1)
    path.write_text(f"{text}\n", encoding="utf-8")


def _read(path: Path) -> tuple[list[dict[str, Any]], Conditions]:
    kept = json.loads(path.read_text(encoding="utf-8"))
    return kept["figures"], Conditions(**kept["taken"])
