"""Keeps one child running: start, probe, restart with backoff, give up, stop."""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from spojka.supervisor.child import Child
from spojka.supervisor.errors import ChildGaveUpError
from spojka.supervisor.process import ChildProcess
from spojka.supervisor.status import ChildStatus, State

PROBE_INTERVAL_S = 0.1


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """How a child that ended by itself is started again.

    The delay doubles from `first_delay_s` to `max_delay_s`, with up to a quarter of jitter, and
    begins anew once the child has run for a whole window. After `starts_max` starts within
    `window_s` the child is given up.
    """

    first_delay_s: float = 0.5
    max_delay_s: float = 30.0
    starts_max: int = 5
    window_s: float = 60.0

    def delay_s(self, failures: int) -> float:
        """Say how long to wait after the given number of failures in a row, at least one."""
        doubled = self.first_delay_s * 2.0 ** min(failures - 1, 32)
        delay = min(self.max_delay_s, doubled)
        return delay * random.uniform(1.0, 1.25)  # noqa: S311 - jitter, not a secret


class Keeper:
    """Keeps one child running until it is stopped or given up."""

    def __init__(
        self, child: Child, policy: RestartPolicy, on_change: Callable[[ChildStatus], None]
    ) -> None:
        self.child = child
        self.status = ChildStatus(child.name, State.STARTING, child.log_path)
        self._policy = policy
        self._on_change = on_change
        self._process: ChildProcess | None = None
        self._stopping = asyncio.Event()
        self._settled = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the child and wait until it serves.

        Raises:
            ChildGaveUpError: it was started too often without staying.

        """
        self._task = asyncio.create_task(self._keep(), name=f"keep {self.child.name}")
        settled = asyncio.create_task(self._settled.wait())
        await asyncio.wait({self._task, settled}, return_when=asyncio.FIRST_COMPLETED)
        settled.cancel()
        if self._task.done():
            self._task.result()  # a fault of the keeper itself is raised here
        if self.status.state is State.GAVE_UP:
            raise ChildGaveUpError(self.child.name, self.status.detail, self.child.log_path)

    async def stop(self) -> None:
        """End the child for good; safe to call in any state, and more than once."""
        self._stopping.set()
        if self._task is None:
            return
        if self._process is not None:
            self._say(State.STOPPING)
            await self._process.stop()
        await self._task
        if self.status.state is not State.GAVE_UP:
            self._say(State.STOPPED)

    async def _keep(self) -> None:
        starts: deque[float] = deque(maxlen=self._policy.starts_max)
        failures = 0
        while not self._stopping.is_set():
            started = time.monotonic()
            starts.append(started)
            ended = await self._run_once()
            if self._stopping.is_set():
                return
            now = time.monotonic()
            failures = 1 if now - started > self._policy.window_s else failures + 1
            if len(starts) == starts.maxlen and now - starts[0] < self._policy.window_s:
                window = f"{starts.maxlen} starts within {self._policy.window_s:g} s"
                self._say(State.GAVE_UP, f"{window}, the last time {ended}")
                self._settled.set()
                return
            delay_s = self._policy.delay_s(failures)
            self._say(State.RESTARTING, f"{ended}; next start in {delay_s:.1f} s")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay_s)

    async def _run_once(self) -> str:
        """Run the child from start to end, and say how it ended."""
        try:
            process = await ChildProcess.spawn(self.child)
        except OSError as error:
            return f"it could not be started ({error})"
        self._process = process
        if self._stopping.is_set():  # asked to stop while it was being started
            await process.stop()
        else:
            self._say(State.STARTING)
        ending = asyncio.create_task(process.wait())
        probing = asyncio.create_task(self._until_ready())
        try:
            await asyncio.wait({ending, probing}, return_when=asyncio.FIRST_COMPLETED)
            if not ending.done() and not self._stopping.is_set():
                waiting_for = probing.result()
                if waiting_for is not None:
                    await process.kill()
                    return f"it was not ready after {self.child.ready_timeout_s:g} s: {waiting_for}"
                self._say(State.RUNNING)
                self._settled.set()
            return await ending
        finally:
            probing.cancel()
            if not ending.done():
                await process.kill()
                await ending
            self._process = None

    async def _until_ready(self) -> str | None:
        deadline = time.monotonic() + self.child.ready_timeout_s
        while True:
            try:
                waiting_for = await self.child.ready()
            except Exception as error:  # noqa: BLE001 - a faulty probe must not end the keeping
                waiting_for = f"its probe failed ({error!r})"
            if waiting_for is None or time.monotonic() > deadline:
                return waiting_for
            await asyncio.sleep(PROBE_INTERVAL_S)

    def _say(self, state: State, detail: str = "") -> None:
        pid = self._process.pid if self._process is not None else None
        self.status = ChildStatus(self.child.name, state, self.child.log_path, pid, detail)
        self._on_change(self.status)
