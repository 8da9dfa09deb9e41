"""The marketplace: it reads the compacted topic of a real broker from its beginning."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from confluent_kafka import Producer

from sandbox.shops import KafkaShop, Listing, NotShown
from spojka.api.stock.v1.events_pb2 import StockChanged
from spojka.topics import Topic
from tests.sandbox.shops.edge import Script, edge

OURS, OTHERS = "tenant-1", "tenant-2"
BY_NUMBER = Listing("M-1", "Židle", Decimal(990), product_number="z1")
BY_EAN = Listing("M-2", "Stůl", Decimal(4990), ean="2900000000018")
WITHIN_SECONDS = 20


class Stock:
    """Writes the topic as the stock service would."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0})
        self._topic = topic

    def write(self, item: str, available: str, revision: int, **more: object) -> None:
        values = {"tenant_id": OURS, "product_number": item, **more}
        change = StockChanged(item_id=item, available=available, revision=revision, **values)  # type: ignore[arg-type]
        self._put(f"{change.tenant_id}/{item}", change.SerializeToString())

    def write_tombstone(self, item: str) -> None:
        self._put(f"{OURS}/{item}", None)

    def _put(self, key: str, value: bytes | None) -> None:
        self._producer.produce(self._topic, key=key.encode(), value=value)
        assert self._producer.flush(10) == 0


@pytest.fixture
def stock(kafka_bootstrap: str, topic_prefix: str) -> Stock:
    return Stock(kafka_bootstrap, Topic.STOCK.full_name(topic_prefix))


@asynccontextmanager
async def _market(bootstrap: str, topic: str) -> AsyncIterator[KafkaShop]:
    async with (
        edge(Script()) as client,
        KafkaShop(
            "Marketplace",
            "market",
            client,
            [BY_NUMBER, BY_EAN],
            tenant_id=OURS,
            topic=topic,
            kafka={"bootstrap.servers": bootstrap},
        ) as shop,
    ):
        yield shop


async def test_it_reads_from_the_beginning_and_goes_on(
    stock: Stock, kafka_bootstrap: str, topic_prefix: str
) -> None:
    topic = Topic.STOCK.full_name(topic_prefix)
    stock.write("Z1", "10", 1)
    stock.write("Z1", "9.5", 2)
    stock.write("Z9", "4", 1, ean="2900000000018")
    async with _market(kafka_bootstrap, topic) as market:
        await market.shelf.until_all_show({"M-1": 9, "M-2": 4}, within_seconds=WITHIN_SECONDS)
        stock.write("Z1", "7", 3)
        await market.shelf.until_shows("M-1", 7, within_seconds=WITHIN_SECONDS)
    async with _market(kafka_bootstrap, topic) as market:
        await market.shelf.until_all_show({"M-1": 7, "M-2": 4}, within_seconds=WITHIN_SECONDS)


async def test_older_revisions_other_tenants_and_tombstones_change_nothing(
    stock: Stock, kafka_bootstrap: str, topic_prefix: str
) -> None:
    stock.write("Z1", "10", 5)
    stock.write("Z1", "99", 4)
    stock.write("Z1", "50", 9, tenant_id=OTHERS)
    stock.write_tombstone("Z1")
    stock.write("Z9", "4", 1, ean="2900000000018")
    async with _market(kafka_bootstrap, Topic.STOCK.full_name(topic_prefix)) as market:
        await market.shelf.until_all_show({"M-1": 10, "M-2": 4}, within_seconds=WITHIN_SECONDS)
        assert [shown.quantity for shown in market.shelf.history("M-1")] == [10]


async def test_a_removed_item_is_sold_out(
    stock: Stock, kafka_bootstrap: str, topic_prefix: str
) -> None:
    stock.write("Z1", "10", 1)
    async with _market(kafka_bootstrap, Topic.STOCK.full_name(topic_prefix)) as market:
        await market.shelf.until_shows("M-1", 10, within_seconds=WITHIN_SECONDS)
        stock.write("Z1", "0", 2, removed=True)
        await market.shelf.until_shows("M-1", 0, within_seconds=WITHIN_SECONDS)


async def test_a_topic_that_is_not_there_is_told_to_whoever_waits(
    kafka_bootstrap: str, topic_prefix: str
) -> None:
    async with _market(kafka_bootstrap, f"{topic_prefix}.no-such-topic") as market:
        with pytest.raises(NotShown, match="no news comes any more"):
            await market.shelf.until_shows("M-1", 1, within_seconds=WITHIN_SECONDS)
