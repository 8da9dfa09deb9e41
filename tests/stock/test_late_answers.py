"""Answers that come late, twice or out of turn change nothing that is newer."""

from decimal import Decimal
from itertools import permutations

import pytest

from stock.warehouses.port import Meaning
from tests.stock.conftest import MakeMerchant
from tests.stock.invariants import take_picture
from tests.stock.scene import Lines, Scene, begun


async def begin(make_merchant: MakeMerchant, meaning: Meaning = Meaning.NET_OF_ORDERS) -> Scene:
    return await begun(await make_merchant(meaning), A="10", B="5")


async def test_an_older_capture_changes_nothing(make_merchant: MakeMerchant) -> None:
    scene = await begin(make_merchant)
    warehouse = scene.merchant.warehouse
    warehouse.move("A", "20")
    await scene.ask("A")
    warehouse.move("A", "-25")
    await scene.ask("A")
    older, newer = scene.answers
    await scene.apply(newer)
    before, said = await take_picture(scene.merchant), len(await scene.merchant.events())
    for answer in (older, newer, older):
        await scene.apply(answer)
    assert await take_picture(scene.merchant) == before
    assert len(await scene.merchant.events()) == said
    assert await scene.merchant.available("A") == 5


async def test_an_older_capture_does_not_undo_what_a_newer_one_found_unchanged(
    make_merchant: MakeMerchant,
) -> None:
    scene = await begin(make_merchant)
    warehouse = scene.merchant.warehouse
    warehouse.move("A", "20")
    await scene.ask("A")
    warehouse.move("A", "-20")
    await scene.ask("A")
    older, newer = scene.answers
    await scene.apply(newer)  # Says what is known already: 10.
    await scene.apply(older)
    assert await scene.merchant.available("A") == 10
    await scene.check()


async def test_levels_end_the_same_in_any_order(make_merchant: MakeMerchant) -> None:
    for order in permutations(range(4)):
        scene = await begin(make_merchant)
        for delta in ("3", "-9", "4", "-2"):
            scene.merchant.warehouse.move("A", delta)
            await scene.ask("A" if delta != "4" else None)
        for place in order:
            await scene.apply(scene.answers[place])
            await scene.check()
        assert await scene.merchant.available("A") == 6
        await scene.check_rest()


async def test_what_was_read_before_a_document_was_replaced_is_void(
    make_merchant: MakeMerchant,
) -> None:
    scene = await begin(make_merchant)
    placed = await scene.order({"1": ("A", 2)})
    await scene.settle()
    await scene.ask_document(placed)
    await scene.amend(placed, {"1": ("A", 3)})
    # Read, delete and make anew; then the old document's reading is heard.
    while (await scene.merchant.import_of(placed.message)).document_revision != 2:
        assert await scene.job()
        await scene.check()
    await scene.hear(scene.heard[0])
    await scene.check()
    assert await scene.merchant.available("A") <= 7
    await scene.settle()
    await scene.check_rest()
    assert await scene.merchant.available("A") == 7


async def test_a_deleted_document_nets_nothing_though_it_was_read_back_before(
    make_merchant: MakeMerchant,
) -> None:
    scene = await begin(make_merchant)
    placed = await scene.order({"1": ("A", 2)})
    await scene.settle()
    await scene.amend(placed, {"1": ("A", 2), "2": ("B", 1)})
    while scene.document(placed) is not None:
        assert await scene.job()
    # The old document is gone, the new one does not stand: a level now is not net of it.
    await scene.ask("A")
    await scene.apply(scene.answers[0])
    await scene.check()
    assert await scene.merchant.available("A") == 8


async def test_order_events_end_the_same_in_any_order(make_merchant: MakeMerchant) -> None:
    contents: list[Lines] = [
        {"1": ("A", 2)},
        {"1": ("A", 5), "2": ("B", 1)},
        {"1": ("B", 2)},
    ]
    told = await begin(make_merchant)
    await told.merchant.change(automatic_import=False)
    placed = await told.order(contents[0])
    for content in contents[1:]:
        await told.amend(placed, content)
    for places in permutations(range(3)):
        scene = await begin(make_merchant)
        await scene.merchant.change(automatic_import=False)
        for place in (*places, *places):
            await scene.merchant.tell(placed.states[place])
        assert await scene.merchant.available("A") == await told.merchant.available("A") == 10
        assert await scene.merchant.available("B") == await told.merchant.available("B") == 3
        holds = await scene.merchant.holds(placed.message)
        assert {hold.line_id: hold.wanted for hold in holds if hold.wanted} == {"1": Decimal(2)}


@pytest.mark.parametrize("meaning", list(Meaning))
async def test_read_backs_and_levels_end_the_same_in_any_order(
    make_merchant: MakeMerchant, meaning: Meaning
) -> None:
    for places in permutations(range(4)):
        scene = await begin(make_merchant, meaning)
        placed = await scene.order({"1": ("A", 4)})
        while (await scene.merchant.import_of(placed.message)).state != "acked":
            assert await scene.job()
        document = scene.document(placed)
        assert document is not None
        warehouse = scene.merchant.warehouse
        warehouse.unreserve(document.document_id)
        await scene.ask_document(placed)
        await scene.ask("A")
        warehouse.reserve(document.document_id)
        warehouse.deliver(document.document_id, 0, "1")
        await scene.ask_document(placed)
        await scene.ask("A")
        for place in places:
            if place % 2:
                await scene.apply(scene.answers[place // 2])
            else:
                await scene.hear(scene.heard[place // 2])
            await scene.check()
        (hold,) = await scene.merchant.holds(placed.message)
        assert hold.absorbed == (1 if meaning is Meaning.PHYSICAL else 4)
        assert await scene.merchant.available("A") == 6
