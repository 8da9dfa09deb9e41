"""A living installation, verified in the middle of its work, is called right every time."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from itertools import count
from typing import Final

import pytest
from pydantic import SecretStr

from orders.service import SERVICE as ORDERS
from payments.service import SERVICE as PAYMENTS
from spojka.cancelling import cancel_all
from spojka.database import Database
from spojka.delivery.admin import ensure_topics
from spojka.delivery.health import Health
from spojka.delivery.relay import Relay
from spojka.service import registered_services
from spojka.settings import Settings
from tests.conftest import ROLE_SECRET, MakeDatabase
from tests.running_service import running_service
from tests.topics import with_own_topics
from tests.verification.book import Trade, trading
from tests.verification.lived import Lived
from tests.waiting import until

LOOKS: Final = 2
ORDERS_BETWEEN: Final = 4
COMPARED: Final = (
    "order, compared with payments.v1",
    "order, compared with payments",
    "order, compared with imports.v1",
    "order, compared with stock",
)
PATIENCE_SECONDS: Final = 120.0


@pytest.fixture
async def settings(kafka_bootstrap: str, database_url: str) -> Settings:
    update = {"database_url": SecretStr(database_url), "role_secret": SecretStr(ROLE_SECRET)}
    settings = with_own_topics(Settings(), kafka_bootstrap).model_copy(update=update)
    services = registered_services().values()
    groups = [group for service in services for group in service.consumer_groups]
    await ensure_topics(settings, groups=groups, schemas=[each.name for each in services])
    return settings


@pytest.fixture
async def databases(make_database: MakeDatabase) -> Mapping[str, Database]:
    return {name: await make_database(name) for name in ("stock", "orders", "payments")}


async def _live(trade: Trade, sold: list[str]) -> None:
    """Sell, pay in parts, send, amend and cancel until it is ended; services tell each other."""
    for number in count(2026900):
        order = await trade.place(str(number))
        await trade.transfer(order, "400")
        await trade.goods.tell(order)
        if number % 3 == 0:
            order.lines[1].unit_price = "199"
            order.total = "598.80"
            order = await trade.shop.amend(order)
            await trade.goods.tell(order)
        await trade.transfer(order, "98.80")
        if number % 4 == 0:
            order = await trade.shop.cancel(order, reason="changed their mind")
            await trade.goods.tell(order)
        await trade.goods.work()
        sold.append(order.id)


async def test_what_is_under_way_is_no_difference(
    databases: Mapping[str, Database], settings: Settings, database_url: str
) -> None:
    async with AsyncExitStack() as stack:
        trade = await stack.enter_async_context(trading(databases))
        for service in (ORDERS, PAYMENTS):
            running = running_service(service, settings, databases[service.name])
            await stack.enter_async_context(running)
        relay = Relay(databases["stock"], settings, "stock", Health())
        await relay.start()
        stack.push_async_callback(relay.stop)
        lived = Lived(database_url, settings, {"trade": trade.shop.tenant})
        sold: list[str] = []
        living = asyncio.create_task(_live(trade, sold))
        try:
            for look in range(LOOKS):
                enough = (look + 1) * ORDERS_BETWEEN
                await until(
                    lambda enough=enough: living.done() or len(sold) >= enough,
                    "more orders",
                    within_seconds=PATIENCE_SECONDS,
                )
                assert not living.done(), living.exception()
                await _agrees(lived)
                assert not living.done(), living.exception()
        finally:
            await cancel_all([living])
        compared = await _agrees(lived)
    # It was compared while there was much to compare.
    for what in COMPARED:
        assert compared[what] >= ORDERS_BETWEEN, compared


async def _agrees(lived: Lived) -> Counter[str]:
    """Verify all that is in this moment; gives how much of the order book was looked at."""
    report = await lived.verify("stock", "orders", "payments", topics=True)
    assert [found for each in report.services.values() for found in each.differences] == []
    return report.services["orders"].checked
