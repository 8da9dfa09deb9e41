"""A reading that would set much to nothing waits for a person, and absorbs nothing meanwhile."""

from decimal import Decimal
from uuid import UUID

import pytest

from spojka.errors import FailedPrecondition, NotFound
from spojka.outbox import new_id
from stock.connections.readings import approve, reject
from tests.stock.conftest import MakeMerchant, Merchant

CARDS = 12


async def merchant_with_stock(make_merchant: MakeMerchant) -> Merchant:
    merchant = await make_merchant()
    for place in range(CARDS):
        merchant.warehouse.put(f"P{place}", on_hand="5")
    await merchant.change(mass_change_limit_percent=20)
    await merchant.read()
    return merchant


async def merchant_with_held_reading(make_merchant: MakeMerchant) -> tuple[Merchant, UUID]:
    """All cards were read as empty, which waits for a person."""
    merchant = await merchant_with_stock(make_merchant)
    merchant.warehouse.empty()
    await merchant.read()
    reading = await merchant.held_reading()
    assert reading is not None
    return merchant, reading


async def offered(merchant: Merchant) -> set[Decimal]:
    return {await merchant.available(f"P{place}") for place in range(CARDS)}


async def test_a_mass_change_waits_and_changes_nothing(make_merchant: MakeMerchant) -> None:
    merchant = await merchant_with_stock(make_merchant)
    merchant.warehouse.empty()
    await merchant.read()
    assert await offered(merchant) == {Decimal(5)}
    assert await merchant.held_reading() is not None
    assert "stock.reading_held" in await merchant.tasks()


async def test_approved_it_is_applied(make_merchant: MakeMerchant) -> None:
    merchant, reading = await merchant_with_held_reading(make_merchant)
    async with merchant.database.transaction(merchant.tenant) as connection:
        await approve(connection, merchant.tenant, reading, "a person")
    assert await offered(merchant) == {Decimal(0)}
    assert "stock.reading_held" not in await merchant.tasks()
    async with merchant.database.transaction(merchant.tenant) as connection:
        with pytest.raises(FailedPrecondition):
            await approve(connection, merchant.tenant, reading, "a person")


async def test_approval_does_not_undo_what_was_read_since(make_merchant: MakeMerchant) -> None:
    merchant, reading = await merchant_with_held_reading(make_merchant)
    # A targeted reading, after an order of the card, shows the goods are back.
    merchant.warehouse.move("P0", "9")
    await merchant.order(("P0", "1"))
    await merchant.work()
    assert await merchant.available("P0") == 8
    async with merchant.database.transaction(merchant.tenant) as connection:
        await approve(connection, merchant.tenant, reading, "a person")
    assert await merchant.available("P0") == 8
    assert await merchant.available("P1") == 0


async def test_of_a_connection_that_is_off_it_is_not_applied(make_merchant: MakeMerchant) -> None:
    merchant, reading = await merchant_with_held_reading(make_merchant)
    await merchant.change(state="inactive")
    async with merchant.database.transaction(merchant.tenant) as connection:
        with pytest.raises(FailedPrecondition, match="switched off"):
            await approve(connection, merchant.tenant, reading, "a person")
    assert await offered(merchant) == {Decimal(5)}
    assert await merchant.held_reading() == reading


async def test_rejected_it_is_forgotten(make_merchant: MakeMerchant) -> None:
    merchant, reading = await merchant_with_held_reading(make_merchant)
    async with merchant.database.transaction(merchant.tenant) as connection:
        await reject(connection, merchant.tenant, reading, "a person")
    assert await offered(merchant) == {Decimal(5)}
    assert "stock.reading_held" not in await merchant.tasks()
    assert await merchant.held_reading() is None


async def test_the_next_reading_replaces_it(make_merchant: MakeMerchant) -> None:
    merchant = await merchant_with_stock(make_merchant)
    before = dict(merchant.warehouse.cards)
    merchant.warehouse.empty()
    await merchant.read()
    first = await merchant.held_reading()
    await merchant.read()
    second = await merchant.held_reading()
    assert first != second
    assert second is not None
    merchant.warehouse.cards.update(before)
    await merchant.read()
    assert await merchant.held_reading() is None
    assert await offered(merchant) == {Decimal(5)}
    assert "stock.reading_held" not in await merchant.tasks()


async def test_cards_that_vanish_in_masses_wait_and_few_do_not(
    make_merchant: MakeMerchant,
) -> None:
    merchant = await merchant_with_stock(make_merchant)
    cards = merchant.warehouse.cards
    kept = {card_id: card for card_id, card in cards.items() if card.product_number == "P0"}
    all_of_them = dict(cards)
    cards.clear()
    cards.update(kept)
    await merchant.read()
    assert await offered(merchant) == {Decimal(5)}
    reading = await merchant.held_reading()
    assert reading is not None

    cards.update(all_of_them)
    gone = next(iter(card_id for card_id in cards if card_id not in kept))
    number = cards.pop(gone).product_number
    await merchant.read()
    assert await merchant.held_reading() is None
    assert await merchant.available(number) == 0


async def test_a_held_reading_absorbs_nothing(make_merchant: MakeMerchant) -> None:
    merchant = await merchant_with_stock(make_merchant)
    order = await merchant.order(("P0", "2"))
    worker = await merchant.worker()
    # The order is sent and its document read back, its cards are not read yet.
    for name in ("create", "read_documents"):
        job = await worker._next_job()
        assert job is not None
        await job()
        assert merchant.warehouse.requests[-1] == name
    merchant.warehouse.empty()
    await merchant.change(requested_reading="full")
    worker.targets.clear()
    while await merchant.held_reading() is None:
        job = await worker._next_job()
        assert job is not None
        await job()
    (hold,) = await merchant.holds(order)
    assert hold.absorbed == 0
    assert await merchant.available("P0") == 3


async def test_readings_of_nobody_cant_be_approved(make_merchant: MakeMerchant) -> None:
    merchant = await make_merchant()
    async with merchant.database.transaction(merchant.tenant) as connection:
        with pytest.raises(NotFound):
            await approve(connection, merchant.tenant, new_id(), "a person")
