"""Clocks of single processes that can be set while they run.

libfaketime is loaded before everything else in the second process of each
service, and reads by how much its wall clock is wrong from a file. Monotonic
clocks are left alone, as a clock that is set leaves them alone.
"""

import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from proof.soak.strikes import SKEWED

LIBRARY: Final = "vendor/libfaketime/src/libfaketime.so.1"
CACHE_SECONDS: Final = 1


@dataclass(frozen=True, slots=True)
class Clocks:
    """The files of the clocks by process; `lacking` says why there are none."""

    files: Mapping[str, Path]
    library: Path | None = None
    lacking: str = ""

    @property
    def variables_of(self) -> dict[str, dict[str, str]]:
        """What the processes need in their environment."""
        if self.library is None:
            return {}
        return {
            name: {
                "LD_PRELOAD": str(self.library),
                "FAKETIME_TIMESTAMP_FILE": str(path),
                "FAKETIME_CACHE_DURATION": str(CACHE_SECONDS),
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "DONT_FAKE_MONOTONIC": "1",
                "NO_FAKE_STAT": "1",
            }
            for name, path in self.files.items()
        }

    def set(self, name: str, seconds: int) -> None:
        """Let a clock be wrong by so many seconds, within CACHE_SECONDS."""
        _write(self.files[name], seconds)


def made(folder: Path) -> Clocks:
    """Make the clocks of the processes that can be skewed; none is wrong yet."""
    found = importlib.util.find_spec("libfaketime") if sys.platform == "linux" else None
    library = Path(found.origin).parent / LIBRARY if found and found.origin else None
    if library is None or not library.exists():
        return Clocks({}, lacking="libfaketime, which sets clocks, is not installed or not Linux's")
    folder.mkdir()
    files = {name: folder / name for name in SKEWED}
    for path in files.values():
        _write(path, 0)
    return Clocks(files, library)


def _write(path: Path, seconds: int) -> None:
    # In one step: a process may read it at any moment.
    new = path.with_suffix(".new")
    new.write_text(f"{seconds:+d}\n")
    new.replace(path)
