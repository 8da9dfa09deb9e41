"""What happens at once on separate connections: no deadlock, and the invariants afterwards.

Each round starts its tasks together, in a seeded order and with seeded
head starts; PostgreSQL interleaves them.
"""

from functools import partial
from random import Random

import pytest

from spojka.api.orders.v1 import order_pb2
from stock.levels.relevel import ask, relevel
from stock.warehouses.port import Meaning
from tests.at_once import Act, at_once
from tests.stock.conftest import MakeMerchant
from tests.stock.scene import Scene, begun

ROUNDS = 200
ROUNDS_A_TENANT = 20


async def begin(make_merchant: MakeMerchant, meaning: Meaning) -> Scene:
    return await begun(await make_merchant(meaning), A="50", B="50", C="50")


async def test_holds_beside_readings(make_merchant: MakeMerchant) -> None:
    random = Random(20240229)
    for first in range(0, ROUNDS, ROUNDS_A_TENANT):
        meaning = random.choice(list(Meaning))
        scene = await begin(make_merchant, meaning)
        for place in range(first, first + ROUNDS_A_TENANT):
            await _round(scene, random, place)
        await scene.settle()
        await scene.check_rest()


async def _round(scene: Scene, random: Random, place: int) -> None:
    warehouse = scene.merchant.warehouse
    products = random.sample(["A", "B", "C"], 2)
    placed = await scene.order({"1": (products[0], 1), "2": (products[1], 2)})
    for product in products:
        warehouse.move(product, str(random.randrange(-2, 3)))
        await scene.ask(product)
    warehouse.move(random.choice(products), "1")
    await scene.ask()
    late = scene.answers[-3:]
    acts: list[Act] = [
        *(partial(scene.apply, answer) for answer in late),
        lambda: scene.order({"1": (products[1], 1), "2": (products[0], 1)}),
        lambda: scene.cancel(placed) if place % 3 else scene.amend(placed, {"1": (products[1], 3)}),
        scene.job,
    ]
    if place % 5 == 0:
        acts.append(partial(_relevel, scene, buffer=random.randrange(3)))
    await at_once(random, acts)
    await scene.check()


async def _relevel(scene: Scene, buffer: int) -> None:
    merchant = scene.merchant
    async with merchant.database.transaction(merchant.tenant) as connection:
        await connection.execute(
            "UPDATE connection SET buffer = %s WHERE tenant_id = %s AND id = %s",
            [buffer, merchant.tenant, merchant.connection_id],
        )
        await ask(connection, merchant.tenant, merchant.connection_id, "another buffer")
    await relevel(merchant.database, merchant.tenant, merchant.connection_id, lambda: None)


async def test_one_event_delivered_twice_at_once_holds_once(make_merchant: MakeMerchant) -> None:
    random = Random(7)
    scene = await begin(make_merchant, Meaning.PHYSICAL)
    for place in range(20):
        placed = await scene.order({"1": ("A", 1)})
        await scene.merchant.change(automatic_import=False)
        placed.message.revision += 1
        placed.message.content_revision += 1
        placed.message.lines[0].quantity = "2"
        placed.lines = {"1": ("A", 2)}
        told = order_pb2.Order()
        told.CopyFrom(placed.message)
        new = order_pb2.Order()
        new.CopyFrom(placed.message)
        new.id = f"{place:032x}"
        await at_once(
            random,
            [
                partial(scene.merchant.tell, told),
                partial(scene.merchant.tell, told),
                partial(scene.merchant.tell, new),
                partial(scene.merchant.tell, new),
            ],
        )
        (hold,) = await scene.merchant.holds(placed.message)
        assert hold.created == hold.wanted == 2
        (hold,) = await scene.merchant.holds(new)
        assert hold.created == hold.wanted == 2
        await scene.cancel(placed)
        new.revision += 1
        new.fulfilment_state = order_pb2.FULFILMENT_STATE_CANCELLED
        await scene.merchant.tell(new)
    assert await scene.merchant.available("A") == 50


@pytest.mark.parametrize("meaning", [Meaning.NET_OF_ORDERS, Meaning.PHYSICAL])
async def test_a_cancellation_beside_every_step_of_an_import(
    make_merchant: MakeMerchant, meaning: Meaning
) -> None:
    random = Random(11)
    scene = await begin(make_merchant, meaning)
    for place in range(16):
        placed = await scene.order({"1": ("A", 2)})
        for _ in range(place % 4):
            await scene.job()
        await at_once(random, [scene.job, partial(scene.cancel, placed)])
        await scene.check()
    await scene.settle()
    await scene.check_rest()
    assert not scene.merchant.warehouse.documents
    assert await scene.merchant.available("A") == 50
