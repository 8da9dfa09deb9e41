"""Readings beside other things: while one is held, broken off, asked for anew, switched off."""

from collections.abc import AsyncIterator, Iterable
from decimal import Decimal
from functools import partial

import pytest

from spojka.api.stock.v1 import warehouse_service_pb2 as api
from spojka.database import Database
from tests.stock.conftest import Merchant
from tests.stock.import_desk import (
    CARDS,
    PartlyReadable,
    WatchedWarehouses,
    break_off,
    findings,
    readings,
    scene_with,
)
from tests.stock.scene import Scene
from tests.stock.warehouse_desk import Desk, open_desk

NAMES = [f"P{place}" for place in range(CARDS)]


@pytest.fixture
async def desk(stock_database: Database) -> AsyncIterator[Desk]:
    async with open_desk(stock_database) as desk:
        yield desk


async def stocked(desk: Desk) -> Merchant:
    """A merchant with five of each product; all is read, nothing is due."""
    merchant = await desk.merchant()
    for name in NAMES:
        merchant.warehouse.put(name, on_hand="5")
    await merchant.work()
    return merchant


async def held(desk: Desk, merchant: Merchant) -> list[api.Reading]:
    return [
        reading
        for reading in await desk.readings(merchant.connection_id)
        if reading.state == api.READING_STATE_HELD
    ]


async def approve(desk: Desk, merchant: Merchant) -> None:
    """Approve the one reading that is held."""
    [reading] = await held(desk, merchant)
    await desk.call("ApproveReading", id=reading.id)


async def offered(merchant: Merchant, names: Iterable[str] = NAMES) -> set[Decimal]:
    return {await merchant.available(name) for name in names}


# A reading that waits for a person, and what happens meanwhile.


async def test_a_mass_change_of_goods_that_open_orders_want_is_asked_about_once(
    desk: Desk,
) -> None:
    merchant = await stocked(desk)
    await merchant.order(*[(name, "1") for name in NAMES])
    await merchant.work()
    merchant.warehouse.empty()
    scene = Scene(merchant)
    await scene.request_reading("full")
    await scene.rest()
    assert len(await held(desk, merchant)) == 1
    assert await offered(merchant) == {4}
    await approve(desk, merchant)
    assert await offered(merchant) == {0}
    assert await findings(merchant) == []


@pytest.mark.parametrize("kind", ["full", "incremental"])
async def test_a_reading_of_what_changed_puts_no_held_one_away(desk: Desk, kind: str) -> None:
    merchant = await stocked(desk)
    merchant.warehouse.empty()
    await merchant.read(kind)
    assert len(await held(desk, merchant)) == 1
    merchant.warehouse.put("Q", on_hand="3")
    await merchant.read("incremental")
    # The ERP says nothing of those cards any more: a person must still be able to.
    assert "stock.reading_held" in await merchant.tasks()
    await approve(desk, merchant)
    assert await offered(merchant) == {0}
    assert await merchant.available("Q") == 3


async def test_of_two_mass_changes_that_are_read_one_by_one_a_person_decides_at_once(
    desk: Desk,
) -> None:
    merchant = await stocked(desk)
    merchant.warehouse.empty()
    await merchant.read("incremental")
    others = [f"Q{place}" for place in range(CARDS)]
    for name in others:
        merchant.warehouse.put(name, on_hand="3")
    await merchant.read("incremental")
    assert await offered(merchant, others) == {3}
    merchant.warehouse.empty()
    await merchant.read("incremental")
    [reading] = await held(desk, merchant)
    assert reading.zeroed == 2 * CARDS
    await approve(desk, merchant)
    assert await offered(merchant, NAMES + others) == {0}
    assert "stock.reading_held" not in await merchant.tasks()


# A reading that breaks off, or is asked for while another one is begun.


async def test_who_asked_for_everything_gets_it_though_the_reading_breaks_off(
    desk: Desk,
) -> None:
    merchant = await stocked(desk)
    await desk.call("SyncNow", id=str(merchant.connection_id), full=True)
    scene = Scene(merchant)
    scene.next_request(break_off(scene), answered=False)
    while await scene.job():
        pass
    assert (await readings(merchant))[-2:] == [("full", "failed"), ("full", "applied")]


async def test_everything_asked_for_while_a_lesser_reading_is_begun_is_read(desk: Desk) -> None:
    merchant = await stocked(desk)
    scene = await scene_with(merchant, WatchedWarehouses)
    await scene.request_reading("incremental")
    scene.next_request(
        partial(desk.call, "SyncNow", id=str(merchant.connection_id), full=True), answered=True
    )
    await scene.rest()
    assert ("full", "applied") in (await readings(merchant))[1:]


# A connection that is switched off while its last page is under way.


async def test_what_it_knew_is_frozen_though_the_last_page_comes_after_it_was_switched_off(
    desk: Desk,
) -> None:
    merchant = await stocked(desk)
    cards = merchant.warehouse.cards
    del cards[merchant.warehouse.card("P0").card_id]
    merchant.warehouse.move("P1", "-5")
    scene = Scene(merchant)
    await scene.request_reading("full")

    async def switch_off() -> None:
        await desk.switch(merchant.connection_id, on=False)

    scene.next_request(switch_off, answered=True)
    while await scene.job():
        pass
    assert await offered(merchant) == {5}
    assert await findings(merchant) == []


# Cards that can't be read, beside those that vanished and those that sold out.


async def test_unreadable_missing_and_sold_out_cards_of_one_reading_are_told_apart(
    desk: Desk,
) -> None:
    merchant = await stocked(desk)
    warehouse = merchant.warehouse
    bad, gone = warehouse.card("P0"), warehouse.card("P1")
    warehouse.move("P0", "-5")
    warehouse.move("P2", "-5")
    del warehouse.cards[gone.card_id]
    scene = await scene_with(merchant, PartlyReadable, unreadable={bad.card_id})
    await scene.request_reading("full")
    await scene.rest()
    assert [await merchant.available(name) for name in NAMES[:4]] == [5, 0, 0, 5]
    assert "stock.cards_unreadable" in await merchant.tasks()
    assert await findings(merchant) == []


async def test_where_a_card_has_no_name_none_is_taken_for_missing(desk: Desk) -> None:
    merchant = await stocked(desk)
    warehouse = merchant.warehouse
    bad, gone = warehouse.card("P0"), warehouse.card("P1")
    warehouse.move("P2", "-5")
    del warehouse.cards[gone.card_id]
    scene = await scene_with(merchant, PartlyReadable, nameless={bad.card_id})
    await scene.request_reading("full")
    await scene.rest()
    assert [await merchant.available(name) for name in NAMES[:4]] == [5, 5, 0, 5]
    await merchant.read("full")
    assert await merchant.available("P1") == 0
    assert await findings(merchant) == []


async def test_the_task_of_unreadable_cards_ends_when_all_are_readable_again(desk: Desk) -> None:
    merchant = await stocked(desk)
    bad = merchant.warehouse.card("P0")
    scene = await scene_with(merchant, PartlyReadable, unreadable={bad.card_id})
    await scene.request_reading("full")
    await scene.rest()
    assert "stock.cards_unreadable" in await merchant.tasks()
    await merchant.read("full")
    assert "stock.cards_unreadable" not in await merchant.tasks()
