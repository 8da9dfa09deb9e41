"""A relay that is killed, or stopped past the loss of its lanes and continued, breaks nothing."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from spojka.database import Database
from spojka.delivery.kafka_config import KafkaConfig
from spojka.outbox import LANES
from spojka.settings import Settings
from tests.delivery.relay_process import POINTS
from tests.delivery.scenes import raise_values
from tests.delivery.test_relay import KEYS, assert_once_in_order, drained, running
from tests.waiting import until


@asynccontextmanager
async def relay_process(settings: Settings, point: str, number: str) -> AsyncIterator[Process]:
    assert settings.database_url is not None
    environment = os.environ | {
        "SPOJKA_DATABASE_URL": settings.database_url.get_secret_value(),
        "SPOJKA_KAFKA_BOOTSTRAP": settings.required_bootstrap(),
        "SPOJKA_TOPIC_PREFIX": settings.topic_prefix,
        "SPOJKA_STOCK_PARTITIONS": str(settings.stock_partitions),
        "SPOJKA_ORDERS_PARTITIONS": str(settings.orders_partitions),
        "SPOJKA_PAYMENTS_PARTITIONS": str(settings.payments_partitions),
    }
    program = Path(__file__).with_name("relay_process.py")
    process = await asyncio.create_subprocess_exec(
        sys.executable, program, point, number, env=environment, stdout=PIPE
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
            process.kill()
        await process.wait()


async def line(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(30):
        while True:
            text = (await process.stdout.readline()).decode().strip()
            if text in {"started", "at the point", "continued", ""}:
                return text


async def drain_here(database: Database, settings: Settings) -> None:
    async with running(database, settings) as relay:
        await until(lambda: relay.stats.held_lanes == LANES, "this relay has every lane")
        await drained(database)


@pytest.mark.parametrize("point", POINTS)
async def test_a_relay_killed_at_any_point_loses_and_doubles_nothing(
    point: str, database: Database, settings: Settings, kafka: KafkaConfig, schema: str
) -> None:
    await raise_values(database, KEYS, 3)
    async with relay_process(settings, point, "SIGKILL") as process:
        assert await line(process) == "started"
        assert await line(process) == "at the point"
        assert await process.wait() == -signal.SIGKILL
    await raise_values(database, KEYS, 2)
    await drain_here(database, settings)
    await assert_once_in_order(database, kafka, schema)


@pytest.mark.parametrize("point", POINTS)
async def test_a_relay_stopped_past_the_loss_of_its_lanes_changes_nothing_when_continued(
    point: str,
    database: Database,
    settings: Settings,
    kafka: KafkaConfig,
    schema: str,
    postgres_url: str,
) -> None:
    await raise_values(database, KEYS, 3)
    async with relay_process(settings, point, "SIGSTOP") as process:
        assert await line(process) == "started"
        assert await line(process) == "at the point"
        await raise_values(database, KEYS, 2)
        with psycopg.connect(postgres_url, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE usename = %s AND application_name = 'relay direct'",
                [schema],
            )
        await drain_here(database, settings)
        await assert_once_in_order(database, kafka, schema)
        process.send_signal(signal.SIGCONT)
        assert await line(process) == "continued"
        await raise_values(database, KEYS, 2)
        await drained(database)
        process.terminate()
        assert await process.wait() == 0
    await assert_once_in_order(database, kafka, schema)


async def test_a_silent_relay_loses_its_lanes_by_itself(
    database: Database, settings: Settings, kafka: KafkaConfig, schema: str
) -> None:
    """Nobody cuts its connection: PostgreSQL ends the session that gives no sign of life."""
    await raise_values(database, KEYS, 1)
    async with relay_process(settings, "before the batch", "SIGSTOP") as process:
        assert await line(process) == "started"
        assert await line(process) == "at the point"
        await drain_here(database, settings)
    await assert_once_in_order(database, kafka, schema)
