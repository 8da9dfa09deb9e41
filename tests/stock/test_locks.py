"""What is decided at once about the same goods is decided one after another.

The first transaction is held open until the second is seen to wait for it.
"""

import asyncio
from uuid import UUID

from spojka.api.orders.v1 import order_pb2
from stock.imports.intake import take_orders
from tests.orders.locks import until_waiting
from tests.stock.conftest import MakeMerchant
from tests.stock.scene import Scene, begun


async def begin(make_merchant: MakeMerchant) -> Scene:
    return await begun(await make_merchant(), A="10")


async def test_two_orders_of_one_item_at_once_are_both_taken_off(
    make_merchant: MakeMerchant,
) -> None:
    scene = await begin(make_merchant)
    merchant = scene.merchant
    first, second = await scene._message({"1": ("A", 1)}), await scene._message({"1": ("A", 2)})
    first.revision = second.revision = 1
    async with merchant.database.transaction(merchant.tenant) as connection:
        await take_orders(connection, merchant.tenant, {UUID(first.id): first})
        behind = asyncio.create_task(merchant.tell(second))
        await until_waiting(connection, 1)
    await behind
    assert await merchant.available("A") == 7
    assert [event.available for event in await merchant.events()] == ["10", "9", "7"]


async def test_an_order_that_is_being_cancelled_is_not_sent(make_merchant: MakeMerchant) -> None:
    scene = await begin(make_merchant)
    merchant = scene.merchant
    placed = await scene.order({"1": ("A", 2)})
    assert scene.worker is not None
    sending = await scene.worker._next_job()
    assert sending is not None
    cancelled = order_pb2.Order()
    cancelled.CopyFrom(placed.message)
    cancelled.revision += 1
    cancelled.fulfilment_state = order_pb2.FULFILMENT_STATE_CANCELLED
    async with merchant.database.transaction(merchant.tenant) as connection:
        await take_orders(connection, merchant.tenant, {UUID(cancelled.id): cancelled})
        behind = asyncio.ensure_future(sending())
        await until_waiting(connection, 1)
    await behind
    assert not merchant.warehouse.imports
    assert (await merchant.import_of(cancelled)).state == "withdrawn"
    assert await merchant.available("A") == 10
