"""Commands of the operator, which use the database and Kafka themselves."""

import asyncio
import json
from collections.abc import Iterator

import psycopg
import pytest

from gateway.credential import parse_key
from spojka.api.orders.v1.events_pb2 import OrderCancelled
from spojka.delivery import dead_letter
from spojka.delivery import headers as names
from spojka.delivery.acknowledged import AcknowledgedProducer, Record
from spojka.delivery.headers import Headers
from spojka.outbox import new_id
from spojka.settings import Settings
from spojka.topics import Topic, dead_letter_topic
from tests.cli.running import call, run
from tests.empty_database import empty_database

GROUP = "orders"
REASON = "the key names no tenant"


@pytest.fixture
def empty_database_url(postgres_url: str) -> Iterator[str]:
    with empty_database(postgres_url) as url:
        yield url


def test_migrate_and_the_first_key(empty_database_url: str) -> None:
    # The secret of all tests: the roles, and so their passwords, are the server's.
    env = {"SPOJKA_DATABASE_URL": empty_database_url, "SPOJKA_ROLE_SECRET": "for tests only"}
    early = run("apikey", "bootstrap", env=env)
    assert (early.exit_code, "spojka migrate" in early.stderr) == (1, True)

    applied = run("migrate", env=env)
    assert applied.exit_code == 0, applied.output
    assert "gateway/gateway/0001_accounts.sql" in applied.stdout.split()
    again = run("migrate", env=env)
    assert (again.exit_code, again.stdout) == (0, "")

    made = run("apikey", "bootstrap", env=env)
    assert made.exit_code == 0, made.output
    assert parse_key(made.stdout.strip()) is not None
    second = run("apikey", "bootstrap", env=env)
    assert (second.exit_code, "--force" in second.stderr) == (1, True)
    assert run("apikey", "bootstrap", "--force", env=env).exit_code == 0


def test_without_a_database_the_variable_is_named() -> None:
    for line in ("migrate", "apikey bootstrap"):
        result = run(*line.split(), env={"SPOJKA_DATABASE_URL": None})
        assert result.exit_code == 1
        assert result.stderr.startswith("spojka: SPOJKA_DATABASE_URL is missing")
        assert result.stderr.count("\n") == 1


async def test_events_are_followed(
    env: dict[str, str], settings: Settings, producer: AcknowledgedProducer
) -> None:
    tenant = str(new_id())
    event = OrderCancelled(tenant_id=tenant, reason="zákazník")
    headers: Headers = [
        (names.ID, str(new_id())),
        (names.TYPE, OrderCancelled.DESCRIPTOR.full_name),
    ]
    topic = Topic.ORDERS.full_name(settings.topic_prefix)
    following = asyncio.create_task(
        call("events", "tail", "--tenant", tenant, "--count", "1", "--json", env=env)
    )
    # It follows what comes after its start, so events come until it has seen one.
    async with asyncio.timeout(60):
        while not following.done():
            for key in (f"{new_id()}/1", f"{tenant}/1"):
                await producer.send(Record(topic, key, event.SerializeToString(), headers))
            await asyncio.wait([following], timeout=0.2)
    result = await following
    assert result.exit_code == 0, result.output
    seen = json.loads(result.stdout)
    assert seen["key"] == f"{tenant}/1"
    assert seen["value"] == {"tenant_id": tenant, "reason": "zákazník"}


async def test_a_missing_topic_is_named(env: dict[str, str]) -> None:
    result = await call("events", "tail", env=env | {"SPOJKA_TOPIC_PREFIX": "nobody"})
    assert result.exit_code == 1
    assert "nobody.orders.v1" in result.stderr


async def put_aside(settings: Settings, producer: AcknowledgedProducer) -> None:
    """A dead letter of the group, as its consumer writes it."""
    event = OrderCancelled(tenant_id="none", reason="zákazník")
    headers: Headers = [
        (names.ID, str(new_id())),
        (names.TYPE, OrderCancelled.DESCRIPTOR.full_name),
        (dead_letter.CONSUMER, GROUP),
        (dead_letter.REASON, REASON),
        (dead_letter.TOPIC, Topic.ORDERS.full_name(settings.topic_prefix)),
        (dead_letter.PARTITION, "1"),
        (dead_letter.OFFSET, "41"),
    ]
    topic = dead_letter_topic(settings.topic_prefix, GROUP)
    await producer.send(Record(topic, "none/1", event.SerializeToString(), headers))


async def test_dead_letters_are_listed_shown_and_replayed(
    env: dict[str, str], settings: Settings, producer: AcknowledgedProducer
) -> None:
    for _ in range(3):
        await put_aside(settings, producer)

    table = await call("deadletters", "list", env=env)
    assert table.exit_code == 0, table.output
    assert table.stdout.count(REASON) == 3
    shown = json.loads((await call("deadletters", "show", GROUP, "1", env=env)).stdout)
    assert (shown["offset"], shown["original_offset"], shown["replayed"]) == (1, 41, False)
    assert json.loads(shown["value"])["reason"] == "zákazník"

    replayed = await call("deadletters", "replay", GROUP, "1", env=env)
    assert json.loads(replayed.stdout)["replayed"] is True
    rest = await call("deadletters", "replay", GROUP, "--since", "2020-01-01", env=env)
    assert rest.stdout == f"2 dead letters are on their way to {GROUP}\n"
    listed = json.loads((await call("deadletters", "list", GROUP, "--json", env=env)).stdout)
    assert [letter["replayed"] for letter in listed["letters"]] == [True] * 3


async def test_a_paused_partition_goes_on(
    env: dict[str, str], settings: Settings, database_url: str
) -> None:
    topic = Topic.ORDERS.full_name(settings.topic_prefix)
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute(
            "INSERT INTO orders.dead_letter_count (consumer, topic, partition, count, paused)"
            " VALUES (%s, %s, 2, 100, true)",
            [GROUP, topic],
        )
    listed = await call("deadletters", "list", env=env)
    assert f"spojka deadletters resume {GROUP} {topic} 2" in listed.stdout
    resumed = await call("deadletters", "resume", GROUP, topic, "2", env=env)
    assert resumed.exit_code == 0, resumed.output
    again = await call("deadletters", "resume", GROUP, topic, "2", env=env)
    assert (again.exit_code, "is not paused" in again.stderr) == (1, True)


async def test_a_group_that_no_service_has_is_refused(env: dict[str, str]) -> None:
    result = await call("deadletters", "show", "nothing", "1", env=env)
    assert result.exit_code == 1
    assert "services are: " in result.stderr
    missing = await call("deadletters", "show", GROUP, "99", env=env)
    assert (missing.exit_code, "has no dead letter 99" in missing.stderr) == (1, True)
