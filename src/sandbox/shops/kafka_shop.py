"""A marketplace that the operator trusts with the stock topic.

It needs a Kafka client and the .proto alone. The topic is compacted: read from
its beginning, it says all there is, so the shop keeps no offsets.
"""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Message, TopicPartition

from sandbox.shops.edge import EdgeClient
from sandbox.shops.listing import Listing
from sandbox.shops.shop import Shop
from spojka.api.stock.v1.events_pb2 import StockChanged
from spojka.values import ZERO, gtin_key, parse_decimal, product_number_key

POLL_SECONDS: Final = 0.1
BATCH_MAX_MESSAGES: Final = 500
METADATA_TIMEOUT_SECONDS: Final = 10.0


class KafkaShop(Shop):
    """Shows what is available, as the stock topic says; pairs items with its listings itself."""

    def __init__(
        self,
        name: str,
        channel_id: str,
        edge: EdgeClient,
        listings: Sequence[Listing],
        *,
        tenant_id: str,
        topic: str,
        kafka: Mapping[str, Any],
    ) -> None:
        """Follow one tenant's items on `topic`; `kafka` are librdkafka's properties."""
        super().__init__(name, channel_id, edge, listings)
        self._tenant_id = tenant_id
        self._topic = topic
        self._kafka = kafka
        self._by_number: defaultdict[str, list[str]] = defaultdict(list)
        self._by_ean: defaultdict[str, list[str]] = defaultdict(list)
        for listing in listings:
            if listing.product_number:
                self._by_number[product_number_key(listing.product_number)].append(listing.id)
            elif ean := gtin_key(listing.ean):
                self._by_ean[ean].append(listing.id)

    async def follow(self) -> None:
        """Read without end. Raises KafkaException where the client can't go on."""
        stop = threading.Event()
        loop = asyncio.get_running_loop()
        reading = loop.run_in_executor(None, self._read, loop, stop)
        try:
            await asyncio.shield(reading)
        finally:
            stop.set()
            await reading

    def apply(self, changes: Sequence[StockChanged]) -> None:
        """Put changes on the shelf; other tenants' are not ours."""
        for change in changes:
            if change.tenant_id != self._tenant_id:
                continue
            available = ZERO if change.removed else parse_decimal(change.available or "0")
            for listing_id in self._listed(change):
                self.shelf.tell(listing_id, available, (change.epoch, change.revision))

    def _listed(self, change: StockChanged) -> Iterator[str]:
        yield from self._by_number.get(product_number_key(change.product_number), ())
        if ean := gtin_key(change.ean):
            yield from self._by_ean.get(ean, ())

    def _read(self, loop: asyncio.AbstractEventLoop, stop: threading.Event) -> None:
        """Run on a thread of its own, which alone touches the client."""
        consumer = Consumer(
            {
                **self._kafka,
                "group.id": f"{self.channel_id}-shop",  # wanted by the client; nothing is committed
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 100,
            }
        )
        try:
            consumer.assign(
                [
                    TopicPartition(self._topic, partition, OFFSET_BEGINNING)
                    for partition in self._partitions(consumer)
                ]
            )
            while not stop.is_set():
                changes = [_change(message) for message in _received(consumer)]
                if changes:
                    loop.call_soon_threadsafe(self.apply, changes)
        finally:
            consumer.close()

    def _partitions(self, consumer: Consumer) -> list[int]:
        metadata = consumer.list_topics(self._topic, timeout=METADATA_TIMEOUT_SECONDS)
        topic = metadata.topics[self._topic]
        if topic.error is not None:
            raise KafkaException(topic.error)
        return list(topic.partitions)


def _received(consumer: Consumer) -> Iterator[Message]:
    """What has come: at once where something has, after POLL_SECONDS where nothing has."""
    first = consumer.poll(POLL_SECONDS)
    if first is None:
        return
    for message in [first, *consumer.consume(BATCH_MAX_MESSAGES, timeout=0)]:
        error = message.error()
        if error is not None and error.fatal():
            raise KafkaException(error)
        # Of an item that is gone for good a tombstone is left; it said so before.
        if error is None and message.value() is not None:
            yield message


def _change(message: Message) -> StockChanged:
    value = message.value()
    assert value is not None
    return StockChanged.FromString(value)
