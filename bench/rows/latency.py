"""From a commit to the consumer's handler, at 1,000 events a second.

Measured: the time from the return of COMMIT, in transactions of ten events a
hundred times a second, to the call of the handler in a consumer of the ground
(its transaction open, the events read): outbox, relay with its Kafka
transactions, read-committed fetch, poll thread, event loop. All in one process.

Ceiling: the same events, produced by the bare idempotent producer as soon as
they are due and received by the bare client's poll on a thread, by the same
broker with the same topic settings: no database, no transactions.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Final, Self
from uuid import UUID, uuid4

from confluent_kafka import Consumer as BareConsumer
from confluent_kafka import TopicPartition

from bench.bus import as_message, bare_producer, stock_events
from bench.result import Result, time_against
from bench.stage import Stage
from spojka.database import Connection, Database
from spojka.delivery.consumer import Consumer
from spojka.delivery.handler import Kind, ReceivedEvent, Route
from spojka.delivery.health import Health
from spojka.delivery.kafka_config import consumer_config, kafka_config
from spojka.delivery.relay import Relay
from spojka.outbox import Event, append
from spojka.settings import Settings
from spojka.topics import Topic

EVENTS_PER_SECOND: Final = 1_000
TRANSACTION_EVENTS: Final = 10
SECONDS: Final = 8
QUICK_SECONDS: Final = 3
WARM_UP_SECONDS: Final = 2
ROUNDS: Final = 3
ITEMS: Final = 5_000
ARRIVAL_SECONDS: Final = 60.0
GROUP: Final = "bench"

Send = Callable[[Sequence[Event]], Awaitable[None]]


@dataclass(slots=True)
class Clock:
    """When each event was sent, and when it came."""

    sent: dict[str, float] = field(default_factory=dict)
    came: dict[str, float] = field(default_factory=dict)

    def receive(self, event_id: str) -> None:
        """Note an arrival; a repetition counts once."""
        self.came.setdefault(event_id, time.perf_counter())

    def milliseconds(self) -> list[float]:
        """How long each event took."""
        return [(self.came[key] - sent) * 1000 for key, sent in self.sent.items()]


@dataclass(slots=True)
class _Arrivals:
    """A handler that notes when events reach it."""

    clock: Clock

    async def handle(
        self, _connection: Connection, _tenant: UUID, events: Sequence[ReceivedEvent]
    ) -> None:
        for event in events:
            self.clock.receive(str(event.id))


async def commit_to_consumer(stage: Stage) -> list[Result]:
    """Both ways in turns; the percentiles of all rounds together."""
    seconds = QUICK_SECONDS if stage.quick else SECONDS
    database = await stage.database("stock")
    await stage.ensure_topics("stock", groups=[GROUP])
    ours: list[float] = []
    bare: list[float] = []
    async with _House(stage.settings, database) as house, _Bare(stage.settings) as wire:
        await _run(house.send, house.clock, WARM_UP_SECONDS)
        await _run(wire.send, wire.clock, WARM_UP_SECONDS)
        for _ in range(ROUNDS):
            ours += await _run(house.send, house.clock, seconds)
            bare += await _run(wire.send, wire.clock, seconds)
    what = f"commit → consumer at {EVENTS_PER_SECOND:,} events/s"
    return [
        time_against(f"{what}, p{percent}", _at(ours, percent), _at(bare, percent), at_most=3)
        for percent in (50, 99)
    ]


def _at(values: Sequence[float], percent: int) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1]


async def _run(send: Send, clock: Clock, seconds: int) -> list[float]:
    """Send at the pace, whatever the answers; wait for all, and return each one's milliseconds."""
    clock.sent.clear()
    clock.came.clear()
    events = stock_events(uuid4(), EVENTS_PER_SECOND * seconds, items=ITEMS)
    start = time.perf_counter()
    for first in range(0, len(events), TRANSACTION_EVENTS):
        due = start + first / EVENTS_PER_SECOND
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        await send(events[first : first + TRANSACTION_EVENTS])
    async with asyncio.timeout(ARRIVAL_SECONDS):
        while len(clock.came) < len(events):  # noqa: ASYNC110 - a figure, not an event
            await asyncio.sleep(0.02)
    return clock.milliseconds()


class _House:
    """The whole way of the ground: outbox, relay, consumer."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.clock = Clock()
        self._database = database
        self._relay = Relay(database, settings, "stock", Health())
        [kind] = {event.type for event in stock_events(uuid4(), 1, items=1)}
        self._consumer = Consumer(
            GROUP,
            topics=[Topic.STOCK],
            routes=[Route(frozenset({kind}), _Arrivals(self.clock), Kind.STATE)],
            database=database,
            settings=settings,
            health=Health(),
        )

    async def __aenter__(self) -> Self:
        await self._relay.start()
        await self._consumer.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._consumer.stop()
        await self._relay.stop()

    async def send(self, events: Sequence[Event]) -> None:
        """Commit the events in one transaction."""
        async with self._database.infrastructure() as connection:
            await append(connection, events)
        now = time.perf_counter()
        self._relay.nudge()
        for event in events:
            self.clock.sent[str(event.id)] = now


class _Bare:
    """The bare client both ways, on a topic of its own."""

    def __init__(self, settings: Settings) -> None:
        self.clock = Clock()
        self._topic = Topic.ORDERS.full_name(settings.topic_prefix)
        self._partitions = settings.orders_partitions
        self._producer = bare_producer(settings, linger_ms=0)
        config = consumer_config(kafka_config(settings, "bench"), f"bare-{uuid4()}")
        self._consumer = BareConsumer(config | {"enable.auto.commit": False})
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._receive, name="bare consumer")

    async def __aenter__(self) -> Self:
        self._consumer.assign(
            [TopicPartition(self._topic, number, 0) for number in range(self._partitions)]
        )
        self._thread.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._stopping.set()
        await asyncio.to_thread(self._thread.join)
        self._consumer.close()

    async def send(self, events: Sequence[Event]) -> None:
        """Produce the events; nothing waits for the broker."""
        for event in events:
            key, value, headers = as_message(event)
            self.clock.sent[str(event.id)] = time.perf_counter()
            self._producer.produce(self._topic, value, key, headers=headers)
        self._producer.poll(0)

    def _receive(self) -> None:
        while not self._stopping.is_set():
            message = self._consumer.poll(0.1)
            if message is None:
                continue
            error = message.error()
            assert error is None, str(error)
            headers = dict(message.headers() or [])
            event_id = headers["ce_id"]
            assert isinstance(event_id, bytes)
            self.clock.receive(event_id.decode())
