"""The service whole: orders go out to Kafka, and reports come in from it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final
from uuid import uuid4

import pytest
from google.protobuf.message import Message

from orders.service import CONSUMER_GROUP, SERVICE
from spojka.api.common.v1 import money_pb2
from spojka.api.orders.v1 import events_pb2, order_pb2
from spojka.api.payments.v1 import events_pb2 as payments
from spojka.api.stock.v1 import events_pb2 as stock
from spojka.database import Database
from spojka.identity import Identity, Scope
from spojka.rpc.client import open_channel
from spojka.settings import Settings
from spojka.topics import Topic
from tests.orders.shop import Shop, an_order
from tests.running_service import running_service
from tests.topics import committed_events, topics, with_own_topics, write
from tests.waiting import until

PATIENCE_SECONDS: Final = 60.0


@pytest.fixture
async def settings(kafka_bootstrap: str) -> AsyncIterator[Settings]:
    settings = with_own_topics(Settings(), kafka_bootstrap)
    async with topics(settings, SERVICE.name, [CONSUMER_GROUP]):
        yield settings


@pytest.fixture
async def house(database: Database, settings: Settings) -> AsyncIterator[Shop]:
    """The service as `serve` runs it, and a shop that calls it."""
    async with (
        running_service(SERVICE, settings, database) as running,
        open_channel(f"127.0.0.1:{running.port}") as wire,
    ):
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

    await until(both_taken, "the order is delivered and paid", within_seconds=PATIENCE_SECONDS)
    whole = await house.get(order.id)
    events: list[Message] = []
    kinds = [events_pb2.OrderPlaced, events_pb2.OrderStatusChanged]

    async def all_told() -> bool:
        events[:] = await asyncio.to_thread(committed_events, settings, Topic.ORDERS, key, kinds)
        return len(events) >= 3

    await until(all_told, "three events of the order", within_seconds=PATIENCE_SECONDS)
    assert events[0] == events_pb2.OrderPlaced(tenant_id=str(house.tenant), order=order)
    assert [type(event) for event in events[1:]] == [events_pb2.OrderStatusChanged] * 2
    assert [event.order.revision for event in events] == [1, 2, 3]  # type: ignore[attr-defined]
    assert events[-1].order == whole  # type: ignore[attr-defined]
