"""WarehouseService over gRPC: readings asked for, listed, and decided about when they are held."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

import pytest

from spojka.api.stock.v1 import warehouse_service_pb2 as api
from spojka.database import Database
from spojka.errors import FailedPrecondition, NotFound
from tests.stock.conftest import Merchant
from tests.stock.warehouse_desk import Desk, open_desk, violated

CARDS = 12
DECISIONS = ("ApproveReading", "RejectReading")


@pytest.fixture
async def desk(stock_database: Database) -> AsyncIterator[Desk]:
    async with open_desk(stock_database) as desk:
        yield desk


async def merchant_at_rest(desk: Desk) -> Merchant:
    """Read once; nothing is due."""
    merchant = await desk.merchant()
    merchant.warehouse.put("A", on_hand="10")
    await merchant.work()
    assert (await asked_for(merchant)) == (None, "")
    return merchant


async def asked_for(merchant: Merchant) -> tuple[str | None, str]:
    """The reading that is asked for out of turn, and its cause."""
    row = await merchant.row()
    return row.requested_reading, row.requested_cause


def token_of(connection: api.Connection) -> str:
    return connection.impulse_url.rpartition("/")[2]


async def merchant_with_cards(desk: Desk) -> Merchant:
    merchant = await desk.merchant()
    for place in range(CARDS):
        merchant.warehouse.put(f"P{place}", on_hand="5")
    await merchant.work()
    return merchant


async def held(desk: Desk) -> tuple[Merchant, api.Reading]:
    """All cards were read as empty, which waits for a person."""
    merchant = await merchant_with_cards(desk)
    cards = merchant.warehouse.cards
    cards.update({key: replace(card, on_hand=Decimal(0)) for key, card in cards.items()})
    await merchant.read()
    reading = (await desk.readings(merchant.connection_id))[0]
    assert (reading.state, reading.zeroed) == (api.READING_STATE_HELD, CARDS)
    return merchant, reading


async def offered(merchant: Merchant) -> set[Decimal]:
    return {await merchant.available(f"P{place}") for place in range(CARDS)}


async def test_a_reading_asked_for_is_begun_in_the_name_of_who_asked(desk: Desk) -> None:
    merchant = await merchant_at_rest(desk)
    wakes = desk.hints.wakes
    assert not await desk.due()
    await desk.call("SyncNow", id=str(merchant.connection_id))
    assert await asked_for(merchant) == ("incremental", "asked for by jana")
    assert desk.hints.wakes == wakes + 1
    assert await desk.due() == {str(merchant.connection_id)}
    merchant.warehouse.move("A", "2")
    await merchant.work()
    newest = (await desk.readings(merchant.connection_id))[0]
    assert newest.kind == api.READING_KIND_INCREMENTAL
    assert newest.state == api.READING_STATE_APPLIED
    assert newest.cause == "asked for by jana"
    assert await merchant.available("A") == 12


async def test_who_asked_for_everything_is_not_put_off_with_less(desk: Desk) -> None:
    merchant = await merchant_at_rest(desk)
    await desk.call("SyncNow", id=str(merchant.connection_id), full=True)
    await desk.as_person("petr").call("SyncNow", id=str(merchant.connection_id))
    assert await asked_for(merchant) == ("full", "asked for by petr")
    await merchant.work()
    newest = (await desk.readings(merchant.connection_id))[0]
    assert newest.kind == api.READING_KIND_FULL


async def test_after_trouble_a_reading_asked_for_does_not_wait(desk: Desk) -> None:
    merchant = await merchant_at_rest(desk)
    merchant.warehouse.refuse_connections = 1
    await merchant.read()
    assert (await merchant.row()).retry_time is not None
    await desk.call("SyncNow", id=str(merchant.connection_id))
    assert (await merchant.row()).retry_time is None


async def test_of_an_inactive_connection_no_reading_is_asked_for(desk: Desk) -> None:
    merchant = await merchant_at_rest(desk)
    connection = await desk.switch(merchant.connection_id, on=False)
    wakes = desk.hints.wakes
    await desk.call("SyncNow", id=connection.id, full=True)
    await desk.as_edge().call("SendImpulse", token=token_of(connection))
    assert await asked_for(merchant) == (None, "")
    assert desk.hints.wakes == wakes
    assert not await desk.due()


async def test_an_impulse_asks_for_a_reading_of_its_connection_alone(desk: Desk) -> None:
    merchant = await merchant_at_rest(desk)
    other = await merchant_at_rest(desk.as_tenant(uuid4()))
    wakes = desk.hints.wakes
    connection = await desk.get(merchant.connection_id)
    await desk.as_edge().call("SendImpulse", token=token_of(connection))
    assert await asked_for(merchant) == ("incremental", "impulse")
    assert await asked_for(other) == (None, "")
    assert desk.hints.wakes == wakes + 1


async def test_a_rotated_impulse_url_ends_at_once(desk: Desk) -> None:
    merchant = await merchant_at_rest(desk)
    before = await desk.get(merchant.connection_id)
    after = (await desk.call("RotateImpulseUrl", id=before.id)).connection
    assert after.impulse_url != before.impulse_url
    assert await desk.get(before.id) == after
    edge = desk.as_edge()
    with pytest.raises(NotFound):
        await edge.call("SendImpulse", token=token_of(before))
    assert await asked_for(merchant) == (None, "")
    await edge.call("SendImpulse", token=token_of(after))
    assert await asked_for(merchant) == ("incremental", "impulse")


async def test_an_impulse_url_that_was_never_given_leads_nowhere(desk: Desk) -> None:
    edge, connection = desk.as_edge(), await desk.create()
    for token in ("guessed", connection.id, token_of(connection).swapcase()):
        with pytest.raises(NotFound):
            await edge.call("SendImpulse", token=token)
    for token in ("", "t" * 101):
        assert await violated(edge.call("SendImpulse", token=token)) == ["token"]


async def test_pages_give_every_reading_once_the_newest_first(desk: Desk) -> None:
    merchant = await merchant_at_rest(desk)
    people = ["jana", "petr", "eva", "adam"]
    for name in people:
        await desk.as_person(name).call("SyncNow", id=str(merchant.connection_id))
        await merchant.work()
    causes = [*(f"asked for by {name}" for name in reversed(people)), "schedule"]
    pages = await desk.pages("ListReadings", 2, connection_id=str(merchant.connection_id))
    assert [[each.cause for each in page] for page in pages] == [
        causes[:2],
        causes[2:4],
        causes[4:],
    ]
    assert [each.cause for each in await desk.readings(merchant.connection_id)] == causes


async def test_readings_of_another_connection_are_not_among_them(desk: Desk) -> None:
    merchant = await merchant_at_rest(desk)
    assert await desk.readings(merchant.connection_id)
    assert not await desk.readings((await desk.create()).id)
    with pytest.raises(NotFound):
        await desk.as_tenant(uuid4()).readings(merchant.connection_id)
    assert await violated(desk.readings("first")) == ["connection_id"]


async def test_a_reading_says_what_it_changed(desk: Desk) -> None:
    merchant = await merchant_at_rest(desk)
    merchant.warehouse.put("B", on_hand="5")
    merchant.warehouse.put("C", on_hand="5")
    await merchant.read()
    merchant.warehouse.move("A", "-10")
    merchant.warehouse.move("B", "1")
    await merchant.read()
    newest = await desk.readings(merchant.connection_id)
    assert [(each.cards, each.changed, each.zeroed) for each in newest] == [
        (3, 2, 1),
        (3, 2, 0),
        (1, 1, 0),
    ]
    for reading in newest:
        assert reading.state == api.READING_STATE_APPLIED
        assert reading.kind == api.READING_KIND_FULL
        assert reading.start_time.ToNanoseconds() <= reading.end_time.ToNanoseconds()


async def test_an_approved_reading_is_applied_at_once(desk: Desk) -> None:
    merchant, reading = await held(desk)
    assert await offered(merchant) == {Decimal(5)}
    assert "stock.reading_held" in await merchant.tasks()
    told = len(await merchant.events())
    desk.hints.commits.clear()
    approved = (await desk.call("ApproveReading", id=reading.id)).reading
    reading.state = api.READING_STATE_APPLIED
    assert approved == reading
    assert (await desk.readings(merchant.connection_id))[0] == approved
    assert await offered(merchant) == {Decimal(0)}
    events = (await merchant.events())[told:]
    assert [event.available for event in events] == ["0"] * CARDS
    assert desk.hints.commits == [desk.tenant]
    assert not await merchant.tasks()


async def test_cards_that_fell_to_nothing_and_cards_that_vanished_are_held_together(
    desk: Desk,
) -> None:
    merchant = await merchant_with_cards(desk)
    cards = merchant.warehouse.cards
    for place in range(CARDS):
        merchant.warehouse.move(f"P{place}", "-5")
        if place % 2:
            del cards[merchant.warehouse.card(f"P{place}").card_id]
    await merchant.read()
    reading = (await desk.readings(merchant.connection_id))[0]
    assert (reading.state, reading.zeroed) == (api.READING_STATE_HELD, CARDS)
    assert await offered(merchant) == {Decimal(5)}
    await desk.call("ApproveReading", id=reading.id)
    assert await offered(merchant) == {Decimal(0)}


async def test_a_rejected_reading_is_thrown_away(desk: Desk) -> None:
    merchant, reading = await held(desk)
    told = len(await merchant.events())
    rejected = (await desk.call("RejectReading", id=reading.id)).reading
    reading.state = api.READING_STATE_REJECTED
    assert rejected == reading
    assert (await desk.readings(merchant.connection_id))[0] == rejected
    assert await offered(merchant) == {Decimal(5)}
    assert len(await merchant.events()) == told
    assert not await merchant.tasks()


@pytest.mark.parametrize("first", DECISIONS)
async def test_a_reading_is_decided_once(desk: Desk, first: str) -> None:
    merchant, reading = await held(desk)
    decided = (await desk.call(first, id=reading.id)).reading
    offers = await offered(merchant)
    for again in DECISIONS:
        with pytest.raises(FailedPrecondition, match="not held"):
            await desk.call(again, id=reading.id)
    assert (await desk.readings(merchant.connection_id))[0] == decided
    assert await offered(merchant) == offers


@pytest.mark.parametrize("method", DECISIONS)
async def test_a_reading_that_is_not_held_is_not_decided_about(desk: Desk, method: str) -> None:
    merchant, replaced = await held(desk)
    await merchant.read()
    waiting, _, applied = before = await desk.readings(merchant.connection_id)
    for reading, said in ((replaced, "is replaced"), (applied, "is applied")):
        with pytest.raises(FailedPrecondition, match=said):
            await desk.call(method, id=reading.id)
    assert waiting.state == api.READING_STATE_HELD
    assert await desk.readings(merchant.connection_id) == before
    assert await offered(merchant) == {Decimal(5)}


@pytest.mark.parametrize("method", DECISIONS)
async def test_a_reading_that_the_tenant_lacks_is_not_found(desk: Desk, method: str) -> None:
    merchant, reading = await held(desk)
    for caller, reading_id in (
        (desk.as_tenant(uuid4()), reading.id),
        (desk, str(uuid4())),
        (desk, str(merchant.connection_id)),
    ):
        with pytest.raises(NotFound):
            await caller.call(method, id=reading_id)
    assert await violated(desk.call(method, id="first")) == ["id"]
    assert (await desk.readings(merchant.connection_id))[0] == reading
    assert await offered(merchant) == {Decimal(5)}


async def test_while_it_is_off_a_held_reading_can_only_be_rejected(desk: Desk) -> None:
    merchant, reading = await held(desk)
    await desk.switch(merchant.connection_id, on=False)
    with pytest.raises(FailedPrecondition, match="switched off"):
        await desk.call("ApproveReading", id=reading.id)
    assert await offered(merchant) == {Decimal(5)}
    rejected = (await desk.call("RejectReading", id=reading.id)).reading
    assert rejected.state == api.READING_STATE_REJECTED
