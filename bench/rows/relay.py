"""A full outbox drained into Kafka.

Measured: events per second of one relay that holds all lanes, from the commit
that put the events into the outbox until it has published and deleted them
all. Its lanes were taken over before: that happens once, not with each drain.

Ceiling: the bare idempotent producer with the same headers, keys, values and
compression into the same topic of the same broker, and the linger that is
best for bulk; messages were built beforehand, and nothing is read from or
deleted in PostgreSQL.
"""

import asyncio
import time
from typing import Final
from uuid import uuid4

from bench.bus import as_message, bare_producer, produce_all, stock_events
from bench.measure import alternate
from bench.result import Result, rate_against
from bench.stage import Stage
from spojka.database import Database
from spojka.delivery.health import Health
from spojka.delivery.relay import Relay
from spojka.outbox import Event, append
from spojka.topics import Topic

EVENTS: Final = 50_000
QUICK_EVENTS: Final = 10_000
ITEMS: Final = 5_000
ROUNDS: Final = 3
APPEND_EVENTS: Final = 5_000
BULK_LINGER_MS: Final = 20
DRAIN_SECONDS: Final = 120.0


async def drain(stage: Stage) -> list[Result]:
    """The relay and the bare producer in turns, with the same events."""
    count = QUICK_EVENTS if stage.quick else EVENTS
    tenant = uuid4()
    database = await stage.database("stock")
    await stage.ensure_topics("stock")
    events = stock_events(tenant, count, items=ITEMS)
    messages = [as_message(event) for event in events]
    topic = Topic.STOCK.full_name(stage.settings.topic_prefix)
    relay = Relay(database, stage.settings, "stock", Health())
    producer = bare_producer(stage.settings, linger_ms=BULK_LINGER_MS)

    async def ours() -> float:
        done = relay.stats.published_events + count
        await _fill(database, events)
        start = time.perf_counter()
        relay.nudge()
        await _until_published(relay, done)
        return count / (time.perf_counter() - start)

    async def ceiling() -> float:
        start = time.perf_counter()
        await asyncio.to_thread(produce_all, producer, topic, messages)
        return count / (time.perf_counter() - start)

    await relay.start()
    try:
        await _fill(database, events[:ITEMS])
        relay.nudge()
        await _until_published(relay, min(ITEMS, count))
        await asyncio.to_thread(produce_all, producer, topic, messages[:ITEMS])
        pair = await alternate(ours, ceiling, ROUNDS)
    finally:
        await relay.stop()
    what = f"outbox of {count:,} events drained into Kafka"
    return [rate_against(what, "events/s", pair.figure, pair.limit, at_least=0.5)]


async def _fill(database: Database, events: list[Event]) -> None:
    async with database.infrastructure() as connection:
        for start in range(0, len(events), APPEND_EVENTS):
            await append(connection, events[start : start + APPEND_EVENTS])


async def _until_published(relay: Relay, count: int) -> None:
    async with asyncio.timeout(DRAIN_SECONDS):
        # Counted by the relay once the batch is deleted.
        while relay.stats.published_events < count:  # noqa: ASYNC110 - a figure, not an event
            await asyncio.sleep(0.005)
