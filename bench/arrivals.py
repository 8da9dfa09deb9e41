"""Consumers in processes of their own, which print each event's id and the moment it came.

`python -m bench.arrivals house` is a consumer of the ground, whose handler
runs in its transaction; `python -m bench.arrivals bare` is the bare client's
poll. Settings come from the environment. Moments are of the monotonic clock,
which all processes of a Linux machine share.
"""

import asyncio
import signal
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

from confluent_kafka import Consumer as BareConsumer
from confluent_kafka import TopicPartition

from bench.bus import STOCK_CHANGED
from spojka.database import Connection, Database
from spojka.delivery.consumer import Consumer
from spojka.delivery.handler import Kind, ReceivedEvent, Route
from spojka.delivery.headers import ID
from spojka.delivery.health import Health
from spojka.delivery.kafka_config import consumer_config, kafka_config
from spojka.service import service_database_url
from spojka.settings import Settings, load_settings
from spojka.telemetry import configure_logging
from spojka.topics import Topic

GROUP: Final = "bench"
BARE_TOPIC: Final = Topic.ORDERS
_POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class _Arrivals:
    """A handler that tells when events reach it."""

    async def handle(
        self, _connection: Connection, _tenant: UUID, events: Sequence[ReceivedEvent]
    ) -> None:
        _tell(str(event.id) for event in events)


async def house(settings: Settings) -> None:
    """Consume the stock topic as a service would, until SIGTERM."""
    database = Database(service_database_url(settings, "stock"), "stock", application="bench")
    consumer = Consumer(
        GROUP,
        topics=[Topic.STOCK],
        routes=[Route(frozenset({STOCK_CHANGED}), _Arrivals(), Kind.STATE)],
        database=database,
        settings=settings,
        health=Health(),
    )
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    await database.open()
    await consumer.start()
    await stopping.wait()
    await consumer.stop()
    await database.close()


def bare(settings: Settings) -> None:
    """Poll another topic, which nobody writes in transactions, until SIGTERM ends the process."""
    config = consumer_config(kafka_config(settings, "bench"), f"bare-{uuid4()}")
    consumer = BareConsumer(config | {"enable.auto.commit": False})
    topic = BARE_TOPIC.full_name(settings.topic_prefix)
    consumer.assign(
        [TopicPartition(topic, number, 0) for number in range(settings.orders_partitions)]
    )
    while True:
        message = consumer.poll(_POLL_SECONDS)
        if message is None:
            continue
        error = message.error()
        assert error is None, str(error)
        event_id = dict(message.headers() or [])[ID]
        assert isinstance(event_id, bytes)
        _tell([event_id.decode()])


def _tell(ids: Iterable[str]) -> None:
    now = time.monotonic()
    sys.stdout.writelines(f"{event_id} {now}\n" for event_id in ids)
    sys.stdout.flush()


if __name__ == "__main__":
    configure_logging(load_settings(), "bench")
    if sys.argv[1] == "house":
        asyncio.run(house(load_settings()))
    else:
        bare(load_settings())
