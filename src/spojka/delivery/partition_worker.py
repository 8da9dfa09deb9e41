"""The event loop's side of one assigned partition: a buffer and the task that empties it."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from confluent_kafka import Message

from spojka.delivery.assignment import Assignment
from spojka.delivery.handler import ConsumerPolicy
from spojka.delivery.handling import Handling, PartitionName
from spojka.delivery.poll_thread import Done


class PartitionWorker:
    """Handles one partition's messages in order, batch by batch, until it is stopped.

    The buffer is bounded by the poll thread, which pauses the partition.
    """

    def __init__(
        self,
        assignment: Assignment,
        handling: Handling,
        policy: ConsumerPolicy,
        submit: Callable[[Done], None],
    ) -> None:
        """Begin at once; needs a running event loop."""
        self._assignment = assignment
        self._handling = handling
        self._policy = policy
        self._submit = submit
        self._buffer: deque[Message] = deque()
        self._filled = asyncio.Event()
        self._between_batches = True
        self._stopping = False
        self.task = asyncio.create_task(self._work(), name=f"partition {assignment.key}")

    def offer(self, messages: Sequence[Message]) -> None:
        """Append messages; a stopped worker drops them, to be delivered to the next member."""
        if not self._stopping:
            self._buffer.extend(messages)
            self._filled.set()

    async def stop(self) -> None:
        """Let the batch on its way finish within the grace, else roll its transaction back."""
        self._stopping = True
        if not self._between_batches:
            await asyncio.wait({self.task}, timeout=self._policy.stop_grace_seconds)
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def _work(self) -> None:
        name = PartitionName(self._assignment.topic, self._assignment.partition)
        try:
            await self._handling.wait_while_paused(name)
            while not self._stopping:
                await self._filled.wait()
                self._between_batches = False
                await self._work_off(self._take())
                self._between_batches = True
        finally:
            self._handling.health.recover(str(name))
            self._handling.health.recover(f"{name}: paused")

    async def _work_off(self, batch: list[Message]) -> None:
        finished = 0

        def done(offset: int) -> None:
            nonlocal finished
            start = finished
            while finished < len(batch) and (batch[finished].offset() or 0) <= offset:
                finished += 1
            size = sum(map(len, batch[start:finished]))
            self._submit(Done(self._assignment, offset + 1, finished - start, size))

        await self._handling.handle(batch, done)

    def _take(self) -> list[Message]:
        batch: list[Message] = []
        size = 0
        while self._buffer and len(batch) < self._policy.batch_max_events:
            size += len(self._buffer[0])
            if batch and size > self._policy.batch_max_bytes:
                break
            batch.append(self._buffer.popleft())
        if not self._buffer:
            self._filled.clear()
        return batch
