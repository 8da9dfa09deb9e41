"""Events for the rows about Kafka, and the bare client that their ceilings are made of."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

from confluent_kafka import Producer

from spojka.api.stock.v1 import events_pb2
from spojka.delivery.headers import Headers, event_headers, source_of
from spojka.delivery.kafka_config import kafka_config, producer_config
from spojka.outbox import Event
from spojka.settings import Settings
from spojka.telemetry import new_traceparent
from spojka.topics import Topic

QUEUE_MESSAGES: Final = 1_000_000
FLUSH_SECONDS: Final = 120.0

STOCK_CHANGED: Final = events_pb2.StockChanged.DESCRIPTOR.full_name

Ready = tuple[str, bytes, Headers]
"""A message as the client takes it: key, value and headers."""


def stock_events(tenant: UUID, count: int, *, items: int) -> list[Event]:
    """Events of about 250 bytes, of so many items in turn."""
    ids = [uuid4() for _ in range(min(items, count))]
    return [_stock_event(tenant, ids[number % len(ids)], number) for number in range(count)]


def as_message(event: Event) -> Ready:
    """The event as the relay would send it."""
    assert event.message is not None
    headers = event_headers(
        source=source_of("stock"),
        event_id=event.id,
        event_type=event.type,
        time=datetime.now(UTC),
        traceparent=new_traceparent(),
    )
    return event.key, event.message, headers


def bare_producer(settings: Settings, *, linger_ms: int) -> Producer:
    """An idempotent producer with the relay's properties but no transactions."""
    config = producer_config(kafka_config(settings, "bench"))
    return Producer(
        {
            **config,
            "linger.ms": linger_ms,
            "queue.buffering.max.messages": QUEUE_MESSAGES,
        }
    )


def produce_all(producer: Producer, topic: str, messages: Sequence[Ready]) -> None:
    """Send all, and return when the broker has acknowledged them."""
    for key, value, headers in messages:
        producer.produce(topic, value, key, headers=headers)
    assert producer.flush(FLUSH_SECONDS) == 0


def _stock_event(tenant: UUID, item_id: UUID, revision: int) -> Event:
    message = events_pb2.StockChanged(
        tenant_id=str(tenant),
        item_id=str(item_id),
        epoch=1,
        revision=revision,
        connection_id=str(tenant),
        product_number="NAR-000001",
        ean="8590000000015",
        name="Kladivo tesařské 500 g, násada jasan",
        unit="ks",
        held_unassigned="0",
        available="120",
        warehouses=[events_pb2.WarehouseStock(warehouse="HLAVNÍ", erp_available="120", held="0")],
    )
    return Event.of(Topic.STOCK, f"{tenant}/{item_id}", message)
