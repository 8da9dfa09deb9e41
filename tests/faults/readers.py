"""A reader that comes new to the topics: from offset zero, committed events only."""

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from confluent_kafka import Consumer
from google.protobuf.message import Message

from spojka.api.mail.v1 import events_pb2 as mail_events
from spojka.api.orders.v1 import events_pb2 as order_events
from spojka.api.payments.v1 import events_pb2 as payment_events
from spojka.api.stock.v1 import events_pb2 as stock_events
from spojka.delivery import reader
from spojka.delivery.kafka_config import kafka_config
from spojka.settings import Settings
from spojka.topics import Topic, dead_letter_topic

_TYPES: Mapping[str, type[Message]] = {
    message.DESCRIPTOR.full_name: message
    for message in (
        order_events.OrderPlaced,
        order_events.OrderAmended,
        order_events.OrderCancelled,
        order_events.OrderStatusChanged,
        stock_events.StockChanged,
        stock_events.OrderImported,
        stock_events.OrderImportBlocked,
        stock_events.OrderDelivered,
        mail_events.PaymentNotified,
        payment_events.PaymentReceived,
        payment_events.PaymentMatched,
        payment_events.PaymentReversed,
        payment_events.OrderPaymentChanged,
    )
}
PARTITIONS = {
    Topic.STOCK: "stock_partitions",
    Topic.ORDERS: "orders_partitions",
    Topic.IMPORTS: "orders_partitions",
    Topic.NOTIFICATIONS: "payments_partitions",
    Topic.PAYMENTS: "payments_partitions",
}
GROUPS = ("stock", "orders", "payments")


@dataclass(frozen=True, slots=True)
class Read:
    """All events of the topics by key, in their order; `doubled` came more than once."""

    stock: dict[str, list[Any]]
    orders: dict[str, list[Any]]
    imports: dict[str, list[Any]]
    notifications: dict[str, list[Any]]
    payments: dict[str, list[Any]]
    doubled: list[str]
    dead_letters: int


def read_topics(settings: Settings) -> Read:
    """Read everything there is now. Blocks; raises RequestError where Kafka does not answer."""
    # Side by side: each partition's end is waited for, and there are many.
    with ThreadPoolExecutor() as threads:
        counts = threads.map(partial(_count, settings), GROUPS)
        read = threads.map(partial(_events, settings), PARTITIONS)
    events, ids = dict[Topic, dict[str, list[Any]]](), Counter[str]()
    for topic, (found, its_ids) in zip(PARTITIONS, read, strict=True):
        events[topic] = found
        ids += its_ids
    return Read(
        stock=events[Topic.STOCK],
        orders=events[Topic.ORDERS],
        imports=events[Topic.IMPORTS],
        notifications=events[Topic.NOTIFICATIONS],
        payments=events[Topic.PAYMENTS],
        doubled=[id_ for id_, times in ids.items() if times > 1],
        dead_letters=sum(counts),
    )


def hanging(settings: Settings) -> list[str]:
    """Name the partitions where an open transaction keeps committed events from readers. Blocks.

    A broker that completed a transaction without its markers never closes it
    (KAFKA-20734); to tell it from one that is just under way, look at rest.
    """
    with ThreadPoolExecutor() as threads:
        levels = ("read_committed", "read_uncommitted")
        stable, end = threads.map(partial(_ends, settings), levels)
    return [
        f"{name}[{number}]: readable to {stable[name, number]} of {offset}"
        for (name, number), offset in end.items()
        if stable[name, number] < offset
    ]


def _ends(settings: Settings, isolation_level: str) -> dict[tuple[str, int], int]:
    config = {"group.id": "judgement", "isolation.level": isolation_level}
    consumer = Consumer(kafka_config(settings, "judgement") | config)
    try:
        return {
            (name, number): reader.bounds(consumer, name, number)[1]
            for topic, partitions in PARTITIONS.items()
            for name in [topic.full_name(settings.topic_prefix)]
            for number in range(getattr(settings, partitions))
        }
    finally:
        consumer.close()


def _events(settings: Settings, topic: Topic) -> tuple[dict[str, list[Any]], Counter[str]]:
    """The events of a topic by key, and how often each id came."""
    name = topic.full_name(settings.topic_prefix)
    found: dict[str, list[Any]] = {}
    ids: Counter[str] = Counter()
    with reader.opened(kafka_config(settings, "judgement")) as consumer:
        for partition in range(getattr(settings, PARTITIONS[topic])):
            for message in reader.read(consumer, name, partition, 0):
                key, value = message.key(), message.value()
                assert key is not None
                headers: dict[str, Any] = dict(message.headers() or [])
                kind = _TYPES[headers["ce_type"].decode()]
                ids[headers["ce_id"].decode()] += 1
                found.setdefault(key.decode(), []).append(kind.FromString(value or b""))
    return found, ids


def _count(settings: Settings, group: str) -> int:
    name = dead_letter_topic(settings.topic_prefix, group)
    with reader.opened(kafka_config(settings, "judgement")) as consumer:
        first, last = reader.bounds(consumer, name, 0)
    return last - first
