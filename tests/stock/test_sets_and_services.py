"""Services take no hold; sets hold their parts, or block their order with the reason."""

from dataclasses import replace
from decimal import Decimal

from stock.warehouses.port import CardKind, Component
from tests.stock.conftest import MakeMerchant


async def test_a_service_takes_no_hold_and_blocks_nothing(make_merchant: MakeMerchant) -> None:
    merchant = await make_merchant()
    merchant.warehouse.put("A", on_hand="10")
    merchant.warehouse.put("FITTING", on_hand="0", kind=CardKind.SERVICE)
    await merchant.read()
    order = await merchant.order(("A", "2"), ("FITTING", "1"))
    assert {hold.line_id: hold.live for hold in await merchant.holds(order)} == {"1": Decimal(2)}
    assert "stock.shortage" not in await merchant.tasks()
    await merchant.work()
    assert (await merchant.import_of(order)).state == "acked"
    (document,) = merchant.warehouse.documents.values()
    assert {line.product_number for line in document.lines} == {"A", "FITTING"}


async def test_a_set_blocks_its_order_and_says_why(make_merchant: MakeMerchant) -> None:
    merchant = await make_merchant()
    merchant.warehouse.put("A", on_hand="10")
    card = merchant.warehouse.put("BOX", on_hand="0", kind=CardKind.SET)
    merchant.warehouse.cards[card.card_id] = replace(card, components=(Component("A", Decimal(2)),))
    await merchant.read()
    order = await merchant.order(("BOX", "1"))
    row = await merchant.import_of(order)
    assert row.state == "blocked"
    assert "set" in row.reason
    assert "1" in row.problem_lines
    assert not await merchant.holds(order)
    await merchant.work()
    assert not merchant.warehouse.imports
    await merchant.cancel(order)
    assert (await merchant.import_of(order)).state == "withdrawn"


async def test_a_card_that_becomes_a_service_is_no_longer_offered(
    make_merchant: MakeMerchant,
) -> None:
    merchant = await make_merchant()
    card = merchant.warehouse.put("A", on_hand="10")
    await merchant.read()
    merchant.warehouse.cards[card.card_id] = replace(card, kind=CardKind.SERVICE)
    await merchant.read()
    assert await merchant.available("A") == 0
    assert Decimal((await merchant.events())[-1].available) == 0
