"""From a commit to the consumer's handler, at 1,000 events a second.

Measured: the time from the return of COMMIT, in transactions of ten events a
hundred times a second, to the call of the handler in a consumer of the ground
(its transaction open, the events read): outbox, relay with its Kafka
transactions, read-committed fetch, poll thread, event loop. The relay runs
beside what commits, as in every service; the consumer is another process.

Ceiling: the same events, produced by the bare idempotent producer as soon as
they are due and received by the bare client's poll, in another process, too;
by the same broker with the same topic settings. No database, no transactions.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Final
from uuid import uuid4

from bench.arrivals import BARE_TOPIC, GROUP
from bench.bus import as_message, bare_producer, stock_events
from bench.result import Result, time_against
from bench.stage import Stage
from spojka.database import Database
from spojka.delivery.health import Health
from spojka.delivery.relay import Relay
from spojka.outbox import Event, append

EVENTS_PER_SECOND: Final = 1_000
TRANSACTION_EVENTS: Final = 10
SECONDS: Final = 10
QUICK_SECONDS: Final = 3
WARM_UP_SECONDS: Final = 3
ROUNDS: Final = 3
ITEMS: Final = 5_000
ARRIVAL_SECONDS: Final = 60.0

Send = Callable[[Sequence[Event]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Way:
    """One way for events: how they are sent; when each was, and when it came."""

    send: Send
    sent: dict[str, float]
    came: dict[str, float] = field(default_factory=dict)

    async def run(self, seconds: int) -> list[float]:
        """Send at the pace, whatever arrives; wait for all; each one's milliseconds."""
        self.sent.clear()
        self.came.clear()
        events = stock_events(uuid4(), EVENTS_PER_SECOND * seconds, items=ITEMS)
        start = time.monotonic()
        for first in range(0, len(events), TRANSACTION_EVENTS):
            due = start + first / EVENTS_PER_SECOND
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await self.send(events[first : first + TRANSACTION_EVENTS])
        async with asyncio.timeout(ARRIVAL_SECONDS):
            while len(self.came) < len(events):  # noqa: ASYNC110 - a figure, not an event
                await asyncio.sleep(0.02)
        return [(self.came[key] - sent) * 1000 for key, sent in self.sent.items()]


async def commit_to_consumer(stage: Stage) -> list[Result]:
    """Both ways in turns; the percentiles of all rounds together."""
    seconds = QUICK_SECONDS if stage.quick else SECONDS
    await stage.ensure_topics("stock", groups=[GROUP])
    ours: list[float] = []
    bare: list[float] = []
    async with _house(stage, await stage.database("stock")) as house, _bare(stage) as wire:
        await house.run(WARM_UP_SECONDS)
        await wire.run(WARM_UP_SECONDS)
        for _ in range(ROUNDS):
            ours += await house.run(seconds)
            bare += await wire.run(seconds)
    what = f"commit → consumer at {EVENTS_PER_SECOND:,} events/s"
    return [
        time_against(f"{what}, p{percent}", _at(ours, percent), _at(bare, percent), at_most=3)
        for percent in (50, 99)
    ]


def _at(values: Sequence[float], percent: int) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1]


@asynccontextmanager
async def _house(stage: Stage, database: Database) -> AsyncIterator[Way]:
    relay = Relay(database, stage.settings, "stock", Health())
    sent: dict[str, float] = {}

    async def send(events: Sequence[Event]) -> None:
        async with database.infrastructure() as connection:
            await append(connection, events)
        now = time.monotonic()
        relay.nudge()
        for event in events:
            sent[str(event.id)] = now

    way = Way(send, sent)
    await relay.start()
    try:
        async with _arrivals("house", stage, way):
            yield way
    finally:
        await relay.stop()


@asynccontextmanager
async def _bare(stage: Stage) -> AsyncIterator[Way]:
    topic = BARE_TOPIC.full_name(stage.settings.topic_prefix)
    producer = bare_producer(stage.settings, linger_ms=0)
    sent: dict[str, float] = {}

    async def send(events: Sequence[Event]) -> None:
        for event in events:
            key, value, headers = as_message(event)
            sent[str(event.id)] = time.monotonic()
            producer.produce(topic, value, key, headers=headers)
        producer.poll(0)

    way = Way(send, sent)
    async with _arrivals("bare", stage, way):
        yield way


@asynccontextmanager
async def _arrivals(kind: str, stage: Stage, way: Way) -> AsyncIterator[None]:
    """Run a consumer and note when it says that events came; a repetition counts once."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bench.arrivals", kind),
        stdout=asyncio.subprocess.PIPE,
        env={
            **os.environ,
            "SPOJKA_DATABASE_URL": stage.service_url("stock"),
            "SPOJKA_KAFKA_BOOTSTRAP": stage.settings.required_bootstrap(),
            "SPOJKA_TOPIC_PREFIX": stage.settings.topic_prefix,
            "SPOJKA_LOG_LEVEL": "warning",
        },
    )

    async def note() -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            event_id, _, moment = line.decode().partition(" ")
            way.came.setdefault(event_id, float(moment))

    noting = asyncio.create_task(note())
    try:
        yield
    finally:
        process.terminate()
        await process.wait()
        await noting
