"""The log: what can't be written never stops the work that it tells of."""

import errno
import os
import subprocess
import sys
from io import RawIOBase
from pathlib import Path
from typing import Any

import pytest

from spojka.telemetry import Log


class Disk(RawIOBase):
    """A file on a disk that has so many bytes left."""

    def __init__(self) -> None:
        self.left = sys.maxsize
        self.content = b""

    def write(self, data: Any) -> int:
        if not self.left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        part = bytes(data)[: self.left]
        self.left -= len(part)
        self.content += part
        return len(part)


def lines_of(disk: Disk) -> list[str]:
    return [line for line in disk.content.decode().split("\n") if line]


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def log(disk: Disk) -> Log:
    return Log(disk, lambda count: f"{count} missed")


def test_lines_that_a_full_disk_does_not_take_are_counted_and_told(disk: Disk, log: Log) -> None:
    log.info("a")
    disk.left = 0
    log.info("b")
    log.error("c")
    disk.left = sys.maxsize
    log.info("d")
    log.info("e")
    assert lines_of(disk) == ["a", "2 missed", "d", "e"]


def test_a_line_that_was_cut_counts_and_the_next_begins_anew(disk: Disk, log: Log) -> None:
    disk.left = 3
    log.info("abcdef")
    disk.left = sys.maxsize
    log.info("g")
    assert lines_of(disk) == ["abc", "1 missed", "g"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_process_whose_log_is_full_goes_on(form: str, tmp_path: Path) -> None:
    works_on = tmp_path / "works-on"
    program = f"""
import structlog
from spojka.settings import Settings
from spojka.telemetry import configure_logging
configure_logging(Settings(log_format={form!r}), "stock")
structlog.get_logger().info("a line")
try:
    raise ValueError("an odd \\ud800 one")
except ValueError:
    structlog.get_logger().exception("failed")
open({str(works_on)!r}, "w").close()
"""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([sys.executable, "-c", program], stderr=full, check=False)
    assert done.returncode == 0
    assert works_on.exists()


def test_a_process_says_what_it_could_not_write() -> None:
    program = """
import os, structlog
from spojka.settings import Settings
from spojka.telemetry import configure_logging
os.dup2(os.open("/dev/full", os.O_WRONLY), 2)
configure_logging(Settings(log_format="json"), "stock")
log = structlog.get_logger()
log.info("lost")
os.dup2(1, 2)
log.info("kept")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    missed, kept = done.stdout.split(b"\n")[1:3]
    assert b'"event": "lines of the log could not be written"' in missed
    assert b'"lines": 1' in missed
    assert b'"event": "kept"' in kept
