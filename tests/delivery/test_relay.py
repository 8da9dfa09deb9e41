"""The relay publishes every committed event once and in order, whatever fails."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import psycopg
import pytest
from confluent_kafka import Producer

from spojka.database import Database
from spojka.delivery import admin as admin_module
from spojka.delivery import lane as lane_module
from spojka.delivery import outbox_rows
from spojka.delivery import relay as relay_module
from spojka.delivery.health import Health
from spojka.delivery.kafka_config import KafkaConfig
from spojka.delivery.outbox_rows import OutboxRow
from spojka.delivery.producer import FencedError
from spojka.delivery.relay import Relay
from spojka.errors import Unavailable
from spojka.outbox import LANES, append
from spojka.settings import Settings
from spojka.topics import Topic
from tests.delivery.scenes import (
    TENANT,
    by_key,
    event,
    raise_values,
    read_committed,
    stored_values,
    waiting_rows,
)
from tests.waiting import until

KEYS = [f"item-{number}" for number in range(12)]


@asynccontextmanager
async def running(database: Database, settings: Settings) -> AsyncIterator[Relay]:
    relay = Relay(database, settings, "tests", Health())
    await relay.start()
    try:
        yield relay
    finally:
        await relay.stop()


async def assert_once_in_order(database: Database, kafka: KafkaConfig, prefix: str) -> None:
    """Every value of every key was published exactly once, in order, up to the database's."""
    assert await waiting_rows(database) == 0
    topic = Topic.STOCK.full_name(prefix)
    seen = by_key(await asyncio.to_thread(read_committed, kafka, topic, 4))
    stored = await stored_values(database)
    assert seen == {key: list(range(1, value + 1)) for key, value in stored.items()}


async def drained(database: Database) -> None:
    async def empty() -> bool:
        return await waiting_rows(database) == 0

    await until(empty, "the outbox is drained")


async def test_publishes_each_event_once_in_the_order_of_its_key(
    database: Database, settings: Settings, kafka: KafkaConfig, schema: str
) -> None:
    async with running(database, settings) as relay:
        await raise_values(database, KEYS, 5)
        relay.nudge()
        await drained(database)
        assert relay.stats.published_events == 60
    await assert_once_in_order(database, kafka, schema)


async def test_a_sweep_publishes_what_nobody_nudged(
    database: Database, settings: Settings, kafka: KafkaConfig, schema: str
) -> None:
    await raise_values(database, KEYS, 1)
    async with running(database, settings):
        await drained(database)
    await assert_once_in_order(database, kafka, schema)


async def test_rows_that_commit_late_are_published(
    database: Database, settings: Settings, kafka: KafkaConfig, schema: str
) -> None:
    async with running(database, settings) as relay:
        async with database.transaction(TENANT) as late:
            await append(late, [event("late", 1, topic=Topic.STOCK)])
            await late.execute("INSERT INTO value VALUES ('late', 1)")
            await raise_values(database, KEYS, 1)
            relay.nudge()
            await until(lambda: relay.stats.published_events == 12, "the others are published")
        relay.nudge()
        await drained(database)
    await assert_once_in_order(database, kafka, schema)


async def test_a_batch_published_but_not_deleted_is_not_published_again(
    database: Database,
    settings: Settings,
    kafka: KafkaConfig,
    schema: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The relay dies between Kafka's commit and its DELETE; the next one finds the receipt."""
    died = asyncio.Event()
    advance = outbox_rows.advance

    async def die(database: Database, lane: int, published: Sequence[int]) -> list[OutboxRow]:
        if published:
            died.set()
            raise Unavailable("killed before the DELETE")
        return await advance(database, lane, published)

    async def die_again(*_: Any) -> None:
        raise Unavailable("killed before the DELETE")

    await raise_values(database, KEYS, 3)
    with monkeypatch.context() as patch:
        patch.setattr(outbox_rows, "advance", die)
        patch.setattr(outbox_rows, "delete", die_again)
        async with running(database, settings):
            await died.wait()
    assert await waiting_rows(database) == 36
    await raise_values(database, KEYS, 2)
    async with running(database, settings):
        await drained(database)
    await assert_once_in_order(database, kafka, schema)


async def test_rows_that_only_share_numbers_with_the_last_receipt_are_published(
    database: Database, settings: Settings, kafka: KafkaConfig, schema: str, postgres_url: str
) -> None:
    """PostgreSQL restored from a backup draws the numbers again: nothing may be taken for sent."""
    await raise_values(database, KEYS, 1)
    async with running(database, settings):
        await drained(database)
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        owner.execute(f"ALTER TABLE {schema}.outbox ALTER number RESTART".encode())
    await raise_values(database, KEYS, 1)
    async with running(database, settings):
        await drained(database)
    await assert_once_in_order(database, kafka, schema)


async def test_a_batch_that_fails_half_way_is_published_whole(
    database: Database,
    settings: Settings,
    kafka: KafkaConfig,
    schema: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failures = 0
    write = lane_module.Lane._write

    def fail_half_way(self: lane_module.Lane, rows: Sequence[OutboxRow], client: Producer) -> None:
        nonlocal failures
        if failures >= LANES:
            return write(self, rows, client)
        failures += 1
        write(self, rows[: len(rows) // 2], client)
        client.produce("no-such-topic-anywhere", b"v", b"k")
        return write(self, rows[len(rows) // 2 :], client)

    monkeypatch.setattr(lane_module.Lane, "_write", fail_half_way)
    monkeypatch.setattr("spojka.delivery.producer.TRANSACTION_TIMEOUT_MS", 5_000)
    await raise_values(database, KEYS, 4)
    async with running(database, settings) as relay:
        await drained(database)
        assert relay.stats.failed_batches > 0
    await assert_once_in_order(database, kafka, schema)


async def test_batches_that_the_client_does_not_take_are_tried_smaller(
    database: Database,
    settings: Settings,
    kafka: KafkaConfig,
    schema: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lane_module, "ROWS_MIN", 2)
    monkeypatch.setattr(outbox_rows, "BATCH_MAX_ROWS", 64)
    narrow = settings.model_copy(update={"kafka_options": {"queue.buffering.max.messages": 8}})
    await raise_values(database, KEYS, 2)
    async with running(database, narrow) as relay:
        await drained(database)
        assert relay.stats.failed_batches > 0
    await assert_once_in_order(database, kafka, schema)


async def test_relays_share_the_lanes_fairly_and_take_over(
    database: Database, settings: Settings, kafka: KafkaConfig, schema: str
) -> None:
    async with running(database, settings) as first:
        await until(lambda: first.stats.held_lanes == LANES, "one relay holds every lane")
        async with AsyncExitStack() as stack:
            second = await stack.enter_async_context(running(database, settings))
            await until(
                lambda: first.stats.held_lanes == second.stats.held_lanes == LANES // 2,
                "two relays hold half of the lanes each",
            )
            await raise_values(database, KEYS, 5)
            first.nudge()
            await drained(database)
            assert first.stats.published_events > 0
            assert second.stats.published_events > 0
        await until(lambda: first.stats.held_lanes == LANES, "the first has every lane again")
        await raise_values(database, KEYS, 5)
        first.nudge()
        await drained(database)
    await assert_once_in_order(database, kafka, schema)


class Way:
    """The way of one process to Kafka: it swallows everything until it is opened."""

    def __init__(self, kafka_bootstrap: str) -> None:
        self._host, _, port = kafka_bootstrap.rpartition(":")
        self._port = int(port)
        self._opened = asyncio.Event()

    def open(self) -> None:
        self._opened.set()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._opened.wait()
        there_reader, there_writer = await asyncio.open_connection(self._host, self._port)
        await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while read := await reader.read(65_536):
            writer.write(read)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def way_to(kafka_bootstrap: str) -> AsyncIterator[tuple[Way, str]]:
    """Open a way that is closed at first; gives it and its address."""
    way = Way(kafka_bootstrap)
    server = await asyncio.start_server(way.carry, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield way, f"{host}:{port}"
    finally:
        way.open()
        server.close()


async def test_a_relay_that_does_not_reach_kafka_gives_way_until_it_does(
    database: Database,
    settings: Settings,
    kafka: KafkaConfig,
    schema: str,
    kafka_bootstrap: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(relay_module, "GIVE_WAY_SECONDS", 1.0)
    async with way_to(kafka_bootstrap) as (way, address), AsyncExitStack() as stack:
        cut_off = settings.model_copy(update={"kafka_bootstrap": address})
        first = await stack.enter_async_context(running(database, cut_off))
        await until(lambda: first.stats.held_lanes == LANES, "the relay holds every lane")
        await raise_values(database, KEYS, 2)
        first.nudge()
        second = await stack.enter_async_context(running(database, settings))
        await drained(database)
        assert (first.stats.held_lanes, second.stats.held_lanes) == (0, LANES)
        assert second.stats.published_events == 2 * len(KEYS)
        way.open()
        await until(lambda: first.stats.held_lanes == LANES // 2, "it takes its share again")
        await raise_values(database, KEYS, 2)
        second.nudge()
        await drained(database)
        assert first.stats.published_events > 0
    await assert_once_in_order(database, kafka, schema)


async def test_the_only_relay_keeps_its_lanes_while_kafka_is_away(
    database: Database,
    settings: Settings,
    kafka: KafkaConfig,
    schema: str,
    kafka_bootstrap: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(relay_module, "GIVE_WAY_SECONDS", 0.2)
    monkeypatch.setattr(admin_module, "REQUEST_TIMEOUT_SECONDS", 2.0)
    async with way_to(kafka_bootstrap) as (way, address):
        cut_off = settings.model_copy(update={"kafka_bootstrap": address})
        async with running(database, cut_off) as relay:
            await raise_values(database, KEYS, 1)
            await until(lambda: relay.stats.failed_batches > LANES, "it tried again and again")
            assert relay.stats.held_lanes == LANES
            way.open()
            await drained(database)
    await assert_once_in_order(database, kafka, schema)


async def test_a_relay_whose_connection_is_cut_goes_on(
    database: Database, settings: Settings, kafka: KafkaConfig, schema: str, postgres_url: str
) -> None:
    async with running(database, settings) as relay:
        await until(lambda: relay.stats.held_lanes == LANES, "the relay holds every lane")
        await raise_values(database, KEYS, 2)
        with psycopg.connect(postgres_url, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE usename = %s AND application_name LIKE '%% direct'",
                [schema],
            )
        await raise_values(database, KEYS, 2)
        await drained(database)
        await until(lambda: relay.stats.held_lanes == LANES, "it holds every lane again")
    await assert_once_in_order(database, kafka, schema)


async def test_a_lane_is_not_fenced_by_a_process_that_lost_it(
    database: Database, kafka: KafkaConfig, schema: str
) -> None:
    async def lost(_lane: int) -> bool:
        return False

    lane = lane_module.Lane(0, database, kafka, schema, lost)
    with pytest.raises(FencedError, match="no longer held"):
        await lane.drain(lambda _: None)
