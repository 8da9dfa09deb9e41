"""Which item a card is, when numbers and EANs meet, move, and change (DESIGN §4)."""

from dataclasses import replace
from uuid import UUID

from tests.stock.conftest import MakeMerchant, Merchant

EAN = "8590000000015"
OTHER_EAN = "8590000000022"


async def conflicts(merchant: Merchant) -> dict[str, str]:
    """By card: which key is contested."""
    async with merchant.database.transaction(merchant.tenant) as connection:
        cursor = await connection.execute(
            "SELECT card_id, key_kind FROM conflict WHERE tenant_id = %s", [merchant.tenant]
        )
        return dict(await cursor.fetchall())


async def items(merchant: Merchant) -> dict[str, tuple[UUID, str | None, bool]]:
    """By product number: the item's id, its EAN, and whether it was removed."""
    async with merchant.database.transaction(merchant.tenant) as connection:
        cursor = await connection.execute(
            "SELECT product_number, id, gtin, removed FROM item WHERE tenant_id = %s",
            [merchant.tenant],
        )
        return {number: (item, gtin, gone) for number, item, gtin, gone in await cursor.fetchall()}


def describe(merchant: Merchant, card_id: str, **changes: str | None) -> None:
    cards = merchant.warehouse.cards
    cards[card_id] = replace(cards[card_id], **changes)  # type: ignore[arg-type]


async def test_of_two_cards_with_one_number_the_newcomer_stays_out(
    make_merchant: MakeMerchant,
) -> None:
    merchant = await make_merchant()
    merchant.warehouse.put("A", on_hand="10")
    await merchant.read()
    newcomer = merchant.warehouse.put(" a ", on_hand="99")
    await merchant.read()
    assert await merchant.available("A") == 10
    assert await conflicts(merchant) == {newcomer.card_id: "product_number"}

    describe(merchant, newcomer.card_id, product_number="B")
    await merchant.read()
    assert await merchant.available("B") == 99
    assert not await conflicts(merchant)


async def test_cards_with_one_number_in_two_warehouses_are_one_item(
    make_merchant: MakeMerchant,
) -> None:
    merchant = await make_merchant()
    merchant.warehouse.put("A", "MAIN", "10")
    merchant.warehouse.put("a", "SHOP", "4")
    await merchant.read()
    (number,) = await items(merchant)
    assert await merchant.available(number) == 14
    assert not await conflicts(merchant)


async def test_an_ean_under_two_numbers_stays_with_the_one_that_has_it(
    make_merchant: MakeMerchant,
) -> None:
    merchant = await make_merchant()
    first = merchant.warehouse.put("A", ean=EAN)
    await merchant.read()
    second = merchant.warehouse.put("B", on_hand="3", ean=EAN)
    await merchant.read()
    found = await items(merchant)
    assert found["A"][1] == "0" + EAN
    assert found["B"][1] is None
    assert await conflicts(merchant) == {second.card_id: "ean"}
    assert await merchant.available("B") == 3

    describe(merchant, first.card_id, ean=None)
    await merchant.read()
    await merchant.read()
    assert (await items(merchant))["B"][1] == "0" + EAN
    assert not await conflicts(merchant)


async def test_eans_that_two_cards_swapped_at_once_are_swapped(make_merchant: MakeMerchant) -> None:
    merchant = await make_merchant()
    one = merchant.warehouse.put("A", ean=EAN)
    two = merchant.warehouse.put("B", ean=OTHER_EAN)
    await merchant.read()
    describe(merchant, one.card_id, ean=OTHER_EAN)
    describe(merchant, two.card_id, ean=EAN)
    await merchant.read()
    found = await items(merchant)
    assert (found["A"][1], found["B"][1]) == ("0" + OTHER_EAN, "0" + EAN)
    assert not await conflicts(merchant)


async def test_an_ean_that_moves_to_another_card_at_once_is_not_lost(
    make_merchant: MakeMerchant,
) -> None:
    merchant = await make_merchant()
    one = merchant.warehouse.put("A", ean=EAN)
    two = merchant.warehouse.put("B")
    await merchant.read()
    describe(merchant, one.card_id, ean=None)
    describe(merchant, two.card_id, ean=EAN)
    await merchant.read()
    found = await items(merchant)
    assert (found["A"][1], found["B"][1]) == (None, "0" + EAN)


async def test_a_renamed_card_is_another_item_and_keeps_its_ean(
    make_merchant: MakeMerchant,
) -> None:
    merchant = await make_merchant()
    card = merchant.warehouse.put("A", on_hand="10", ean=EAN)
    await merchant.read()
    describe(merchant, card.card_id, product_number="Z")
    await merchant.read()
    found = await items(merchant)
    assert await merchant.available("Z") == 10
    assert await merchant.available("A") == 0
    assert found["A"][1:] == (None, True)
    assert found["Z"][1:] == ("0" + EAN, False)
    assert not await conflicts(merchant)
    last = {event.product_number: event for event in await merchant.events()}
    assert last["A"].removed


async def test_a_card_renamed_to_a_taken_number_is_offered_under_neither(
    make_merchant: MakeMerchant,
) -> None:
    merchant = await make_merchant()
    merchant.warehouse.put("A", on_hand="10")
    card = merchant.warehouse.put("B", on_hand="5")
    await merchant.read()
    describe(merchant, card.card_id, product_number="A")
    await merchant.read()
    assert await merchant.available("A") == 10
    assert await merchant.available("B") == 0
    assert await conflicts(merchant) == {card.card_id: "product_number"}


async def test_numbers_that_two_cards_swapped_are_swapped(make_merchant: MakeMerchant) -> None:
    merchant = await make_merchant()
    one = merchant.warehouse.put("A", on_hand="10")
    two = merchant.warehouse.put("B", on_hand="5")
    await merchant.read()
    before = await items(merchant)
    describe(merchant, one.card_id, product_number="B")
    describe(merchant, two.card_id, product_number="A")
    await merchant.read()
    assert await merchant.available("A") == 5
    assert await merchant.available("B") == 10
    after = await items(merchant)
    assert {number: found[0] for number, found in after.items()} == {
        number: found[0] for number, found in before.items()
    }
    assert not await conflicts(merchant)


async def test_numbers_swapped_on_two_pages_come_right_with_the_next_reading(
    make_merchant: MakeMerchant,
) -> None:
    merchant = await make_merchant()
    merchant.warehouse.page_size = 1
    one = merchant.warehouse.put("A", on_hand="10")
    two = merchant.warehouse.put("B", on_hand="5")
    await merchant.read()
    describe(merchant, one.card_id, product_number="B")
    describe(merchant, two.card_id, product_number="A")
    await merchant.read()
    await merchant.read()
    assert await merchant.available("A") == 5
    assert await merchant.available("B") == 10
    assert not await conflicts(merchant)


async def test_a_card_moved_between_warehouses_is_counted_once(
    make_merchant: MakeMerchant,
) -> None:
    merchant = await make_merchant(aggregation="sum")
    card = merchant.warehouse.put("A", "MAIN", "10")
    merchant.warehouse.put("B", "SHOP", "1")
    await merchant.read()
    order = await merchant.order(("A", "3"))
    describe(merchant, card.card_id, warehouse="SHOP")
    await merchant.read("incremental")
    assert await merchant.available("A") == 7
    (hold,) = await merchant.holds(order)
    assert hold.live == 3


async def test_a_card_deleted_and_made_anew_is_the_same_item(make_merchant: MakeMerchant) -> None:
    merchant = await make_merchant()
    card = merchant.warehouse.put("A", on_hand="10", ean=EAN)
    merchant.warehouse.put("B")
    await merchant.read()
    before = (await items(merchant))["A"]
    await merchant.change(automatic_import=False)
    order = await merchant.order(("A", "3"))
    del merchant.warehouse.cards[card.card_id]
    await merchant.read()
    assert await merchant.available("A") == 0
    assert (await items(merchant))["A"][2]
    assert "stock.shortage" in await merchant.tasks()
    assert [hold.live for hold in await merchant.holds(order)] == [3]

    merchant.warehouse.put("A", on_hand="8", ean=EAN)
    await merchant.read()
    assert (await items(merchant))["A"] == before
    assert await merchant.available("A") == 5
    assert "stock.shortage" not in await merchant.tasks()
