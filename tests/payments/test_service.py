"""The service whole: orders and notifications come in from Kafka, what is paid goes out."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from google.protobuf.message import Message

from payments.service import CONSUMER_GROUP, SERVICE
from spojka.api.orders.v1 import events_pb2 as orders
from spojka.api.orders.v1 import order_pb2
from spojka.api.payments.v1 import events_pb2
from spojka.database import Database
from spojka.delivery.admin import all_topics, ensure_topics
from spojka.delivery.headers import event_headers, source_of
from spojka.delivery.health import Health
from spojka.delivery.kafka_config import consumer_config, kafka_config
from spojka.delivery.relay import Relay
from spojka.rpc.server import Server
from spojka.service import Ground
from spojka.settings import Settings
from spojka.telemetry import new_traceparent
from spojka.topics import Topic
from tests.payments.scene import Scene

PATIENCE_SECONDS: Final = 60.0
PARTITIONS: Final = 2


@pytest.fixture
async def settings(kafka_bootstrap: str) -> AsyncIterator[Settings]:
    settings = Settings(
        kafka_bootstrap=kafka_bootstrap,
        topic_prefix=f"t{secrets.token_hex(4)}",
        stock_partitions=PARTITIONS,
        orders_partitions=PARTITIONS,
        payments_partitions=PARTITIONS,
    )
    await ensure_topics(settings, groups=[CONSUMER_GROUP], schemas=[SERVICE.name])
    yield settings
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    specs = all_topics(settings, groups=[CONSUMER_GROUP], schemas=[SERVICE.name])
    for done in admin.delete_topics([spec.name for spec in specs]).values():
        done.result(PATIENCE_SECONDS)


@pytest.fixture
async def house(database: Database, settings: Settings) -> AsyncIterator[Health]:
    """The service as `serve` runs it."""
    health = Health()
    relay = Relay(database, settings, SERVICE.name, health)
    server = Server("127.0.0.1", 0, internal_token="for tests", call_deadline_seconds=30.0)
    parts = SERVICE.assemble(Ground(settings, database, relay, health), server)
    async with AsyncExitStack() as stack:
        for part in (relay, *parts, server):
            await part.start()
            stack.push_async_callback(part.stop)
        yield health


async def test_an_order_told_after_its_payment_is_paid_and_told(
    house: Health, settings: Settings, scene: Scene
) -> None:
    notice = scene.notice("2026001")
    account = f"{scene.tenant}/{scene.connection_id}"
    event_id = uuid4()
    for _ in range(2):
        write(settings, Topic.NOTIFICATIONS, account, notice, event_id)

    async def known() -> bool:
        return len(await scene.payments()) == 1

    await until(known, "the payment is there")
    order = scene.order("2026001")
    placed = orders.OrderPlaced(tenant_id=str(scene.tenant), order=order)
    key = f"{scene.tenant}/{order.id}"
    write(settings, Topic.ORDERS, key, placed)
    told: list[events_pb2.OrderPaymentChanged] = []

    async def paid() -> bool:
        told[:] = await asyncio.to_thread(read_payments, settings, key)
        return bool(told)

    await until(paid, "OrderPaymentChanged of the order")
    (changed,) = told
    assert changed.payment_state == order_pb2.PAYMENT_STATE_PAID
    assert changed.payment_ids == [str(await scene.told_by(notice))]
    assert await scene.paid(UUID(order.id)) == 100
    assert house.ok, house.troubles


async def test_a_notification_that_kafka_delivers_twice_is_one_payment(
    house: Health, settings: Settings, scene: Scene
) -> None:
    """Nothing in it but its id tells that it is the same: no reference and no balance."""
    account, event_id = f"{scene.tenant}/{scene.connection_id}", uuid4()
    notice = scene.notice("2026001", bank_reference="")
    for _ in range(2):
        write(settings, Topic.NOTIFICATIONS, account, notice, event_id)
    behind = scene.notice("2026002")
    write(settings, Topic.NOTIFICATIONS, account, behind)

    async def both_known() -> bool:
        symbols = {payment.variable_symbol for payment in await scene.payments()}
        return symbols == {"2026001", "2026002"}

    await until(both_known, "the payment behind the repetition is there")
    assert len(await scene.payments()) == 2
    assert house.ok, house.troubles


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not await condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        await asyncio.sleep(0.05)


def write(
    settings: Settings, topic: Topic, key: str, message: Message, event_id: UUID | None = None
) -> None:
    """Write an event as its owner does."""
    producer = Producer({"bootstrap.servers": settings.required_bootstrap()})
    producer.produce(
        topic.full_name(settings.topic_prefix),
        key=key,
        value=message.SerializeToString(),
        headers=event_headers(
            source=source_of("tests"),
            event_id=event_id or uuid4(),
            event_type=message.DESCRIPTOR.full_name,
            time=datetime.now(UTC),
            traceparent=new_traceparent(),
        ),
    )
    assert producer.flush(PATIENCE_SECONDS) == 0


def read_payments(settings: Settings, key: str) -> list[events_pb2.OrderPaymentChanged]:
    """Every committed event of one order, in order."""
    config = consumer_config(kafka_config(settings, "tests"), f"reader-{uuid4()}")
    consumer = Consumer(config | {"enable.auto.commit": False, "enable.partition.eof": True})
    topic = Topic.PAYMENTS.full_name(settings.topic_prefix)
    try:
        consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
        found: list[events_pb2.OrderPaymentChanged] = []
        ended: set[int | None] = set()
        while len(ended) < PARTITIONS:
            for message in consumer.consume(100, timeout=1.0):
                if message.error() is not None:
                    ended.add(message.partition())
                elif message.key() == key.encode():
                    changed = events_pb2.OrderPaymentChanged.FromString(message.value() or b"")
                    found.append(changed)
        return found
    finally:
        consumer.close()
