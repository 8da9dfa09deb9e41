"""What the tests of delivery share: events with growing values, and readers of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from google.protobuf.wrappers_pb2 import Int64Value

from spojka.database import Connection, Database
from spojka.delivery.acknowledged import AcknowledgedProducer, Record
from spojka.delivery.handler import ReceivedEvent
from spojka.delivery.headers import event_headers
from spojka.delivery.kafka_config import KafkaConfig, consumer_config
from spojka.outbox import Event, append
from spojka.telemetry import new_traceparent
from spojka.topics import Topic

TENANT = UUID("11111111-1111-4111-8111-111111111111")
TYPE = Int64Value.DESCRIPTOR.full_name
PATIENCE_SECONDS = 30.0
_COORDINATOR_MOVES = frozenset(
    {
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    }
)


def event(key: str, value: int, *, topic: Topic = Topic.ORDERS, tenant: UUID = TENANT) -> Event:
    return Event.of(topic, f"{tenant}/{key}", Int64Value(value=value))


async def raise_values(
    database: Database, keys: Sequence[str], times: int, *, topic: Topic = Topic.STOCK
) -> None:
    """Raise each key's value one by one, an event each: the row's lock first, then the outbox."""
    for _ in range(times):
        for key in keys:
            async with database.transaction(TENANT) as connection:
                cursor = await connection.execute(
                    "INSERT INTO value (key, value) VALUES (%s, 1)"
                    " ON CONFLICT (key) DO UPDATE SET value = value.value + 1 RETURNING value",
                    [key],
                )
                row = await cursor.fetchone()
                assert row is not None
                await append(connection, [event(key, row[0], topic=topic)])


async def stored_values(database: Database) -> dict[str, int]:
    async with database.autocommit() as connection:
        cursor = await connection.execute("SELECT key, value FROM value")
        return {row[0]: row[1] for row in await cursor.fetchall()}


async def waiting_rows(database: Database) -> int:
    async with database.autocommit() as connection:
        cursor = await connection.execute("SELECT count(*) FROM outbox")
        row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


def read_committed(kafka: KafkaConfig, topic: str, partitions: int) -> list[tuple[str, int]]:
    """What a read-committed reader sees of all that is there now: key (without the tenant), value.

    Kafka marks a transaction's partitions after its commit: that is waited for.
    """
    config = consumer_config(kafka, f"scene-{uuid4()}") | {"enable.auto.commit": False}
    everything = Consumer(config | {"isolation.level": "read_uncommitted"})
    consumer = Consumer(config | {"enable.partition.eof": True})
    try:
        waiting: dict[int, int] = {}
        for number in range(partitions):
            wanted = TopicPartition(topic, number, 0)
            waiting[number] = everything.get_watermark_offsets(wanted, timeout=PATIENCE_SECONDS)[1]
        consumer.assign([TopicPartition(topic, number, 0) for number in waiting])
        seen: list[tuple[str, int]] = []
        while waiting:
            message = consumer.poll(PATIENCE_SECONDS)
            assert message is not None, f"{topic} can't be read to its end"
            if message.error() is not None:
                number, offset = message.partition() or 0, message.offset() or 0
                if offset >= waiting.get(number, 0):
                    waiting.pop(number, None)
                continue
            key = (message.key() or b"").decode().partition("/")[2]
            seen.append((key, Int64Value.FromString(message.value() or b"").value))
        return seen
    finally:
        consumer.close()
        everything.close()


def by_key(seen: Sequence[tuple[str, int]]) -> dict[str, list[int]]:
    values: dict[str, list[int]] = {}
    for key, value in seen:
        values.setdefault(key, []).append(value)
    return values


@dataclass
class Recorder:
    """A handler that writes one row an event, so that a second effect would be a second row."""

    database: Database
    fail: Callable[[ReceivedEvent], Exception | None] = lambda _event: None
    calls: list[tuple[UUID, list[int]]] = field(default_factory=list)

    async def handle(
        self, connection: Connection, tenant: UUID, events: Sequence[ReceivedEvent]
    ) -> None:
        self.calls.append((tenant, [one.parse(Int64Value).value for one in events]))
        for one in events:
            await connection.execute(
                "INSERT INTO effect (tenant, id, key) VALUES (%s, %s, %s)",
                [tenant, one.id, one.key.partition("/")[2]],
            )
            error = self.fail(one)
            if error is not None:
                raise error

    async def effects(self) -> list[str]:
        async with self.database.autocommit() as connection:
            cursor = await connection.execute("SELECT key FROM effect ORDER BY number")
            return [row[0] for row in await cursor.fetchall()]


async def publish(
    kafka: KafkaConfig, topic: str, events: Sequence[Event], *, extra: Sequence[Record] = ()
) -> None:
    """Put events into Kafka without an outbox, then records as they are."""
    producer = AcknowledgedProducer(kafka)
    for one in events:
        headers = event_headers(
            source=b"/spojka/tests",
            event_id=one.id,
            event_type=one.type,
            time=datetime.now(UTC),
            traceparent=new_traceparent(),
        )
        await producer.send(Record(topic, one.key, one.message, headers))
    for record in extra:
        await producer.send(record)
    await producer.close()


def commit(kafka: KafkaConfig, group: str, offsets: Sequence[TopicPartition]) -> bool:
    """Commit offsets of a group without members; False while its coordinator moves."""
    consumer = Consumer(consumer_config(kafka, group))
    try:
        consumer.commit(offsets=list(offsets), asynchronous=False)
    except KafkaException as error:
        if error.args[0].code() not in _COORDINATOR_MOVES:
            raise
        return False
    else:
        return True
    finally:
        consumer.close()


def committed(kafka: KafkaConfig, group: str, topic: str, partitions: int) -> int:
    """The sum of the group's committed offsets: how many messages it has finished.

    Zero while the group's coordinator moves to its place: ask again.
    """
    consumer = Consumer(consumer_config(kafka, group) | {"enable.auto.commit": False})
    try:
        wanted = [TopicPartition(topic, number) for number in range(partitions)]
        return sum(max(0, one.offset) for one in consumer.committed(wanted, timeout=10))
    except KafkaException as error:
        if error.args[0].code() not in _COORDINATOR_MOVES:
            raise
        return 0
    finally:
        consumer.close()
