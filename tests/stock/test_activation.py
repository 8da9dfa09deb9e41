"""A connection switched off and on: levels frozen, holds kept, nothing rises too early."""

from uuid import uuid4

from stock.levels.retire import retire_others
from stock.warehouses.port import Meaning
from tests.stock.conftest import MakeMerchant, Merchant
from tests.stock.scene import Scene, begun


async def begin(make_merchant: MakeMerchant) -> Scene:
    merchant = await make_merchant(Meaning.NET_OF_RESERVATIONS)
    merchant.warehouse.page_size = 1
    return await begun(merchant, A="10", B="5")


async def figures(merchant: Merchant) -> tuple[int, int]:
    return int(await merchant.available("A")), int(await merchant.available("B"))


async def test_levels_are_frozen_while_it_is_off(make_merchant: MakeMerchant) -> None:
    scene = await begin(make_merchant)
    await scene.ask()
    await scene.deactivate()
    scene.merchant.warehouse.move("A", "5")
    await scene.ask()
    for answer in scene.answers:
        await scene.apply(answer)
    await scene.request_reading("full")
    assert not await scene.job()
    assert await figures(scene.merchant) == (10, 5)
    await scene.check()


async def test_orders_are_still_held_while_it_is_off(make_merchant: MakeMerchant) -> None:
    scene = await begin(make_merchant)
    before = await scene.order({"1": ("A", 2)})
    await scene.deactivate()
    await scene.order({"1": ("A", 3)})
    assert await scene.merchant.available("A") == 5
    await scene.cancel(before)
    assert await scene.merchant.available("A") == 7
    assert not scene.merchant.warehouse.documents
    await scene.settle()
    await scene.check_rest()
    assert await scene.merchant.available("A") == 7


async def test_one_that_is_off_again_takes_nothing_from_the_next(
    make_merchant: MakeMerchant,
) -> None:
    """It was taking over when another was made the active one."""
    merchant = (await begin(make_merchant)).merchant
    former = uuid4()
    async with merchant.database.transaction(merchant.tenant) as connection:
        await connection.execute(
            """
            INSERT INTO connection SELECT (jsonb_populate_record(known, jsonb_build_object(
                'id', %(id)s::uuid, 'state', 'inactive', 'impulse_token', %(id)s::text))).*
            FROM connection AS known WHERE tenant_id = %(tenant)s
            """,
            {"id": former, "tenant": merchant.tenant},
        )
    await retire_others(merchant.database, merchant.tenant, former, lambda: None)
    assert await figures(merchant) == (10, 5)
    async with merchant.database.transaction(merchant.tenant) as connection:
        cursor = await connection.execute("SELECT FROM item WHERE removed")
        assert not await cursor.fetchall()


async def test_nothing_rises_before_the_full_reading_is_complete(
    make_merchant: MakeMerchant,
) -> None:
    scene = await begin(make_merchant)
    await scene.deactivate()
    scene.worker = None
    scene.merchant.warehouse.move("A", "-4")
    scene.merchant.warehouse.move("B", "7")
    await scene.activate()
    assert await figures(scene.merchant) == (10, 5)
    seen = []
    while await scene.job():
        seen.append(await figures(scene.merchant))
        await scene.check()
    # What fell is told at once; what rose waits for the last page.
    assert (6, 5) in seen
    assert (10, 12) not in seen
    assert seen[-1] == (6, 12)
    assert (await scene.merchant.row()).state == "active"


async def test_a_reading_begun_before_does_not_let_numbers_rise(
    make_merchant: MakeMerchant,
) -> None:
    scene = await begin(make_merchant)
    merchant = scene.merchant
    merchant.warehouse.move("A", "1")
    merchant.warehouse.move("B", "1")
    await scene.request_reading("incremental")
    await scene.job()
    await scene.job()
    assert await figures(merchant) == (11, 5)
    # Off and on again between two pages of the incremental reading.
    await scene.deactivate()
    await scene.activate()
    merchant.warehouse.move("A", "3")
    await scene.job()
    assert (await merchant.row()).state == "starting"
    assert await figures(merchant) == (11, 5)
    await scene.settle()
    assert await figures(merchant) == (14, 6)
    assert (await merchant.row()).state == "active"


async def test_the_very_first_reading_may_rise_at_once(make_merchant: MakeMerchant) -> None:
    merchant = await make_merchant()
    await merchant.change(state="starting")
    merchant.warehouse.put("A", on_hand="10")
    await merchant.work()
    assert await merchant.available("A") == 10
    assert (await merchant.row()).state == "active"


async def test_a_starting_connection_that_fails_keeps_its_numbers_down(
    make_merchant: MakeMerchant,
) -> None:
    scene = await begin(make_merchant)
    merchant = scene.merchant
    await scene.deactivate()
    scene.worker = None
    merchant.warehouse.move("A", "5")
    await scene.activate()
    await scene.job()
    await scene.job()
    merchant.warehouse.refuse_connections = 1
    await scene.job()
    assert await figures(merchant) == (10, 5)
    assert (await merchant.row()).state == "starting"
    while await scene.job():
        pass
    assert await figures(merchant) == (15, 5)
