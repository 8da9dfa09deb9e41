"""The thread that owns a Kafka consumer: no other thread ever calls it.

It hands batches to the event loop and obeys commands from a bounded queue.
It never waits for a handler: a partition of which too much is unfinished is
paused. Only while partitions are taken away it waits, for a bounded time, so
that what is on its way is finished or rolled back before another member
begins with the same offsets.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from spojka.delivery.assignment import Assignment, with_start
from spojka.delivery.handler import ConsumerPolicy
from spojka.delivery.kafka_config import KafkaConfig

POLL_SECONDS: Final = 0.05
FETCH_MAX_MESSAGES: Final = 500
COMMANDS_MAX: Final = 10_000
REVOKE_MAX_SECONDS: Final = 10.0
PROBE_SECONDS: Final = 1.0

GROUP_PROPERTIES: Final = {
    "group.protocol": "classic",
    "partition.assignment.strategy": "cooperative-sticky",
    # A killed process is replaced within seconds.
    "session.timeout.ms": 6_000,
    "heartbeat.interval.ms": 2_000,
    "max.poll.interval.ms": 60_000,
    "enable.auto.commit": True,
    "auto.commit.interval.ms": 1_000,
}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Done:
    """Everything of an assignment before `next_offset` is finished: so many more messages."""

    assignment: Assignment
    next_offset: int
    events: int
    bytes: int


class Listener(Protocol):
    """What the poll thread tells; called on the event loop, in order."""

    def assigned(self, assignment: Assignment) -> None:
        """A partition is now ours."""

    def received(self, batches: Sequence[tuple[Assignment, Sequence[Message]]]) -> None:
        """Messages of partitions, each in its order."""

    async def revoked(self, assignments: Sequence[Assignment]) -> None:
        """Partitions go away: finish or give up what is on its way, then return."""

    def stopped_at_gap(self, assignment: Assignment, reason: str) -> None:
        """A partition can't go on: its next offset is no longer in Kafka."""

    def troubled(self, reason: str | None) -> None:
        """The client is in trouble for this reason, or (None) works again."""


class PollThread(threading.Thread):
    """One member of a consumer group. Use once: start, then stop and join."""

    def __init__(
        self,
        config: KafkaConfig,
        topics: Sequence[str],
        policy: ConsumerPolicy,
        listener: Listener,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Take what the member needs; the client is made on the thread."""
        super().__init__(name=f"poll {config['group.id']}", daemon=True)
        self.error: Exception | None = None
        self._config = config | GROUP_PROPERTIES | {"error_cb": self._on_error}
        self._topics = list(topics)
        self._policy = policy
        self._listener = listener
        self._loop = loop
        self._commands: queue.Queue[Done] = queue.Queue(COMMANDS_MAX)
        self._assignments: dict[tuple[str, int], Assignment] = {}
        self._stop_asked = threading.Event()
        self._trouble: str | None = None

    def submit(self, command: Done) -> None:
        """Give the thread a command. Never blocks; raises queue.Full past COMMANDS_MAX."""
        self._commands.put_nowait(command)

    def ask_to_stop(self) -> None:
        """Make the thread hand its partitions back, commit, leave the group and end."""
        self._stop_asked.set()

    def run(self) -> None:
        """Poll until asked to stop; `error` tells afterwards what went wrong, if anything."""
        try:
            consumer = Consumer(self._config)
        except (KafkaException, ValueError) as error:
            self.error = error
            return
        try:
            consumer.subscribe(
                self._topics,
                on_assign=self._kept(self._on_assign),
                on_revoke=self._kept(self._on_revoke),
                on_lost=self._kept(self._on_lost),
            )
            while not self._stop_asked.is_set():
                self._obey(consumer)
                self._receive(consumer)
                if self.error is not None:
                    break
                if self._trouble is not None:
                    self._probe(consumer)
        except Exception as error:  # noqa: BLE001 - told to the owner, who decides
            self.error = error
        finally:
            self._close(consumer)

    def _close(self, consumer: Consumer) -> None:
        try:
            consumer.close()  # revokes, commits what is stored, leaves the group
        except (KafkaException, RuntimeError) as error:
            self.error = self.error or error

    # --- commands ---------------------------------------------------------------------------

    def _obey(self, consumer: Consumer) -> None:
        offsets: dict[tuple[str, int], TopicPartition] = {}
        for _ in range(COMMANDS_MAX):
            try:
                done = self._commands.get_nowait()
            except queue.Empty:
                break
            assignment = done.assignment
            if self._assignments.get(assignment.key) is not assignment:
                continue  # of an assignment that ended: its offsets belong to another member
            assignment.waiting_events -= done.events
            assignment.waiting_bytes -= done.bytes
            offsets[assignment.key] = assignment.at(done.next_offset)
        if offsets:
            consumer.store_offsets(offsets=list(offsets.values()))
            self._resume(consumer, [self._assignments[key] for key in offsets])

    def _resume(self, consumer: Consumer, assignments: Sequence[Assignment]) -> None:
        policy = self._policy
        for assignment in assignments:
            if (
                assignment.paused
                and assignment.waiting_events <= policy.buffer_max_events // 2
                and assignment.waiting_bytes <= policy.buffer_max_bytes // 2
            ):
                assignment.paused = False
                consumer.resume([assignment.at()])

    # --- messages ---------------------------------------------------------------------------

    def _receive(self, consumer: Consumer) -> None:
        # poll() returns with the first message; consume() would wait until it has all it may take.
        first = consumer.poll(POLL_SECONDS)
        if first is None:
            return
        batches: dict[tuple[str, int], list[Message]] = {}
        for message in [first, *consumer.consume(FETCH_MAX_MESSAGES, timeout=0)]:
            error = message.error()
            if error is not None:
                self._take_error(message, error)
                continue
            topic, partition = message.topic(), message.partition()
            assert topic is not None
            assert partition is not None
            batches.setdefault((topic, partition), []).append(message)
        if batches:
            ours = [
                (self._assignments[key], messages)
                for key, messages in batches.items()
                if key in self._assignments
            ]
            for assignment, messages in ours:
                self._count(consumer, assignment, messages)
            self._tell(self._listener.received, ours)
            self._recover()

    def _count(
        self, consumer: Consumer, assignment: Assignment, messages: Sequence[Message]
    ) -> None:
        assignment.waiting_events += len(messages)
        assignment.waiting_bytes += sum(map(len, messages))
        if not assignment.paused and (
            assignment.waiting_events >= self._policy.buffer_max_events
            or assignment.waiting_bytes >= self._policy.buffer_max_bytes
        ):
            assignment.paused = True
            consumer.pause([assignment.at()])

    def _take_error(self, message: Message, error: KafkaError) -> None:
        topic, partition = message.topic(), message.partition()
        if error.code() == KafkaError._AUTO_OFFSET_RESET and topic and partition is not None:  # noqa: SLF001
            assignment = self._assignments.get((topic, partition))
            if assignment is not None:
                self._tell(self._listener.stopped_at_gap, assignment, error.str())
        elif error.fatal():
            raise KafkaException(error)
        else:
            self._on_error(error)

    # --- the group: these run inside poll() and close() ---------------------------------------

    def _kept(
        self, callback: Callable[[Consumer, list[TopicPartition]], None]
    ) -> Callable[[Consumer, list[TopicPartition]], None]:
        """Keep a callback's error for `run`.

        Through the client's C code it would come out of poll() as a KafkaError,
        which is no exception and which `except` does not catch.
        """

        def call(consumer: Consumer, partitions: list[TopicPartition]) -> None:
            try:
                callback(consumer, partitions)
            except Exception as error:  # noqa: BLE001 - told to the owner, who decides
                self.error = self.error or error

        return call

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if not partitions:
            return
        started = with_start(consumer, partitions)
        consumer.incremental_assign(started)
        for partition in started:
            assignment = Assignment(partition.topic, partition.partition)
            self._assignments[assignment.key] = assignment
            self._tell(self._listener.assigned, assignment)
        # Written down at once: from now on a missing offset is an error, not a new group.
        consumer.store_offsets(offsets=started)
        self._recover()

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        leaving = self._leaving(partitions)
        self._wait_for_end(leaving)
        self._obey(consumer)
        self._forget(leaving)
        try:
            consumer.commit(asynchronous=False)
        except KafkaException as error:
            # Nothing stored, or the group has moved on: the next member handles them again,
            # which the inbox and the version guards make harmless.
            log.debug("no offsets committed at revocation", error=str(error))
        consumer.incremental_unassign(partitions)

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        leaving = self._leaving(partitions)
        self._forget(leaving)
        self._wait_for_end(leaving)
        consumer.incremental_unassign(partitions)

    def _leaving(self, partitions: list[TopicPartition]) -> list[Assignment]:
        keys = [(partition.topic, partition.partition) for partition in partitions]
        return [self._assignments[key] for key in keys if key in self._assignments]

    def _forget(self, assignments: Sequence[Assignment]) -> None:
        for assignment in assignments:
            self._assignments.pop(assignment.key, None)

    def _wait_for_end(self, assignments: Sequence[Assignment]) -> None:
        if not assignments or self._loop.is_closed():
            return
        ended = asyncio.run_coroutine_threadsafe(self._listener.revoked(assignments), self._loop)
        try:
            ended.result(REVOKE_MAX_SECONDS)
        except TimeoutError:
            # Its transaction may still commit: the next member's inbox row or version guard
            # waits for it and then has no second effect. Its offset is no longer taken.
            ended.cancel()
            log.error("handlers did not end in time", seconds=REVOKE_MAX_SECONDS)

    # --- trouble ----------------------------------------------------------------------------

    def _on_error(self, error: KafkaError) -> None:
        if error.code() == KafkaError._MAX_POLL_EXCEEDED:  # noqa: SLF001
            log.error("the poll thread was held up", error=str(error))
            return
        self._trouble = str(error)
        self._tell(self._listener.troubled, self._trouble)

    def _probe(self, consumer: Consumer) -> None:
        """Where nothing arrives, ask whether Kafka answers again and has the topics."""
        try:
            known = consumer.list_topics(timeout=PROBE_SECONDS).topics
        except KafkaException:
            return
        if all(topic in known and known[topic].error is None for topic in self._topics):
            self._recover()

    def _recover(self) -> None:
        if self._trouble is not None:
            self._trouble = None
            self._tell(self._listener.troubled, None)

    def _tell(self, call: object, *args: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call, *args)  # type: ignore[arg-type]
