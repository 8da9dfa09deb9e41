"""WarehouseService over gRPC: which warehouses of a connection count, and in which order."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from spojka import leases
from spojka.api.stock.v1 import warehouse_service_pb2 as api
from spojka.database import Database
from spojka.errors import FailedPrecondition, InvalidArgument
from stock.imports.resolving import RESOLVING
from stock.imports.unsent import resolve_unsent
from tests.stock.conftest import Merchant
from tests.stock.warehouse_desk import Desk, open_desk, violated

PRODUCTS = 12


@pytest.fixture
async def desk(stock_database: Database) -> AsyncIterator[Desk]:
    async with open_desk(stock_database) as desk:
        yield desk


async def merchant_with_two(desk: Desk) -> Merchant:
    """Of A there are 10 units in MAIN and 4 in SHOP; it was read."""
    merchant = await desk.merchant()
    merchant.warehouse.put("A", "MAIN", "10")
    merchant.warehouse.put("A", "SHOP", "4")
    await merchant.work()
    assert await merchant.available("A") == 14
    return merchant


async def resolve_where_asked(desk: Desk) -> None:
    """Resolve unsent orders anew, as the scheduler does where that was asked for."""
    async with desk.database.infrastructure() as connection:
        claimed = await leases.claim(connection, RESOLVING, "test", timedelta(minutes=1), 1000)
        for lease in claimed:
            await leases.withdraw(connection, RESOLVING, lease.subject)
    if claimed:
        async with desk.database.transaction(desk.tenant) as connection:
            await resolve_unsent(connection, desk.tenant)


async def test_before_the_first_reading_the_system_is_asked_once(desk: Desk) -> None:
    connection = await desk.create()
    desk.warehouse.put("A", "SHOP")
    desk.warehouse.put("A", "MAIN")
    for _ in range(2):
        assert await desk.warehouses(connection.id) == [("MAIN", True), ("SHOP", True)]
    assert desk.warehouse.requests == ["warehouses"]


async def test_a_system_that_is_away_is_told_with_what_to_do(desk: Desk) -> None:
    connection = await desk.create()
    desk.warehouse.refuse_connections = 1
    with pytest.raises(FailedPrecondition, match="refused start it"):
        await desk.warehouses(connection.id)


async def test_a_connection_is_tested_by_asking_its_system(desk: Desk) -> None:
    modelled, foreign = await desk.create(), await desk.create(system="pohoda")
    answer = await desk.call("TestConnection", id=modelled.id)
    assert answer == api.TestConnectionResponse(ok=True, message="a model")
    await desk.update(foreign, settings={"url": "http://127.0.0.1:9", "ico": "12345678"})
    answer = await desk.call("TestConnection", id=foreign.id)
    assert not answer.ok
    assert "127.0.0.1" in answer.message


async def test_an_excluded_warehouse_no_longer_counts_at_once(desk: Desk) -> None:
    merchant = await merchant_with_two(desk)
    told = len(await merchant.events())
    desk.hints.commits.clear()
    answer = await desk.arrange(merchant.connection_id, "MAIN", "-SHOP")
    assert [(each.code, each.included) for each in answer] == [("MAIN", True), ("SHOP", False)]
    assert await merchant.available("A") == 10
    (event,) = (await merchant.events())[told:]
    assert event.available == "10"
    assert [each.warehouse for each in event.warehouses] == ["MAIN"]
    assert set(desk.hints.commits) == {desk.tenant}


async def test_an_excluded_warehouse_does_not_come_back_by_a_reading(desk: Desk) -> None:
    merchant = await merchant_with_two(desk)
    await desk.arrange(merchant.connection_id, "-SHOP", "MAIN")
    merchant.warehouse.move("A", "5", "SHOP")
    merchant.warehouse.move("A", "1", "MAIN")
    await merchant.work()
    assert await merchant.available("A") == 11
    assert await desk.warehouses(merchant.connection_id) == [("SHOP", False), ("MAIN", True)]


async def test_a_warehouse_that_is_included_again_counts_at_once(desk: Desk) -> None:
    merchant = await merchant_with_two(desk)
    await desk.arrange(merchant.connection_id, "-MAIN", "-SHOP")
    assert await merchant.available("A") == 0
    await desk.arrange(merchant.connection_id, "-MAIN", "SHOP")
    assert await merchant.available("A") == 4
    await desk.arrange(merchant.connection_id, "MAIN", "SHOP")
    assert await merchant.available("A") == 14


async def test_changed_warehouses_are_read_in_full_at_once(desk: Desk) -> None:
    merchant = await merchant_with_two(desk)
    wakes = desk.hints.wakes
    assert not await desk.due()
    await desk.arrange(merchant.connection_id, "SHOP", "MAIN")
    row = await merchant.row()
    assert (row.requested_reading, row.requested_cause) == ("full", "warehouses changed")
    assert desk.hints.wakes == wakes + 1
    assert await desk.due() == {str(merchant.connection_id)}
    await merchant.work()
    newest, _first = await desk.readings(merchant.connection_id)
    assert (newest.kind, newest.cause) == (api.READING_KIND_FULL, "warehouses changed")


async def test_the_order_of_warehouses_is_kept_and_a_new_one_comes_last(desk: Desk) -> None:
    merchant = await merchant_with_two(desk)
    merchant.warehouse.put("A", "ANNEX", "1")
    await merchant.read()
    for order in (["SHOP", "MAIN", "ANNEX"], ["ANNEX", "MAIN", "SHOP"]):
        answer = await desk.arrange(merchant.connection_id, *order)
        assert [each.code for each in answer] == order
        await merchant.read()
        assert [code for code, _ in await desk.warehouses(merchant.connection_id)] == order
    merchant.warehouse.put("A", "ABROAD", "1")
    await merchant.read()
    listed = [(code, True) for code in ("ANNEX", "MAIN", "SHOP", "ABROAD")]
    assert await desk.warehouses(merchant.connection_id) == listed


async def test_an_order_is_given_to_the_first_warehouse_that_covers_it(desk: Desk) -> None:
    merchant = await merchant_with_two(desk)
    given = []
    for order in (("SHOP", "MAIN"), ("MAIN", "SHOP"), ("-MAIN", "SHOP")):
        await desk.arrange(merchant.connection_id, *order)
        (hold,) = await merchant.holds(await merchant.order(("A", "1")))
        given.append(hold.warehouse)
    assert given == ["SHOP", "MAIN", "SHOP"]


async def test_the_name_of_a_warehouse_is_what_its_system_calls_it(desk: Desk) -> None:
    merchant = await merchant_with_two(desk)
    named = [api.Warehouse(code=code, name="mine", included=True) for code in ("MAIN", "SHOP")]
    answer = await desk.call(
        "UpdateWarehouses", connection_id=str(merchant.connection_id), warehouses=named
    )
    assert [each.name for each in answer.warehouses] == ["MAIN", "SHOP"]


async def test_warehouses_that_are_not_each_named_once_are_refused(desk: Desk) -> None:
    merchant = await merchant_with_two(desk)
    told = len(await merchant.events())
    with pytest.raises(InvalidArgument, match="each of MAIN, SHOP once"):
        await desk.arrange(merchant.connection_id, "-MAIN", "OTHER")
    refused = {
        codes: await violated(desk.arrange(merchant.connection_id, *codes))
        for codes in (
            ("-MAIN", "SHOP", "OTHER"),
            ("-MAIN", "main"),
            ("-MAIN",),
            ("-MAIN", "-MAIN"),
            ("-MAIN", "SHOP", "SHOP"),
            (),
        )
    }
    assert all(fields == ["warehouses"] for fields in refused.values()), refused
    unnamed = desk.arrange(merchant.connection_id, "-MAIN", "")
    assert await violated(unnamed) == ["warehouses[1].code"]
    assert await desk.warehouses(merchant.connection_id) == [("MAIN", True), ("SHOP", True)]
    assert await merchant.available("A") == 14
    assert len(await merchant.events()) == told
    assert (await merchant.row()).requested_reading is None


async def test_while_it_is_off_items_follow_but_no_reading_is_asked_for(desk: Desk) -> None:
    merchant = await merchant_with_two(desk)
    await desk.switch(merchant.connection_id, on=False)
    wakes = desk.hints.wakes
    await desk.arrange(merchant.connection_id, "MAIN", "-SHOP")
    assert await merchant.available("A") == 10
    assert (await merchant.row()).requested_reading is None
    assert desk.hints.wakes == wakes
    assert not await desk.due()


async def test_an_excluded_warehouse_is_no_mass_change(desk: Desk) -> None:
    """A person has said that it doesn't count: no person is asked whether its cards may go."""
    merchant = await desk.merchant()
    for place in range(PRODUCTS):
        merchant.warehouse.put(f"P{place}", "MAIN", "5")
        merchant.warehouse.put(f"P{place}", "SHOP", "5")
    await merchant.work()
    await desk.arrange(merchant.connection_id, "MAIN", "-SHOP")
    told = len(await merchant.events())
    await merchant.work()
    assert len(await merchant.events()) == told, "the reading changes nothing that is offered"
    newest, _first = await desk.readings(merchant.connection_id)
    assert newest.cause == "warehouses changed"
    assert newest.state == api.READING_STATE_APPLIED
    assert not await merchant.tasks()


async def test_a_reading_begun_before_takes_nothing_from_what_counts_again(desk: Desk) -> None:
    """It was begun while SHOP didn't count: what it did not ask for is not gone."""
    merchant = await merchant_with_two(desk)
    merchant.warehouse.put("B", "SHOP", "7")
    await merchant.read()
    await desk.arrange(merchant.connection_id, "MAIN", "-SHOP")
    worker = await merchant.worker()
    while worker.reading is None:
        job = await worker._next_job()
        assert job is not None
        await job()
    await desk.arrange(merchant.connection_id, "MAIN", "SHOP")
    assert await merchant.available("A") == 14
    assert await merchant.available("B") == 7
    told = len(await merchant.events())
    while (job := await worker._next_job()) is not None:
        await job()
    since = (await merchant.events())[told:]
    assert [(event.product_number, event.available, event.removed) for event in since] == []


async def test_an_order_that_found_no_warehouse_gets_one_that_counts_again(desk: Desk) -> None:
    merchant = await merchant_with_two(desk)
    await desk.arrange(merchant.connection_id, "-MAIN", "-SHOP")
    order = await merchant.order(("A", "1"))
    await resolve_where_asked(desk)
    assert [hold.warehouse for hold in await merchant.holds(order)] == [None]
    await desk.arrange(merchant.connection_id, "-MAIN", "SHOP")
    await resolve_where_asked(desk)
    assert [hold.warehouse for hold in await merchant.holds(order)] == ["SHOP"]
