"""Consumers hand every event to its handler once, in order, and never lose one."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from confluent_kafka import TopicPartition

from spojka.database import Database
from spojka.delivery import consumer as consumer_module
from spojka.delivery.acknowledged import Record
from spojka.delivery.consumer import Consumer
from spojka.delivery.dead_letters import DeadLetters
from spojka.delivery.failures import PoisonError
from spojka.delivery.handler import Kind, ReceivedEvent, Route
from spojka.delivery.headers import event_headers
from spojka.delivery.health import Health
from spojka.delivery.kafka_config import KafkaConfig
from spojka.errors import Unavailable
from spojka.outbox import Event
from spojka.settings import Settings
from spojka.telemetry import new_traceparent
from spojka.topics import Topic
from tests.delivery.conftest import GROUP
from tests.delivery.members import PARTITIONS, POLICY, consuming, group_id, orders, until_finished
from tests.delivery.scenes import TENANT, TYPE, Recorder, commit, committed, event, publish
from tests.line import DatabaseLine
from tests.waiting import until


async def test_a_new_group_starts_at_the_earliest_and_keeps_the_order_of_keys(
    database: Database, settings: Settings, kafka: KafkaConfig
) -> None:
    keys = ["a", "b", "c"]
    events = [event(key, value) for value in range(1, 21) for key in keys]
    await publish(kafka, orders(settings), events)
    handler = Recorder(database)
    async with consuming(database, settings, handler):
        await until_finished(kafka, settings, 60)
    assert sorted(await handler.effects()) == sorted(keys * 20)
    values = [value for _, batch in handler.calls for value in batch]
    assert len(values) == 60
    # Keys share partitions, so their values interleave; each value grows per key by its effects.
    async with database.autocommit() as connection:
        cursor = await connection.execute("SELECT id FROM effect ORDER BY number")
        order = {row[0]: place for place, row in enumerate(await cursor.fetchall())}
    for key in keys:
        places = [order[one.id] for one in events if one.key.endswith(f"/{key}")]
        assert places == sorted(places)


async def test_a_fact_delivered_again_has_no_second_effect(
    database: Database, settings: Settings, kafka: KafkaConfig
) -> None:
    events = [event("a", value) for value in range(5)]
    await publish(kafka, orders(settings), [*events, *events, *reversed(events)])
    handler = Recorder(database)
    async with consuming(database, settings, handler) as consumer:
        await until_finished(kafka, settings, 15)
        assert consumer.stats.handled_events == 5
    assert await handler.effects() == ["a"] * 5


async def test_a_state_event_reaches_the_handler_every_time(
    database: Database, settings: Settings, kafka: KafkaConfig
) -> None:
    one = event("a", 1)
    await publish(kafka, orders(settings), [one, one])
    handler = Recorder(database)
    async with consuming(database, settings, handler, kind=Kind.STATE):
        await until_finished(kafka, settings, 2)
    assert await handler.effects() == ["a", "a"]


async def test_a_passing_failure_is_retried_in_place_and_its_offset_waits(
    database: Database, settings: Settings, kafka: KafkaConfig
) -> None:
    away = True
    health = Health()

    def fail(one: ReceivedEvent) -> Exception | None:
        return Unavailable("the ERP is away") if away and one.key.endswith("/bad") else None

    handler = Recorder(database, fail)
    async with consuming(database, settings, handler, health=health) as consumer:
        await publish(kafka, orders(settings), [event("bad", 1), event("bad", 2)])
        await until(lambda: consumer.stats.failed_attempts > 10, "it is tried again and again")
        [trouble] = health.troubles
        assert "waits at offset 0" in trouble.reason
        assert "the ERP is away" in trouble.reason
        await until_finished(kafka, settings, 0)
        assert await handler.effects() == []
        away = False
        await until_finished(kafka, settings, 2)
        assert health.ok
        assert consumer.stats.dead_letters == 0
    assert await handler.effects() == ["bad", "bad"]


async def test_who_leaves_commits_only_what_is_finished(
    database: Database, settings: Settings, kafka: KafkaConfig
) -> None:
    handler = Recorder(database, lambda _one: Unavailable("the ERP is away"))
    async with consuming(database, settings, handler) as consumer:
        await publish(kafka, orders(settings), [event("bad", 1), event("bad", 2)])
        await until(lambda: consumer.stats.failed_attempts > 3, "it is tried again and again")
    # Leaving has committed what was stored: nothing may have been.
    await until_finished(kafka, settings, 0)
    able = Recorder(database)
    async with consuming(database, settings, able):
        await until_finished(kafka, settings, 2)
    assert await able.effects() == ["bad", "bad"]


async def test_poison_becomes_a_dead_letter_and_the_others_go_on(
    database: Database, settings: Settings, kafka: KafkaConfig
) -> None:
    def fail(one: ReceivedEvent) -> Exception | None:
        return PoisonError("breaks a rule") if one.key.endswith("/bad") else None

    handler = Recorder(database, fail)
    trace = new_traceparent()
    headers = event_headers(
        source=b"/x", event_id=uuid4(), event_type=TYPE, time=_now(), traceparent=trace
    )
    unparsable = Record(orders(settings), f"{TENANT}/torn", b"\xff\xff", headers)
    await publish(
        kafka,
        orders(settings),
        [event("good", 1), event("bad", 2), event("good", 3)],
        extra=[unparsable],
    )
    async with consuming(database, settings, handler):
        await until_finished(kafka, settings, 4)
    assert await handler.effects() == ["good", "good"]
    letters = await dead_letters(database, settings, kafka).page()
    assert {letter.reason.partition(":")[0] for letter in letters} == {"breaks a rule", TYPE}
    torn = next(letter for letter in letters if letter.key.endswith("/torn"))
    assert torn.value == b"\xff\xff"
    assert torn.headers["traceparent"] == trace
    assert torn.error_class == "PoisonError"
    assert torn.topic == orders(settings)
    assert torn.attempts == 1
    assert torn.headers["spojka_consumer"] == GROUP


async def test_a_failure_of_unclear_cause_becomes_a_dead_letter_after_some_attempts(
    database: Database, settings: Settings, kafka: KafkaConfig
) -> None:
    handler = Recorder(database, lambda one: KeyError("x") if one.key.endswith("/bug") else None)
    await publish(kafka, orders(settings), [event("bug", 1), event("good", 1)])
    async with consuming(database, settings, handler):
        await until_finished(kafka, settings, 2)
    [letter] = await dead_letters(database, settings, kafka).page()
    assert (letter.error_class, letter.attempts) == ("KeyError", POLICY.unclear_attempts_max)
    assert await handler.effects() == ["good"]


async def test_messages_without_a_readable_key_or_id_become_dead_letters(
    database: Database, settings: Settings, kafka: KafkaConfig
) -> None:
    headers = event_headers(
        source=b"/x", event_id=uuid4(), event_type=TYPE, time=_now(), traceparent=""
    )
    no_id = [(name, value) for name, value in headers if name != "ce_id"]
    records = [
        Record(orders(settings), "no-tenant", b"", headers),
        Record(orders(settings), f"{TENANT}/x", b"", no_id),
    ]
    await publish(kafka, orders(settings), [], extra=records)
    async with consuming(database, settings, Recorder(database)):
        await until_finished(kafka, settings, 2)
    reasons = {letter.reason for letter in await dead_letters(database, settings, kafka).page()}
    assert reasons == {
        "the key's part before the slash is 'no-tenant', which is not a UUID",
        "the header ce_id is '', which is not a UUID",
    }


async def test_unknown_types_and_tombstones_are_skipped(
    database: Database, settings: Settings, kafka: KafkaConfig
) -> None:
    unknown = Event(Topic.ORDERS, f"{TENANT}/a", "spojka.api.orders.v9.Unheard", b"\xff")
    tombstone = Event(Topic.ORDERS, f"{TENANT}/a", TYPE, None)
    await publish(kafka, orders(settings), [unknown, tombstone, event("a", 1)])
    handler = Recorder(database)
    async with consuming(database, settings, handler) as consumer:
        await until_finished(kafka, settings, 3)
        assert consumer.stats.skipped_events == 2
    assert await handler.effects() == ["a"]


async def test_too_many_dead_letters_pause_the_partition_until_resume(
    database: Database, settings: Settings, kafka: KafkaConfig
) -> None:
    handler = Recorder(database, lambda one: PoisonError("no") if "bad" in one.key else None)
    health = Health()
    letters = dead_letters(database, settings, kafka)
    limit = settings.dead_letter_limit
    # One key, so one partition: the good event stands behind more poison than the limit allows.
    poison = [event("bad", value) for value in range(limit)]
    await publish(kafka, orders(settings), [*poison, event("bad", 99)])

    async def paused() -> bool:
        return bool(await letters.paused())

    async with consuming(database, settings, handler, health=health):
        await until(paused, "the partition pauses")
        await until(lambda: any("resume" in one.reason for one in health.troubles), "health")
        await until_finished(kafka, settings, limit)
    async with consuming(database, settings, handler, health=health):
        await until(lambda: not health.ok, "a restarted consumer is paused, too")
        [partition] = await letters.paused()
        assert partition.dead_letters == limit
        await letters.resume(partition.topic, partition.partition)
        await until_finished(kafka, settings, limit + 1)
        await until(lambda: health.ok, "health is well again")
    assert len(await letters.page()) == limit + 1


async def test_a_replay_reaches_the_failed_group_alone_and_has_one_effect(
    database: Database, settings: Settings, kafka: KafkaConfig
) -> None:
    broken = True
    handler = Recorder(database, lambda _: PoisonError("not yet") if broken else None)
    letters = dead_letters(database, settings, kafka)
    await publish(kafka, orders(settings), [event("a", 1), event("b", 2)])
    async with consuming(database, settings, handler) as consumer:
        await until_finished(kafka, settings, 2)
        newest, oldest = await letters.page()
        assert not newest.replayed
        broken = False
        await letters.replay(newest.offset)
        await letters.replay(newest.offset)
        await until(lambda: consumer.stats.repeated_events == 1, "the second replay is known")
        assert len(await handler.effects()) == 1
        assert (await letters.show(newest.offset)).replayed
        assert await letters.replay_since(oldest.failed_time) == 1
        await until(lambda: consumer.stats.handled_events == 2, "the other one is replayed")
        assert await letters.replay_since(oldest.failed_time) == 0
    assert sorted(await handler.effects()) == ["a", "b"]
    # The topic that other groups read, too, has nothing new.
    with_all = await asyncio.to_thread(committed, kafka, group_id(settings), orders(settings), 4)
    assert with_all == 2


async def test_members_share_the_partitions_in_the_middle_of_a_stream(
    database: Database, settings: Settings, kafka: KafkaConfig
) -> None:
    events: list[Event] = []
    both_took_part = asyncio.Event()

    async def stream() -> None:
        while not both_took_part.is_set():
            some = [event(f"k{number}", number) for number in range(40)]
            events.extend(some)
            await publish(kafka, orders(settings), some)

    handler = Recorder(database)
    async with consuming(database, settings, handler) as first:
        streaming = asyncio.create_task(stream())
        await until(lambda: first.stats.handled_events > 100, "the first has begun")
        async with consuming(database, settings, handler) as second:
            await until(lambda: second.stats.handled_events > 100, "the second takes part")
            assert not first.partitions & second.partitions
        await until(lambda: len(first.partitions) == PARTITIONS + 1, "the first has all again")
        both_took_part.set()
        await streaming
        await until_finished(kafka, settings, len(events))
    async with database.autocommit() as connection:
        cursor = await connection.execute("SELECT id FROM effect ORDER BY number")
        handled = [row[0] for row in await cursor.fetchall()]
    assert sorted(handled) == sorted(one.id for one in events)
    place = {id_: number for number, id_ in enumerate(handled)}
    for key in {one.key for one in events}:
        places = [place[one.id] for one in events if one.key == key]
        assert places == sorted(places)


async def test_a_member_without_postgresql_leaves_its_partitions_to_the_others(
    database: Database,
    settings: Settings,
    kafka: KafkaConfig,
    schema: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(consumer_module, "LEAVE_SECONDS", 0.5)
    assert settings.database_url is not None
    line = DatabaseLine(settings.database_url.get_secret_value())
    await line.lay()
    far = Database(line.url, schema, application="far")
    await far.open()
    events = [event(f"key-{number}", number) for number in range(40)]
    async with (
        consuming(far, settings, Recorder(far)) as cut_off,
        consuming(database, settings, Recorder(database)) as other,
    ):
        await until(lambda: bool(cut_off.partitions and other.partitions), "both have partitions")
        await line.cut()
        await publish(kafka, orders(settings), events)
        await until_finished(kafka, settings, len(events))
        assert not cut_off.partitions
        await line.lay()
        await until(lambda: bool(cut_off.partitions), "it is a member again")
    assert len(await Recorder(database).effects()) == len(events)
    await far.close()
    await line.cut()


async def test_a_missing_offset_stops_the_partition_instead_of_jumping(
    database: Database, settings: Settings, kafka: KafkaConfig
) -> None:
    await publish(kafka, orders(settings), [event("a", 1)])
    beyond = [TopicPartition(orders(settings), number, 1_000) for number in range(PARTITIONS)]
    await until(lambda: asyncio.to_thread(commit, kafka, group_id(settings), beyond), "a commit")
    health = Health()
    handler = Recorder(database)
    async with consuming(database, settings, handler, health=health):
        await until(
            lambda: any("no longer in Kafka" in one.reason for one in health.troubles), "health"
        )
        assert await handler.effects() == []


async def test_one_transaction_sees_one_tenant(
    database: Database, settings: Settings, kafka: KafkaConfig
) -> None:
    tenants = [uuid4(), uuid4()]
    events = [event("x", number, tenant=tenants[number % 2]) for number in range(20)]
    await publish(kafka, orders(settings), events)
    seen: list[str] = []

    class Asking(Recorder):
        async def handle(
            self, connection: object, tenant: object, events: Sequence[ReceivedEvent]
        ) -> None:
            cursor = await connection.execute("SELECT current_setting('app.tenant')")  # type: ignore[attr-defined]
            seen.append((await cursor.fetchone())[0])
            assert {one.tenant_id for one in events} == {tenant}
            assert seen[-1] == str(tenant)

    async with consuming(database, settings, Asking(database)) as consumer:
        await until_finished(kafka, settings, 20)
        assert consumer.stats.dead_letters == 0
    assert set(seen) == {str(tenant) for tenant in tenants}


async def test_two_routes_for_one_type_are_refused(database: Database, settings: Settings) -> None:
    route = Route(frozenset({TYPE}), Recorder(database), Kind.FACT)
    with pytest.raises(ValueError, match="two routes want"):
        Consumer(
            GROUP,
            topics=[Topic.ORDERS],
            routes=[route, route],
            database=database,
            settings=settings,
            health=Health(),
        )


def dead_letters(database: Database, settings: Settings, kafka: KafkaConfig) -> DeadLetters:
    return DeadLetters(GROUP, database=database, kafka=kafka, prefix=settings.topic_prefix)


def _now() -> datetime:
    return datetime.now(UTC)
