"""Transactions that partitions share: what several have ready is committed together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from spojka.cancelling import cancel_all
from spojka.delivery.handler import ConsumerPolicy, Place, ReceivedEvent

Transact = Callable[[Sequence[ReceivedEvent], set[Place]], Awaitable[None]]
"""Handles events and adds to the set, transaction by transaction, which of them are finished."""


class SharingFailedError(Exception):
    """Events of another partition may be the cause: try one's own alone."""


@dataclass(slots=True, eq=False)
class _Group:
    """Events that go together, batch by batch, each in its partition's order."""

    events: list[ReceivedEvent] = field(default_factory=list)
    finished: set[Place] = field(default_factory=set)
    bytes: int = 0
    batches: int = 0


class Sharing:
    """Gathers batches into groups and handles each group once.

    A batch joins the group that has not begun yet. That group begins in the
    event loop's next turn, when every partition that the poll thread filled has
    joined, or as soon as one of the transactions that may run at once has ended.
    """

    def __init__(
        self,
        transact: Transact,
        slots: asyncio.Semaphore,
        policy: ConsumerPolicy,
    ) -> None:
        """Take what handles a group, and the limits."""
        self._transact = transact
        self._slots = slots
        self._policy = policy
        self._gathering = _Group()
        self._task: asyncio.Task[None] | None = None

    async def handle(self, events: Sequence[ReceivedEvent], finished: set[Place]) -> None:
        """Handle one partition's batch together with those of others; add what is `finished`.

        Raises what failed where the batch had the group for itself, else
        SharingFailedError. A caller that is cancelled takes the group with it:
        when this returns, its transaction has ended.
        """
        if not events:
            return
        group, task = self._join(events)
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            await cancel_all([task])
            raise
        finished |= group.finished
        if group.batches == 1:
            task.result()
        elif task.cancelled() or task.exception() is not None:
            cause = None if task.cancelled() else task.exception()
            raise SharingFailedError(repr(cause)) from cause

    def _join(self, events: Sequence[ReceivedEvent]) -> "tuple[_Group, asyncio.Task[None]]":
        size = sum(len(event.value or b"") for event in events)
        group, task = self._gathering, self._task
        if (
            task is None
            or task.done()
            or task.cancelling()  # before it began: a partition of it went away
            or len(group.events) + len(events) > self._policy.batch_max_events
            or group.bytes + size > self._policy.batch_max_bytes
        ):
            group = self._gathering = _Group()
            task = self._task = asyncio.create_task(self._run(group))
        group.events += events
        group.bytes += size
        group.batches += 1
        return group, task

    async def _run(self, group: _Group) -> None:
        async with self._slots:
            if group is self._gathering:
                self._task = None  # who comes now begins another group
            await self._transact(group.events, group.finished)
