"""The service whole: orders and notifications come in from Kafka, what is paid goes out."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID, uuid4

import pytest

from payments.service import CONSUMER_GROUP, SERVICE
from spojka.api.orders.v1 import events_pb2 as orders
from spojka.api.orders.v1 import order_pb2
from spojka.api.payments.v1 import events_pb2
from spojka.database import Database
from spojka.delivery.health import Health
from spojka.settings import Settings
from spojka.topics import Topic
from tests.payments.scene import Scene
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
async def house(database: Database, settings: Settings) -> AsyncIterator[Health]:
    """The service as `serve` runs it."""
    async with running_service(SERVICE, settings, database) as running:
        yield running.health


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

    await until(known, "the payment is there", within_seconds=PATIENCE_SECONDS)
    order = scene.order("2026001")
    placed = orders.OrderPlaced(tenant_id=str(scene.tenant), order=order)
    key = f"{scene.tenant}/{order.id}"
    write(settings, Topic.ORDERS, key, placed)
    told: list[events_pb2.OrderPaymentChanged] = []

    async def paid() -> bool:
        told[:] = await asyncio.to_thread(
            committed_events, settings, Topic.PAYMENTS, key, [events_pb2.OrderPaymentChanged]
        )
        return bool(told)

    await until(paid, "OrderPaymentChanged of the order", within_seconds=PATIENCE_SECONDS)
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

    await until(
        both_known, "the payment behind the repetition is there", within_seconds=PATIENCE_SECONDS
    )
    assert len(await scene.payments()) == 2
    assert house.ok, house.troubles
