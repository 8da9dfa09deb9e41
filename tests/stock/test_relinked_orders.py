"""Orders whose listing is linked to another item while they are on their way."""

from decimal import Decimal
from functools import partial
from uuid import UUID

from stock.listings.links import NewListing, link_by_hand, put_listings
from stock.listings.pairing import Keys
from tests.stock.conftest import MakeMerchant, Merchant
from tests.stock.import_desk import break_off, findings
from tests.stock.scene import Lines, Placed, Scene, begun

CHANNEL = "shop-a"


async def linked(scene: Scene, product: str) -> None:
    """Link the listing L by hand to a product, as an operator does, and what rests on it."""
    merchant = scene.merchant
    async with merchant.database.transaction(merchant.tenant) as connection:
        cursor = await connection.execute(
            "SELECT id FROM item WHERE tenant_id = %s AND product_number = %s",
            [merchant.tenant, product],
        )
        found = await cursor.fetchone()
        assert found is not None
        item: UUID = found[0]
        await link_by_hand(connection, merchant.tenant, CHANNEL, "L", item)
    await scene.resolve()


async def order_of_listing(scene: Scene, lines: Lines) -> Placed:
    """An order whose first line names the listing L, which is linked to product A."""
    merchant = scene.merchant
    listing = NewListing("L", Keys("L", ""), "a listing")
    async with merchant.database.transaction(merchant.tenant) as connection:
        await put_listings(connection, merchant.tenant, CHANNEL, [listing])
    await linked(scene, "A")
    placed = Placed(await scene._message(lines), lines)
    placed.message.lines[0].listing_id = "L"
    scene.orders.append(placed)
    await scene.tell(placed)
    return placed


async def held_of(merchant: Merchant, placed: Placed) -> dict[str, Decimal]:
    """What an order still wants, by product number."""
    async with merchant.database.transaction(merchant.tenant) as connection:
        cursor = await connection.execute(
            "SELECT product_number, wanted FROM hold JOIN item"
            " ON (item.tenant_id, item.id) = (hold.tenant_id, hold.item_id)"
            " WHERE hold.tenant_id = %s AND order_id = %s AND wanted > 0",
            [merchant.tenant, placed.id],
        )
        return dict(await cursor.fetchall())


async def test_an_order_that_did_not_leave_is_sent_as_its_listing_is_linked_by_then(
    make_merchant: MakeMerchant,
) -> None:
    merchant = await make_merchant()
    scene = await begun(merchant, A="10", B="10")
    placed = await order_of_listing(scene, {"1": ("A", 2)})
    scene.next_request(partial(linked, scene, "B"), answered=False)
    scene.next_request(break_off(scene), answered=False)
    assert await scene.job()
    assert (await merchant.import_of(placed.message)).state == "local"
    await merchant.change(retry_time=None)
    await scene._make_due()
    await scene.rest()
    # The request never arrived: what is sent now is what the listing stands for now.
    [document] = merchant.warehouse.documents.values()
    assert [line.product_number for line in document.lines] == ["B"]
    assert await held_of(merchant, placed) == {"B": 2}


async def test_an_order_that_is_refused_goes_on_as_its_listing_was_linked_meanwhile(
    make_merchant: MakeMerchant,
) -> None:
    merchant = await make_merchant()
    scene = await begun(merchant, A="10", B="10")
    placed = await order_of_listing(scene, {"1": ("A", 2)})
    del merchant.warehouse.cards[merchant.warehouse.card("A").card_id]
    scene.next_request(partial(linked, scene, "B"), answered=False)
    assert await scene.job()
    assert (await merchant.import_of(placed.message)).state == "local"
    assert await held_of(merchant, placed) == {"B": 2}
    await scene.settle()
    [document] = merchant.warehouse.documents.values()
    assert [line.product_number for line in document.lines] == ["B"]
    assert await merchant.available("B") == 8


async def test_an_order_that_left_keeps_its_card_though_its_listing_is_linked_elsewhere(
    make_merchant: MakeMerchant,
) -> None:
    merchant = await make_merchant()
    scene = await begun(merchant, A="10", B="10")
    placed = await order_of_listing(scene, {"1": ("A", 2)})
    merchant.warehouse.lose_answers = 1
    scene.next_request(partial(linked, scene, "B"), answered=False)
    assert await scene.job()
    assert (await merchant.import_of(placed.message)).state == "unknown"
    await scene.settle()
    [document] = merchant.warehouse.documents.values()
    assert [line.product_number for line in document.lines] == ["A"]
    assert await held_of(merchant, placed) == {"A": 2}
    assert [await merchant.available(name) for name in "AB"] == [8, 10]
    assert await findings(merchant) == []
