"""Children that the supervisor's tests keep running: small programs of Python."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from spojka.supervisor import Child, Probe


@pytest.fixture
def make_child(tmp_path: Path) -> Callable[..., Child]:
    """Make a child that runs a program and is ready once it has printed its first line."""

    def make(name: str, program: str, *, ready: Probe | None = None, **settings: object) -> Child:
        log_path = tmp_path / f"{name}.log"

        async def has_printed() -> str | None:
            return None if log_path.exists() and log_path.stat().st_size else "no output yet"

        return Child(
            name=name,
            argv=(sys.executable, "-u", "-c", program),
            env={},
            log_path=log_path,
            ready=ready or has_printed,
            **settings,  # type: ignore[arg-type]
        )

    return make


@pytest.fixture
def is_alive() -> Callable[[int], bool]:
    """Say whether a process runs; one that ended and waits to be collected does not."""

    def ask(pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        stat = Path(f"/proc/{pid}/stat")
        return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")

    return ask
