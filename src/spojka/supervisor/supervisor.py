"""Runs a set of processes on one machine and ends them in order."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from itertools import groupby
from types import TracebackType
from typing import Self

from spojka.supervisor.child import Child
from spojka.supervisor.errors import SupervisorError
from spojka.supervisor.keeper import Keeper, RestartPolicy
from spojka.supervisor.status import ChildStatus

CHILDREN_MAX = 64
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def _ignore(_status: ChildStatus) -> None:
    """Be the callback of a caller who asks for nothing."""


class Supervisor:
    """Keeps children running, knowing nothing of what they are.

    Use it as an async context manager: leaving it stops every child. `start` may be called
    several times, so that a caller can do its own work (a migration, say) between two sets.
    `on_change` is called on the event loop at every change of a child's state; it must not block.
    """

    def __init__(
        self,
        on_change: Callable[[ChildStatus], None] = _ignore,
        policy: RestartPolicy | None = None,
    ) -> None:
        self._on_change = on_change
        self._policy = policy or RestartPolicy()
        self._keepers: dict[str, Keeper] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self, children: Sequence[Child]) -> None:
        """Start children, the highest stop group first; return when all of them serve.

        Raises:
            SupervisorError: a name is used twice, or there are too many children.
            ChildGaveUpError: one could not be kept running; the others stay until `stop`.

        """
        names = [*self._keepers, *(child.name for child in children)]
        if len(set(names)) != len(names):
            raise SupervisorError(f"A child's name is used twice in: {', '.join(names)}.")
        if len(names) > CHILDREN_MAX:
            raise SupervisorError(f"{len(names)} children are more than {CHILDREN_MAX}.")
        ordered = sorted(children, key=lambda child: -child.stop_group)
        for _, group in groupby(ordered, key=lambda child: child.stop_group):
            keepers = [Keeper(child, self._policy, self._on_change) for child in group]
            self._keepers |= {keeper.child.name: keeper for keeper in keepers}
            outcomes = await asyncio.gather(
                *(keeper.start() for keeper in keepers), return_exceptions=True
            )
            for outcome in outcomes:
                if isinstance(outcome, BaseException):
                    raise outcome

    async def stop(self) -> None:
        """Stop all children, the lowest stop group first; each has its own time-out."""
        ordered = sorted(self._keepers.values(), key=lambda keeper: keeper.child.stop_group)
        for _, group in groupby(ordered, key=lambda keeper: keeper.child.stop_group):
            await asyncio.gather(*(keeper.stop() for keeper in group))

    def statuses(self) -> tuple[ChildStatus, ...]:
        """Say where every child stands, in the order of their start."""
        return tuple(keeper.status for keeper in self._keepers.values())


async def wait_for_stop_signal() -> signal.Signals:
    """Wait until the process is asked to end (SIGTERM, or Ctrl-C); further ones change nothing."""
    loop = asyncio.get_running_loop()
    asked: asyncio.Future[signal.Signals] = loop.create_future()

    def ask(received: signal.Signals) -> None:
        if not asked.done():
            asked.set_result(received)

    for each in STOP_SIGNALS:
        loop.add_signal_handler(each, ask, each)
    return await asked
