"""The service whole: orders go out to Kafka, and reports come in from it."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from google.protobuf.message import Message

from orders.service import CONSUMER_GROUP, SERVICE
from spojka.api.common.v1 import money_pb2
from spojka.api.orders.v1 import events_pb2, order_pb2
from spojka.api.payments.v1 import events_pb2 as payments
from spojka.api.stock.v1 import events_pb2 as stock
from spojka.database import Database
from spojka.delivery.admin import all_topics, ensure_topics
from spojka.delivery.headers import event_headers, source_of
from spojka.delivery.health import Health
from spojka.delivery.kafka_config import consumer_config, kafka_config
from spojka.delivery.relay import Relay
from spojka.identity import Identity, Scope
from spojka.rpc.client import open_channel
from spojka.rpc.server import Server
from spojka.service import Ground
from spojka.settings import Settings
from spojka.telemetry import new_traceparent
from spojka.topics import Topic
from tests.orders.shop import INTERNAL_TOKEN, Shop, an_order

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
async def house(database: Database, settings: Settings) -> AsyncIterator[Shop]:
    """The service as `serve` runs it, and a shop that calls it."""
    health = Health()
    relay = Relay(database, settings, SERVICE.name, health)
    server = Server("127.0.0.1", 0, internal_token=INTERNAL_TOKEN, call_deadline_seconds=30.0)
    parts = SERVICE.assemble(Ground(settings, database, relay, health), server)
    async with AsyncExitStack() as stack:
        for part in (relay, *parts, server):
            await part.start()
            stack.push_async_callback(part.stop)
        wire = await stack.enter_async_context(open_channel(f"127.0.0.1:{server.port}"))
        shop = Shop(wire, Identity(uuid4(), Scope.OPERATOR, "operator"))
        await shop.create_channel()
        yield shop


async def test_reports_come_in_and_changes_go_out(house: Shop, settings: Settings) -> None:
    order = await house.placed(an_order())
    fields = {
        "tenant_id": str(house.tenant),
        "order_id": order.id,
        "import": order_pb2.OrderImport(state=order_pb2.IMPORT_STATE_ACKED, revision=1),
        "lines": [stock.DeliveredLine(line_id="1", quantity="2")],
    }
    payment = payments.OrderPaymentChanged(
        tenant_id=str(house.tenant),
        order_id=order.id,
        revision=1,
        amount_paid=money_pb2.Money(currency="CZK", amount="498.80"),
    )
    key = f"{house.tenant}/{order.id}"
    write(settings, Topic.IMPORTS, key, stock.OrderDelivered(**fields))  # type: ignore[arg-type]
    write(settings, Topic.PAYMENTS, key, payment)

    async def both_taken() -> bool:
        seen = await house.get(order.id)
        return (seen.payment_state, seen.fulfilment_state) == (
            order_pb2.PAYMENT_STATE_PAID,
            order_pb2.FULFILMENT_STATE_DELIVERED,
        )

    await until(both_taken, "the order is delivered and paid")
    whole = await house.get(order.id)
    events: list[Message] = []

    async def all_told() -> bool:
        events[:] = await asyncio.to_thread(read_orders, settings, key)
        return len(events) >= 3

    await until(all_told, "three events of the order")
    assert events[0] == events_pb2.OrderPlaced(tenant_id=str(house.tenant), order=order)
    assert [type(event) for event in events[1:]] == [events_pb2.OrderStatusChanged] * 2
    assert [event.order.revision for event in events] == [1, 2, 3]  # type: ignore[attr-defined]
    assert events[-1].order == whole  # type: ignore[attr-defined]


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not await condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        await asyncio.sleep(0.05)


def write(settings: Settings, topic: Topic, key: str, message: Message) -> None:
    """Write an event as its owner does."""
    producer = Producer({"bootstrap.servers": settings.required_bootstrap()})
    producer.produce(
        topic.full_name(settings.topic_prefix),
        key=key,
        value=message.SerializeToString(),
        headers=event_headers(
            source=source_of("tests"),
            event_id=uuid4(),
            event_type=message.DESCRIPTOR.full_name,
            time=datetime.now(UTC),
            traceparent=new_traceparent(),
        ),
    )
    assert producer.flush(PATIENCE_SECONDS) == 0


def read_orders(settings: Settings, key: str) -> list[Message]:
    """Every committed event of one order, in order."""
    classes: dict[str, type[Message]] = {
        each.DESCRIPTOR.full_name: each
        for each in (events_pb2.OrderPlaced, events_pb2.OrderStatusChanged)
    }
    config = consumer_config(kafka_config(settings, "tests"), f"reader-{uuid4()}")
    consumer = Consumer(config | {"enable.auto.commit": False, "enable.partition.eof": True})
    topic = Topic.ORDERS.full_name(settings.topic_prefix)
    try:
        consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
        found: list[Message] = []
        ended: set[int | None] = set()
        while len(ended) < PARTITIONS:
            for message in consumer.consume(100, timeout=1.0):
                if message.error() is not None:
                    ended.add(message.partition())
                elif message.key() == key.encode():
                    headers = dict(message.headers() or [])
                    type_ = headers["ce_type"]
                    assert isinstance(type_, bytes)
                    found.append(classes[type_.decode()].FromString(message.value() or b""))
        return found
    finally:
        consumer.close()
