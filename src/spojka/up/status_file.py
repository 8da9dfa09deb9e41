"""What a running installation says of itself, for `spojka status`: a file in its data directory.

It is written at every change and removed by an orderly stop; after a crash its
process is gone, which a reader sees.
"""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from spojka.supervisor import ChildStatus, State

FILE_NAME: Final = "status.json"


@dataclass(frozen=True, slots=True)
class Status:
    """A running installation: its supervisor's pid, where things listen, its processes."""

    pid: int
    listening: Mapping[str, str]
    processes: Sequence[ChildStatus]


def write_status(data_dir: Path, status: Status) -> None:
    """Put the status into the data directory, whole."""
    content = {
        "pid": status.pid,
        "listening": dict(status.listening),
        "processes": [
            {
                "name": process.name,
                "state": process.state.value,
                "pid": process.pid,
                "detail": process.detail,
                "log": str(process.log_path),
            }
            for process in status.processes
        ],
    }
    unfinished = data_dir / f".{FILE_NAME}"
    unfinished.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    unfinished.replace(data_dir / FILE_NAME)


def remove_status(data_dir: Path) -> None:
    """Say that nothing runs there any more."""
    (data_dir / FILE_NAME).unlink(missing_ok=True)


def read_status(data_dir: Path) -> Status | None:
    """The status of the installation that runs on the data directory; None where none does."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        content = json.loads((data_dir / FILE_NAME).read_text(encoding="utf-8"))
        os.kill(content["pid"], 0)
        return Status(
            content["pid"],
            content["listening"],
            [
                ChildStatus(
                    each["name"],
                    State(each["state"]),
                    Path(each["log"]),
                    each["pid"],
                    each["detail"],
                )
                for each in content["processes"]
            ],
        )
    return None
