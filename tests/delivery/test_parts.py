"""The small parts of delivery, each by itself."""

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType
from hypothesis import given
from hypothesis import strategies as st

from spojka.api.stock.v1.events_pb2 import StockChanged
from spojka.database import Database
from spojka.delivery import inbox
from spojka.delivery.admin import TopicMismatchError, all_topics, ensure_topics
from spojka.delivery.backoff import Backoff
from spojka.delivery.failures import Failure, PoisonError, classify
from spojka.delivery.handler import ReceivedEvent
from spojka.delivery.health import Health
from spojka.delivery.kafka_config import KafkaConfig
from spojka.delivery.producer import FencedError, TransactionalProducer
from spojka.delivery.receipts import Receipt, digest_of
from spojka.delivery.tail import SeenEvent, tail, to_json
from spojka.errors import InvalidArgument, NotFound, Unavailable
from spojka.outbox import MAX_EVENT_BYTES, Event, append
from spojka.settings import Settings
from spojka.topics import DAY_MS, Topic
from tests.delivery.conftest import GROUP
from tests.delivery.scenes import TENANT, event, publish, read_committed
from tests.waiting import until


@given(st.lists(st.integers(0, 2**63 - 1)), st.lists(st.uuids().map(str)))
def test_a_receipt_is_read_as_it_was_written(numbers: list[int], ids: list[str]) -> None:
    receipt = Receipt(numbers, digest_of(ids))
    assert Receipt.decode(receipt.encode()) == receipt


@given(st.lists(st.uuids().map(str), min_size=2, unique=True))
def test_a_digest_tells_other_ids_and_another_order_apart(ids: list[str]) -> None:
    assert digest_of(ids) != digest_of(ids[:-1])
    assert digest_of(ids) != digest_of(reversed(ids))


def test_pauses_grow_up_to_their_limit_and_begin_anew_after_a_success() -> None:
    backoff = Backoff(0.1, 1.0)
    pauses = [backoff.next_seconds() for _ in range(100)]
    assert all(0.05 <= pause <= 1.0 for pause in pauses)
    assert max(pauses[:2]) < min(pauses[5:]) + 0.1
    assert min(pauses[5:]) >= 0.5
    backoff.reset()
    assert backoff.next_seconds() <= 0.1


def test_health_keeps_since_when_a_part_is_in_trouble() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    health = Health(lambda: now)
    assert health.ok
    health.degrade("a", "first")
    began = now
    now += timedelta(seconds=5)
    health.degrade("a", "second")
    health.degrade("b", "other")
    assert [(one.part, one.reason, one.since) for one in health.troubles] == [
        ("a", "second", began),
        ("b", "other", now),
    ]
    health.recover("a")
    health.recover("b")
    assert health.ok


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (PoisonError("x"), Failure.POISON),
        (Unavailable("x"), Failure.PASSING),
        (psycopg.OperationalError("x"), Failure.PASSING),
        (TimeoutError(), Failure.PASSING),
        (ConnectionResetError(), Failure.PASSING),
        (KeyError("x"), Failure.UNCLEAR),
        (AssertionError(), Failure.UNCLEAR),
        (InvalidArgument([]), Failure.UNCLEAR),
        (psycopg.errors.UniqueViolation("x"), Failure.UNCLEAR),
        (caused(Unavailable("x"), psycopg.errors.ProgramLimitExceeded("x")), Failure.UNCLEAR),
    ],
)
def test_errors_are_classified_by_what_is_done_about_them(
    error: Exception, failure: Failure
) -> None:
    assert classify(error) is failure


@pytest.mark.parametrize(("replication", "in_sync"), [(1, None), (2, None), (3, "2"), (5, "2")])
def test_where_there_are_three_replicas_two_must_have_every_record_of_every_topic(
    replication: int, in_sync: str | None
) -> None:
    settings = Settings(topic_replication=replication)
    specs = all_topics(settings, groups=["readers"], schemas=["stock"])
    kinds = {spec.name.removeprefix("spojka.") for spec in specs}
    assert {"readers.dead-letters.v1", "readers.replays.v1", "stock.receipts.v1"} < kinds
    assert {spec.config.get("min.insync.replicas") for spec in specs} == {in_sync}


async def test_topics_are_made_checked_and_corrected(
    settings: Settings, kafka: KafkaConfig
) -> None:
    changed = settings.model_copy(update={"fact_retention_days": 7})
    await ensure_topics(changed, groups=[GROUP])
    name = Topic.ORDERS.full_name(settings.topic_prefix)
    resource = ConfigResource(ResourceType.TOPIC, name)
    with AdminClient({"bootstrap.servers": kafka["bootstrap.servers"]}) as admin:

        def corrected() -> bool:
            found = admin.describe_configs([resource])[resource].result(10)
            return bool(found["retention.ms"].value == str(7 * DAY_MS))

        await until(corrected, "the retention is corrected")
    other = settings.model_copy(update={"orders_partitions": 9})
    with pytest.raises(TopicMismatchError, match=f"{name} has 4 partitions, the settings say 9"):
        await ensure_topics(other)


async def test_a_second_producer_of_an_id_fences_the_first(
    kafka: KafkaConfig, settings: Settings
) -> None:
    topic = Topic.ORDERS.full_name(settings.topic_prefix)

    def write(client: Producer) -> None:
        client.produce(topic, b"\x08\x01", "k/a")

    first = TransactionalProducer(kafka, f"{settings.topic_prefix}-id")
    second = TransactionalProducer(kafka, f"{settings.topic_prefix}-id")
    try:
        await first.open()
        await first.send_batch(write)
        await second.open()
        with pytest.raises(FencedError):
            await first.send_batch(write)
        await second.send_batch(write)
    finally:
        first.close()
        second.close()
    seen = await asyncio.to_thread(read_committed, kafka, topic, settings.orders_partitions)
    assert seen == [("a", 1), ("a", 1)]


async def test_the_inbox_knows_what_it_was_given_until_it_is_pruned(database: Database) -> None:
    def received(id_: UUID, offset: int) -> ReceivedEvent:
        now = datetime.now(UTC)
        return ReceivedEvent(id_, "T", TENANT, f"{TENANT}/x", now, "", b"", "t", 0, offset)

    ids = [uuid4() for _ in range(4)]
    batch = [received(id_, offset) for offset, id_ in enumerate([*ids[:3], ids[0]])]
    async with database.transaction(TENANT) as connection:
        new = await inbox.remember(connection, "a", batch)
        assert [one.offset for one in new] == [0, 1, 2]
    async with database.transaction(TENANT) as connection:
        new = await inbox.remember(connection, "a", [received(ids[3], 0), received(ids[1], 1)])
        assert [one.id for one in new] == [ids[3]]
        assert len(await inbox.remember(connection, "b", batch)) == 3
    assert await inbox.prune(database, 1) == 0
    async with database.autocommit() as connection:
        await connection.execute(
            "UPDATE inbox SET time = now() - interval '2 days' WHERE consumer = 'a'"
        )
    assert await inbox.prune(database, 1) == 4


async def test_an_event_that_kafka_would_refuse_is_not_written(database: Database) -> None:
    large = Event(Topic.STOCK, f"{TENANT}/x", "T", b"x" * (MAX_EVENT_BYTES + 1))
    async with database.transaction(TENANT) as connection:
        with pytest.raises(ValueError, match="bytes are too many"):
            await append(connection, [large])


async def test_tail_gives_what_is_published_from_now_on(
    kafka: KafkaConfig, settings: Settings
) -> None:
    topic = Topic.ORDERS.full_name(settings.topic_prefix)
    await publish(kafka, topic, [event("before", 1)])
    seen: list[SeenEvent] = []
    began = asyncio.Event()

    async def follow() -> None:
        async with aclosing(tail(kafka, [topic], began=began)) as events:
            async for one in events:
                seen.append(one)
                return

    following = asyncio.create_task(follow())
    async with asyncio.timeout(30):
        await began.wait()
        await publish(kafka, topic, [event("after", 7)])
        await following
    assert [(one.key, one.json) for one in seen] == [(f"{TENANT}/after", '"7"')]


async def test_tail_of_a_missing_topic_says_so(kafka: KafkaConfig) -> None:
    with pytest.raises(NotFound, match="no-such-topic"):
        async with aclosing(tail(kafka, ["no-such-topic"])) as events:
            await anext(events)


def test_values_are_decoded_by_their_type() -> None:
    name = StockChanged.DESCRIPTOR.full_name
    value = StockChanged(item_id="i", revision=3, available="1.5").SerializeToString()
    decoded = to_json(name, value)
    assert decoded is not None
    assert '"item_id": "i"' in decoded
    assert to_json(name, None) is None
    assert to_json(name, b"\xff\xff") is None
    assert to_json("no.such.Type", value) is None
