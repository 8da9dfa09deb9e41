"""The supervisor keeps real processes running, in order, and gives up with a reason."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from spojka.supervisor import (
    Account,
    Child,
    ChildGaveUpError,
    ChildStatus,
    RestartPolicy,
    State,
    Supervisor,
    SupervisorError,
    wait_for_stop_signal,
)
from tests.waiting import until

SERVES = "import time; print('serving'); time.sleep(600)"
CRASHES = "import sys; sys.exit('no such table: holds')"
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("serving")
time.sleep(600)
"""
QUICK = RestartPolicy(first_delay_s=0.01, max_delay_s=0.05)

MakeChild = Callable[..., Child]


async def test_starts_and_stops_in_the_declared_order(make_child: MakeChild) -> None:
    seen: list[tuple[str, State]] = []
    children = [
        make_child("edge", SERVES, stop_group=0),
        make_child("database", SERVES, stop_group=9),
        make_child("service", SERVES, stop_group=5),
    ]
    async with Supervisor(lambda status: seen.append((status.name, status.state))) as supervisor:
        await supervisor.start(children)
        assert all(status.healthy for status in supervisor.statuses())
    assert seen == [
        *((name, state) for name in ("database", "service", "edge")
          for state in (State.STARTING, State.RUNNING)),
        *((name, state) for name in ("edge", "service", "database")
          for state in (State.STOPPING, State.STOPPED)),
    ]  # fmt: skip


async def test_restarts_a_killed_child(make_child: MakeChild) -> None:
    async with Supervisor(policy=QUICK) as supervisor:
        await supervisor.start([make_child("service", SERVES)])
        first = supervisor.statuses()[0]
        assert first.pid is not None
        os.kill(first.pid, signal.SIGKILL)

        def runs_again() -> bool:
            status = supervisor.statuses()[0]
            return status.healthy and status.pid != first.pid

        await until(runs_again, "the child runs under another process id")


async def test_gives_up_a_crash_loop_and_names_the_log(make_child: MakeChild) -> None:
    seen: list[ChildStatus] = []
    child = make_child("service", CRASHES, ready=_never)
    async with Supervisor(seen.append, QUICK) as supervisor:
        with pytest.raises(ChildGaveUpError) as caught:
            await supervisor.start([child])
        assert supervisor.statuses()[0].state is State.GAVE_UP
    assert sum(status.state is State.STARTING for status in seen) == QUICK.starts_max
    assert str(child.log_path) in str(caught.value)
    assert "exit status 1" in str(caught.value)
    assert "no such table: holds" in str(caught.value)


async def test_a_child_that_never_serves_is_ended_with_the_probe_s_reason(
    make_child: MakeChild,
) -> None:
    child = make_child("service", SERVES, ready=_never, ready_timeout_s=0.2)
    async with Supervisor(policy=RestartPolicy(starts_max=1)) as supervisor:
        with pytest.raises(ChildGaveUpError, match=r"not ready after 0\.2 s: it never serves"):
            await supervisor.start([child])


async def test_a_probe_that_fails_is_a_reason_like_any_other(make_child: MakeChild) -> None:
    async def fails() -> str | None:
        raise LookupError("no such port")

    child = make_child("service", SERVES, ready=fails, ready_timeout_s=0.2)
    async with Supervisor(policy=RestartPolicy(starts_max=1)) as supervisor:
        with pytest.raises(ChildGaveUpError, match="no such port"):
            await supervisor.start([child])


async def test_a_program_that_can_not_be_executed_is_named(make_child: MakeChild) -> None:
    child = make_child("service", "")
    missing = replace(child, argv=("/nowhere/program",), ready=_never)
    async with Supervisor(policy=RestartPolicy(starts_max=1)) as supervisor:
        with pytest.raises(ChildGaveUpError, match="cannot execute /nowhere/program"):
            await supervisor.start([missing])


async def test_kills_the_whole_group_of_a_child_that_does_not_stop(
    make_child: MakeChild, is_alive: Callable[[int], bool]
) -> None:
    parent_of_another = f"import subprocess, sys; c = subprocess.Popen([sys.executable, '-c', {DEAF!r}]); print(c.pid); c.wait()"  # noqa: E501
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + parent_of_another
    child = make_child("service", deaf, stop_timeout_s=0.3)
    async with Supervisor() as supervisor:
        await supervisor.start([child])
        grandchild = int(child.log_path.read_text().split()[0])
        assert is_alive(grandchild)
        started = time.monotonic()
    assert time.monotonic() - started >= child.stop_timeout_s
    await until(lambda: not is_alive(grandchild), "the child's own child is gone")


async def test_can_be_stopped_while_a_child_is_starting(
    make_child: MakeChild, is_alive: Callable[[int], bool]
) -> None:
    pids: list[int] = []
    started = asyncio.Event()

    def on_change(status: ChildStatus) -> None:
        if status.pid is not None:
            pids.append(status.pid)
            started.set()

    async with Supervisor(on_change) as supervisor:
        starting = asyncio.create_task(supervisor.start([make_child("s", SERVES, ready=_never)]))
        await started.wait()
        await supervisor.stop()
        await starting
    assert not is_alive(pids[0])


async def test_refuses_a_name_used_twice(make_child: MakeChild) -> None:
    async with Supervisor() as supervisor:
        with pytest.raises(SupervisorError, match="used twice"):
            await supervisor.start([make_child("a", SERVES), make_child("a", SERVES)])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand a child to another account")
async def test_a_child_gives_up_root_for_good(make_child: MakeChild) -> None:
    shell = ("/bin/sh", "-c", "echo $(id -u; id -g; id -G); exec sleep 600")
    account = Account(uid=12345, gid=54321)
    child = replace(make_child("service", ""), argv=shell, account=account)
    async with Supervisor() as supervisor:
        await supervisor.start([child])
        assert child.log_path.read_text().strip() == "12345 54321 54321"


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
async def test_waits_for_the_signal_to_stop(asked: signal.Signals) -> None:
    waiting = asyncio.create_task(wait_for_stop_signal())
    await asyncio.sleep(0)  # let it install its handlers
    os.kill(os.getpid(), asked)
    assert await asyncio.wait_for(waiting, 5) is asked


def test_the_backoff_doubles_up_to_its_limit_with_jitter() -> None:
    policy = RestartPolicy(first_delay_s=1, max_delay_s=8)
    for failures, least in enumerate((1, 2, 4, 8, 8), start=1):
        assert least <= policy.delay_s(failures) <= least * 1.25
    assert policy.delay_s(10_000) <= 10


async def _never() -> str | None:
    return "it never serves"
