"""No child outlives a supervisor that is killed, and its directory is free at once."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from spojka.supervisor import Child, DirectoryInUseError, lock_holder, locked
from spojka.supervisor.process import ChildProcess
from tests.waiting import until

SUPERVISOR = """
import asyncio, sys
from pathlib import Path
from spojka.supervisor import Child, always_ready, locked
from spojka.supervisor.process import ChildProcess

async def main(home: Path, lifeline: bool) -> None:
    program = "import signal, time\\nfor s in (signal.SIGTERM, signal.SIGHUP): signal.signal(s, signal.SIG_IGN)\\nprint('up')\\ntime.sleep(600)"
    with locked(home):
        child = Child(
            name="child", argv=(sys.executable, "-u", "-c", program), env={},
            log_path=home / "child.log", ready=always_ready,
        )
        process = await ChildProcess.spawn(child, lifeline=lifeline)
        while not (home / "child.log").read_text():
            await asyncio.sleep(0.02)
        print(process.pid, flush=True)
        await process.wait()

asyncio.run(main(Path(sys.argv[1]), sys.argv[2] == "lifeline"))
"""  # noqa: E501


@contextmanager
def _supervisor(home: Path, tie: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a supervisor with one child in a process of its own; gives it and the child's pid."""
    command = [sys.executable, "-c", SUPERVISOR, str(home), tie]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def _group_of(leader: int) -> set[int]:
    """Find the processes of a group."""
    listing = subprocess.run(
        ["ps", "-eo", "pid=,pgid=,stat="],  # noqa: S607 - wherever the system keeps it
        capture_output=True,
        text=True,
        check=True,
    )
    rows = (line.split() for line in listing.stdout.splitlines())
    return {int(pid) for pid, group, state in rows if int(group) == leader and state[0] != "Z"}


@pytest.mark.parametrize(
    "tie",
    [
        pytest.param(
            "kernel",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="PDEATHSIG is Linux's"),
        ),
        "lifeline",
    ],
)
async def test_no_orphan_after_the_supervisor_is_killed(tmp_path: Path, tie: str) -> None:
    with _supervisor(tmp_path, tie) as (supervisor, leader):
        assert leader in _group_of(leader)
        supervisor.send_signal(signal.SIGKILL)
        await until(lambda: not _group_of(leader), "the child's process group is empty")


async def test_a_child_on_a_lifeline_gets_the_stop_signal_and_its_end_is_told(
    make_child: Callable[..., Child],
) -> None:
    """Where a launcher stays between supervisor and child, it hands both on."""
    program = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print("serving")
time.sleep(600)
"""
    child = make_child("service", program)
    process = await ChildProcess.spawn(child, lifeline=True)
    await until(lambda: "serving" in child.log_path.read_text(), "the child serves")
    await process.stop()
    assert await process.wait() == "it ended with exit status 7"


def test_a_second_supervisor_is_told_who_holds_the_directory(tmp_path: Path) -> None:
    with _supervisor(tmp_path, "lifeline") as (supervisor, _):
        holder = f"process {supervisor.pid}"
        with pytest.raises(DirectoryInUseError, match=holder) as caught, locked(tmp_path):
            pytest.fail("the lock was given twice")
        assert caught.value.pid == supervisor.pid
        supervisor.send_signal(signal.SIGKILL)
        supervisor.wait()
        with locked(tmp_path):
            assert lock_holder(tmp_path) == os.getpid()
