"""One batch of a partition, handled to its end: transactions, retries, dead letters."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

import structlog
from confluent_kafka import Message

from spojka import crash_points
from spojka.database import Database
from spojka.delivery import inbox
from spojka.delivery.backoff import Backoff
from spojka.delivery.dead_letter import DeadLetterBox
from spojka.delivery.decode import decode, headers_of
from spojka.delivery.failures import Failure, classify
from spojka.delivery.handler import ConsumerPolicy, Kind, Place, ReceivedEvent, Route
from spojka.delivery.headers import TYPE
from spojka.delivery.health import Health
from spojka.delivery.runs import split
from spojka.delivery.sharing import Sharing, SharingFailedError
from spojka.errors import Unavailable
from spojka.telemetry import enter_trace

PAUSE_LOOK_SECONDS: Final = 1.0

ResultT = TypeVar("ResultT")

log = structlog.get_logger()


@dataclass(slots=True)
class HandlingStats:
    """Figures of one consumer."""

    handled_events: int = 0
    repeated_events: int = 0
    skipped_events: int = 0
    dead_letters: int = 0
    failed_attempts: int = 0


@dataclass(slots=True, eq=False)
class Handling:
    """What a consumer does with batches, whatever partition they are of."""

    consumer: str
    database: Database
    routes: Mapping[str, Route]
    policy: ConsumerPolicy
    box: DeadLetterBox
    health: Health
    after_commit: Callable[[], None]
    stats: HandlingStats = field(default_factory=HandlingStats)
    slots: asyncio.Semaphore = field(init=False)
    sharing: Sharing = field(init=False)

    def __post_init__(self) -> None:
        """Let the transactions of all partitions share the same slots."""
        self.slots = asyncio.Semaphore(self.policy.parallel_transactions_max)
        self.sharing = Sharing(self._transact, self.slots, self.policy)

    async def handle(self, messages: Sequence[Message], done: Callable[[int], None]) -> None:
        """Handle every message of one partition's batch, or make it a dead letter.

        Raises nothing but CancelledError: whatever fails together with other
        partitions is tried by itself, then message by message, in place. Calls
        `done` with an offset when that message and all before it are finished,
        so that the offset after it may be stored.
        """
        finished: set[Place] = set()
        try:
            events = [event for event in map(self._decoded, messages) if event is not None]
            try:
                await self.sharing.handle(events, finished)
            except SharingFailedError as error:
                log.info("a shared transaction failed: its partitions part", error=str(error))
                own = [event for event in events if event.place not in finished]
                async with self.slots:
                    await self._transact(own, finished)
        except Exception as error:  # noqa: BLE001 - each message is now tried alone and says it again
            log.info("a batch failed: its messages are tried alone", error=repr(error))
            for message in messages:
                partition, offset = PartitionName.of(message), message.offset()
                assert offset is not None
                place = (partition.topic, partition.number, offset)
                paused = place not in finished and await self._handle_alone(message)
                done(offset)
                if paused:
                    await self.wait_while_paused(partition)
        else:
            last = messages[-1].offset()
            assert last is not None
            self.stats.skipped_events += len(messages) - len(events)
            done(last)

    def _decoded(self, message: Message) -> ReceivedEvent | None:
        """Read a message that a handler wants; None for one that none does.

        That is a type which this version does not know, or a key's removal
        that nobody asked for. Raises PoisonError.
        """
        headers = headers_of(message)
        route = self.routes.get(headers.get(TYPE, ""))
        if route is None or (message.value() is None and not route.wants_tombstones):
            return None
        return decode(message, headers)

    async def wait_while_paused(self, partition: "PartitionName") -> None:
        """Wait as long as the partition is paused for its dead letters; health says so."""
        name = f"{partition}: paused"
        while True:
            reason = await self._insist(
                partition, lambda: self.box.pause_reason(partition.topic, partition.number)
            )
            if reason is None:
                self.health.recover(name)
                return
            self.health.degrade(name, reason)
            await asyncio.sleep(PAUSE_LOOK_SECONDS)

    async def _handle_alone(self, message: Message) -> bool:
        """Handle one message to its end; say whether it was one dead letter too many."""
        partition = PartitionName.of(message)
        backoff = Backoff(self.policy.retry_first_seconds, self.policy.retry_max_seconds)
        attempts = unclear = 0
        paused = False
        while True:
            attempts += 1
            try:
                event = self._decoded(message)
                if event is not None:
                    async with self.slots:
                        await self._transact([event], set())
            except Exception as error:  # noqa: BLE001 - classified here
                failure = classify(error)
                unclear += failure is Failure.UNCLEAR
                self._say(partition, message, failure, error)
                if failure is Failure.POISON or unclear >= self.policy.unclear_attempts_max:
                    paused = await self._bury(partition, message, error, attempts)
                    break
                await asyncio.sleep(backoff.next_seconds())
            else:
                self.stats.skipped_events += event is None
                break
        self.health.recover(str(partition))
        return paused

    def _say(
        self, partition: "PartitionName", message: Message, failure: Failure, error: Exception
    ) -> None:
        self.stats.failed_attempts += 1
        if failure is not Failure.POISON:
            reason = f"waits at offset {message.offset()}: {error!r}"
            self.health.degrade(str(partition), reason)
        log.warning(
            "an event was not handled",
            partition=str(partition),
            offset=message.offset(),
            failure=failure.value,
            error=repr(error),
            exc_info=error if failure is Failure.UNCLEAR else None,
        )

    async def _transact(self, events: Sequence[ReceivedEvent], finished: set[Place]) -> None:
        """Handle events in one transaction a run; add those of each that commits to `finished`."""
        for run in split(events, self.routes):
            enter_trace(run.events[0].traceparent)
            async with self.database.transaction(run.tenant_id) as connection:
                new: Sequence[ReceivedEvent] = run.events
                if run.route.kind is Kind.FACT:
                    new = await inbox.remember(connection, self.consumer, new)
                if new:
                    await run.route.handler.handle(connection, run.tenant_id, new)
            crash_points.reach("event-handled")
            finished.update(event.place for event in run.events)
            self.stats.handled_events += len(new)
            self.stats.repeated_events += len(run.events) - len(new)
            if new:
                self.after_commit()

    async def _bury(
        self, partition: "PartitionName", message: Message, error: Exception, attempts: int
    ) -> bool:
        paused = await self._insist(partition, lambda: self.box.put(message, error, attempts))
        self.stats.dead_letters += 1
        log.error(
            "a message became a dead letter",
            partition=str(partition),
            offset=message.offset(),
            error=repr(error),
        )
        return paused

    async def _insist(
        self, partition: "PartitionName", action: Callable[[], Awaitable[ResultT]]
    ) -> ResultT:
        backoff = Backoff(self.policy.retry_first_seconds, self.policy.retry_max_seconds)
        while True:
            try:
                result = await action()
            except Unavailable as error:
                self.health.degrade(str(partition), error.message)
                await asyncio.sleep(backoff.next_seconds())
            else:
                if backoff.failures:
                    self.health.recover(str(partition))
                return result


@dataclass(frozen=True, slots=True)
class PartitionName:
    """One partition of one topic."""

    topic: str
    number: int

    @staticmethod
    def of(message: Message) -> "PartitionName":
        """The partition that a message came from."""
        topic, number = message.topic(), message.partition()
        assert topic is not None
        assert number is not None
        return PartitionName(topic, number)

    def __str__(self) -> str:
        return f"{self.topic}[{self.number}]"
