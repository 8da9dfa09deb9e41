"""A hold from the order to its end, on real PostgreSQL, against a model warehouse."""

from decimal import Decimal

import pytest

from spojka.api.stock.v1.listing_service_pb2 import OfferRule
from stock.listings.offer_rules import update_offer_rule
from stock.warehouses.port import Meaning
from tests.stock.conftest import MakeMerchant


@pytest.mark.parametrize("meaning", list(Meaning))
async def test_an_order_is_taken_off_once(make_merchant: MakeMerchant, meaning: Meaning) -> None:
    merchant = await make_merchant(meaning)
    merchant.warehouse.put("A", on_hand="10")
    await merchant.read()
    assert await merchant.available("A") == 10

    order = await merchant.order(("A", "2"))
    assert await merchant.available("A") == 8

    await merchant.work()
    assert len(merchant.warehouse.imports) == 1
    assert await merchant.available("A") == 8

    await merchant.read()
    assert await merchant.available("A") == 8
    (hold,) = await merchant.holds(order)
    assert hold.live == (2 if meaning is Meaning.PHYSICAL else 0)

    document = (await merchant.import_of(order)).document_id
    merchant.warehouse.deliver(document, 0, "1")
    await merchant.read()
    assert await merchant.available("A") == 8

    merchant.warehouse.deliver(document, 0, "1")
    await merchant.read()
    assert await merchant.available("A") == 8
    (hold,) = await merchant.holds(order)
    assert hold.live == 0
    assert (await merchant.import_of(order)).complete


async def test_a_lost_answer_makes_no_second_document(make_merchant: MakeMerchant) -> None:
    merchant = await make_merchant()
    merchant.warehouse.put("A", on_hand="10")
    await merchant.read()
    merchant.warehouse.lose_answers = 1
    order = await merchant.order(("A", "2"))
    await merchant.work()
    assert (await merchant.import_of(order)).state == "unknown"
    assert await merchant.available("A") == 8

    await merchant.work()
    assert (await merchant.import_of(order)).state == "acked"
    assert len(merchant.warehouse.imports) == 1
    assert await merchant.available("A") == 8


async def test_a_cancelled_order_gives_its_goods_back_once(make_merchant: MakeMerchant) -> None:
    merchant = await make_merchant()
    merchant.warehouse.put("A", on_hand="10")
    await merchant.read()
    order = await merchant.order(("A", "2"))
    await merchant.work()
    await merchant.cancel(order)
    await merchant.work()
    assert not merchant.warehouse.documents
    await merchant.read()
    assert await merchant.available("A") == 10
    assert (await merchant.import_of(order)).state == "withdrawn"


async def test_an_amended_order_is_replaced(make_merchant: MakeMerchant) -> None:
    merchant = await make_merchant(Meaning.NET_OF_ORDERS)
    merchant.warehouse.put("A", on_hand="10")
    merchant.warehouse.put("B", on_hand="5")
    await merchant.read()
    order = await merchant.order(("A", "2"))
    await merchant.work()
    await merchant.amend(order, ("A", "3"), ("B", "1"))
    assert await merchant.available("A") == 7
    assert await merchant.available("B") == 4
    await merchant.work()
    await merchant.read()
    assert await merchant.available("A") == 7
    assert await merchant.available("B") == 4
    (document,) = merchant.warehouse.documents.values()
    assert [(line.product_number, line.quantity) for line in document.lines] == [
        ("A", Decimal(3)),
        ("B", Decimal(1)),
    ]


async def test_an_unknown_product_blocks_only_its_order_and_goes_on_when_it_comes(
    make_merchant: MakeMerchant,
) -> None:
    merchant = await make_merchant()
    merchant.warehouse.put("A", on_hand="10")
    await merchant.read()
    blocked = await merchant.order(("X", "1"))
    other = await merchant.order(("A", "1"))
    await merchant.work()
    row = await merchant.import_of(blocked)
    assert row.state == "blocked"
    assert "line 1" in row.reason
    assert (await merchant.import_of(other)).state == "acked"

    merchant.warehouse.put("X", on_hand="3")
    await merchant.read()
    await merchant.work()
    assert (await merchant.import_of(blocked)).state == "acked"
    assert await merchant.available("X") == 2


async def test_what_coverage_confirmed_stays_confirmed_for_hours(
    make_merchant: MakeMerchant,
) -> None:
    merchant = await make_merchant(Meaning.PHYSICAL)
    merchant.warehouse.put("A", on_hand="10")
    merchant.warehouse.put("B", on_hand="10")
    await merchant.read()
    order = await merchant.order(("A", "2"))
    await merchant.work()
    merchant.warehouse.deliver((await merchant.import_of(order)).document_id, 0, "2")
    await merchant.read()
    await merchant.read()  # confirms by coverage alone: no number has changed
    assert (await merchant.import_of(order)).complete
    assert await merchant.available("A") == 8

    async with merchant.database.transaction(merchant.tenant) as connection:
        await connection.execute("UPDATE coverage SET asked_time = asked_time - interval '3 hours'")
    merchant.warehouse.move("B", "1")
    await merchant.read("incremental")
    await merchant.decide_anew()
    assert await merchant.available("A") == 8
    assert [hold.live for hold in await merchant.holds(order)] == [0]


async def test_what_no_warehouse_of_the_channel_carries_is_held_where_it_is(
    make_merchant: MakeMerchant,
) -> None:
    merchant = await make_merchant()
    merchant.warehouse.put("A", "MAIN", on_hand="10")
    merchant.warehouse.put("B", "SHOP", on_hand="10")
    await merchant.read()
    async with merchant.database.transaction(merchant.tenant) as connection:
        rule = OfferRule(channel_id="shop-a", percent=100, warehouses=["SHOP"])
        await update_offer_rule(connection, merchant.tenant, rule)
    order = await merchant.order(("A", "2"), ("B", "1"))
    holds = {hold.warehouse: hold.live for hold in await merchant.holds(order)}
    assert holds == {"MAIN": 2, "SHOP": 1}
    await merchant.work()
    await merchant.read()
    assert {hold.live for hold in await merchant.holds(order)} == {0}
    assert [await merchant.available(number) for number in ("A", "B")] == [8, 9]
