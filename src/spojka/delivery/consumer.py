"""A consumer: one member of a group that brings events to the handlers of a service."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import structlog
from confluent_kafka import KafkaException, Message

from spojka.database import Database
from spojka.delivery.acknowledged import AcknowledgedProducer
from spojka.delivery.admin import ensure_topics
from spojka.delivery.assignment import Assignment
from spojka.delivery.backoff import Backoff
from spojka.delivery.dead_letter import DeadLetterBox
from spojka.delivery.handler import ConsumerPolicy, Route
from spojka.delivery.handling import Handling, HandlingStats
from spojka.delivery.health import Health
from spojka.delivery.kafka_config import consumer_config, kafka_config
from spojka.delivery.partition_worker import PartitionWorker
from spojka.delivery.poll_thread import Done, PollThread
from spojka.delivery.reach import reaches_every_broker
from spojka.delivery.seclusion import Seclusion, count_members
from spojka.errors import Unavailable
from spojka.settings import Settings
from spojka.topics import Topic, dead_letter_topic, replay_topic

LEAVE_SECONDS: Final = 5.0
"""Without PostgreSQL, after which a member leaves the group: others may reach it."""
SECLUDED_SECONDS: Final = 10.0
"""Without a leader of its partitions, after which a member leaves the group to its others."""
LOOK_SECONDS: Final = 1.0
AWAY_PAUSE_SECONDS_MAX: Final = 10.0

log = structlog.get_logger()


class Consumer:
    """One member of the group `<prefix>.<group>`, which also gets the group's replays.

    Partitions are handled side by side, each in its order; what several have
    ready shares transactions. `after_commit` is
    called after every transaction that had an effect: nudge the relay there.
    """

    def __init__(
        self,
        group: str,
        *,
        topics: Sequence[Topic],
        routes: Sequence[Route],
        database: Database,
        settings: Settings,
        health: Health,
        after_commit: Callable[[], None] = lambda: None,
        policy: ConsumerPolicy | None = None,
    ) -> None:
        """Take what it stands on; `database` must be open when the consumer is started.

        Raises ValueError when two routes want the same type, SettingsError
        where Kafka's addresses are missing.
        """
        prefix = settings.topic_prefix
        self._kafka = kafka = kafka_config(settings, f"spojka-{group}")
        self._group = group
        self._group_id = f"{prefix}.{group}"
        self._settings = settings
        self._database = database
        self._policy = policy or ConsumerPolicy()
        self._health = health
        self._part = f"consumer {group}"
        self._topics = [topic.full_name(prefix) for topic in topics] + [replay_topic(prefix, group)]
        self._config = consumer_config(kafka, self._group_id)
        self._producer = AcknowledgedProducer(kafka)
        self._handling = Handling(
            consumer=group,
            database=database,
            routes=_by_type(routes),
            policy=self._policy,
            box=DeadLetterBox(
                group,
                dead_letter_topic(prefix, group),
                settings.dead_letter_limit,
                database,
                self._producer,
            ),
            health=health,
            after_commit=after_commit,
        )
        self._workers: dict[Assignment, PartitionWorker] = {}
        self._thread: PollThread | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def stats(self) -> HandlingStats:
        """The figures of what was handled."""
        return self._handling.stats

    @property
    def partitions(self) -> frozenset[tuple[str, int]]:
        """The partitions that this member has now."""
        return frozenset(assignment.key for assignment in self._workers)

    async def start(self) -> None:
        """Begin. Kafka and PostgreSQL may be away: the consumer waits for them and says so."""
        self._keeper = asyncio.create_task(self._keep(), name=self._part)

    async def stop(self) -> None:
        """Finish what is on its way, commit, and leave the group."""
        assert self._keeper is not None, "start the consumer first"
        self._keeper.cancel()
        await asyncio.gather(self._keeper, return_exceptions=True)
        await self._producer.close()

    async def _keep(self) -> None:
        """Be a member of the group; when the client breaks, be a new one."""
        backoff = Backoff(0.2, 10.0)
        topics_are_there = False
        while True:
            try:
                await self._until_database_answers()
                # Not asked again by who only gave way: the broker that is missed may be asked.
                if not topics_are_there:
                    await ensure_topics(self._settings, groups=[self._group])
                topics_are_there = True
                if await self._be_member():
                    await self._stay_away()
            except Exception as error:  # noqa: BLE001 - whatever it is, a new member may do
                topics_are_there = False
                log.error("the consumer broke", group=self._group, error=repr(error))
                self._health.degrade(self._part, f"the consumer broke: {error!r}")
            await asyncio.sleep(backoff.next_seconds())

    async def _until_database_answers(self) -> None:
        backoff = Backoff(0.5, 5.0)
        while True:
            try:
                async with self._database.autocommit() as connection:
                    await connection.execute("SELECT 1")
            except Unavailable as error:
                self._health.degrade(self._part, f"left the group: {error.message}")
                await asyncio.sleep(backoff.next_seconds())
            else:
                return

    async def _be_member(self) -> bool:
        """Poll until cancelled, without PostgreSQL, or secluded; says whether it was that.

        Raises what broke the client or a worker.
        """
        loop = asyncio.get_running_loop()
        seclusion = Seclusion()
        config = seclusion.watched(self._config)
        self._thread = PollThread(config, self._topics, self._policy, self, loop)
        self._thread.start()
        secluded = asyncio.create_task(self._until_others_do_better(seclusion))
        try:
            await _joined(
                self._thread,
                lambda: self._database.away_seconds > LEAVE_SECONDS or secluded.done(),
            )
        finally:
            secluded.cancel()
            self._thread.ask_to_stop()
            await _joined(self._thread)
            await self.revoked(list(self._workers))
        if self._thread.error is not None:
            raise self._thread.error
        return secluded.done() and not secluded.cancelled() and secluded.result()

    async def _until_others_do_better(self, seclusion: Seclusion) -> bool:
        """True as soon as leaders of our partitions were long missed, and the group has others."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            missed = seclusion.missed_for(SECLUDED_SECONDS)
            if missed and (await self._count_members() or 0) > 1:
                reason = (
                    f"left the group to others: {', '.join(missed)}, which lead partitions, are "
                    "not reached from this host; open the way to them"
                )
                log.warning("the consumer gives way", group=self._group, reason=reason)
                self._health.degrade(self._part, reason)
                return True

    async def _stay_away(self) -> None:
        """Wait, without a partition, until every broker is reached or the group has nobody."""
        backoff = Backoff(2.0, AWAY_PAUSE_SECONDS_MAX)
        while True:
            await asyncio.sleep(backoff.next_seconds())
            if await self._count_members() == 0 or await reaches_every_broker(self._kafka):
                return

    async def _count_members(self) -> int | None:
        """How many members the group has; None where nobody says."""
        try:
            return await count_members(self._kafka, self._group_id)
        except KafkaException as error:
            log.info("nobody says how many the group has", group=self._group, error=str(error))
            return None

    # --- what the poll thread tells (poll_thread.Listener) -----------------------------------

    def assigned(self, assignment: Assignment) -> None:
        """Start a worker for the partition."""
        self._health.recover(self._part)
        worker = PartitionWorker(assignment, self._handling, self._policy, self._submit)
        worker.task.add_done_callback(self._worker_ended)
        self._workers[assignment] = worker

    def received(self, batches: Sequence[tuple[Assignment, Sequence[Message]]]) -> None:
        """Hand messages to their partitions' workers."""
        for assignment, messages in batches:
            worker = self._workers.get(assignment)
            if worker is not None:
                worker.offer(messages)

    async def revoked(self, assignments: Sequence[Assignment]) -> None:
        """End the partitions' workers."""
        workers = [self._workers.pop(a) for a in assignments if a in self._workers]
        await asyncio.gather(*(worker.stop() for worker in workers))
        for assignment in assignments:
            self._health.recover(_gap(assignment))

    def stopped_at_gap(self, assignment: Assignment, reason: str) -> None:
        """Say that events are missing: only a person may decide to go on."""
        log.error("events are missing in Kafka", partition=assignment.key, error=reason)
        self._health.degrade(
            _gap(assignment),
            f"the next offset of the group is no longer in Kafka ({reason}): stop the group's "
            "consumers, find out what was lost, then set the offset with kafka-consumer-groups",
        )

    def troubled(self, reason: str | None) -> None:
        """Say whether the client works."""
        if reason is None:
            self._health.recover(self._part)
        else:
            self._health.degrade(self._part, reason)

    def _worker_ended(self, task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and self._thread is not None:
            # A fault of this code or a missing table: begin anew, as a new member.
            log.error("a partition's worker broke", exc_info=error)
            self._thread.error = self._thread.error or RuntimeError(repr(error))
            self._thread.ask_to_stop()

    def _submit(self, done: Done) -> None:
        assert self._thread is not None
        self._thread.submit(done)


def _by_type(routes: Sequence[Route]) -> Mapping[str, Route]:
    by_type: dict[str, Route] = {}
    for route in routes:
        for type_ in route.types:
            if type_ in by_type:
                raise ValueError(f"two routes want {type_}")
            by_type[type_] = route
    return by_type


def _gap(assignment: Assignment) -> str:
    return f"{assignment.topic}[{assignment.partition}]: gap"


async def _joined(thread: PollThread, unless: Callable[[], bool] = lambda: False) -> None:
    while thread.is_alive() and not unless():  # noqa: ASYNC110 - threading has no event to await
        await asyncio.sleep(0.02)
