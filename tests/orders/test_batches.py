"""PlaceOrders: a result for each order, and one that is refused does not hold up the others."""

import asyncio

import pytest
from google.rpc import code_pb2

from orders.placing import Outcome, Sent, Taken, place_all, read_sent
from orders.storage.rules import RuleMemory
from spojka.api.orders.v1 import channel_service_pb2 as channels
from spojka.database import Database
from spojka.errors import InvalidArgument
from tests.orders.events import told
from tests.orders.locks import until_waiting
from tests.orders.shop import Shop, a_large_order, an_order

_COPY_AS_MIDDLE = """
    INSERT INTO order_book (tenant_id, id, channel_id, channel_order_id, fingerprint, number,
        variable_symbol, invoice_number, invoice_variable_symbol, gateway_reference,
        payment_state, fulfilment_state, import_state, value)
    SELECT tenant_id, gen_random_uuid(), channel_id, 'A-4', fingerprint, number,
           variable_symbol, invoice_number, invoice_variable_symbol, gateway_reference,
           payment_state, fulfilment_state, import_state, value
    FROM order_book
"""


async def test_each_order_gets_its_own_result(shop: Shop, database: Database) -> None:
    await shop.placed(an_order("known"))
    await shop.placed(an_order("other"))
    bad_field = an_order("bad-field")
    bad_field.lines[0].quantity = "none"
    bad_order = an_order("bad-order")
    bad_order.lines[1].unit_price = "-5"
    nowhere = an_order("nowhere")
    nowhere.channel_id = "nowhere"
    results = await shop.place_many(
        an_order("new"),
        an_order("known"),
        bad_field,
        an_order("other", note="changed"),
        bad_order,
        nowhere,
        an_order("last"),
    )
    assert [result.refusal.code for result in results] == [
        code_pb2.OK,
        code_pb2.OK,
        code_pb2.INVALID_ARGUMENT,
        code_pb2.ALREADY_EXISTS,
        code_pb2.INVALID_ARGUMENT,
        code_pb2.NOT_FOUND,
        code_pb2.OK,
    ]
    assert [result.created for result in results] == [True, *[False] * 5, True]
    assert [field.field for field in results[2].refusal.fields] == ["lines[0].quantity"]
    assert "note" in results[3].refusal.message
    assert [field.field for field in results[4].refusal.fields] == ["lines[1].unit_price"]
    assert await shop.get(results[6].order.id) == results[6].order
    assert len(await told(database, shop.tenant)) == 4


async def test_of_equal_orders_in_one_batch_the_first_is_placed(
    shop: Shop, database: Database
) -> None:
    results = await shop.place_many(an_order(), an_order(note="other"), an_order())
    assert [result.created for result in results] == [True, False, False]
    assert results[2].order == results[0].order
    assert results[1].refusal.code == code_pb2.ALREADY_EXISTS
    assert len(await told(database, shop.tenant)) == 1


async def test_batches_that_overlap_in_opposite_order_do_not_wait_for_each_other(
    shop: Shop, database: Database
) -> None:
    orders = [read_sent(an_order(f"A-{number}")) for number in range(9)]
    await shop.place(an_order("pattern"))

    async def place(batch: list[Sent]) -> list[Outcome]:
        return await place_all(database, shop.tenant, "tests", batch, RuleMemory())

    async with database.transaction(shop.tenant) as connection:
        # Both wait for the middle one, which comes to nothing, with a part of theirs done.
        await connection.execute(_COPY_AS_MIDDLE)
        batches = [asyncio.create_task(place(batch)) for batch in (orders, orders[::-1])]
        await until_waiting(connection, len(batches))
        await connection.execute("DELETE FROM order_book WHERE channel_order_id = 'A-4'")
    taken = [each for batch in await asyncio.gather(*batches) for each in batch]
    assert all(isinstance(each, Taken) for each in taken)
    assert sum(isinstance(each, Taken) and each.created for each in taken) == 9
    assert len(await told(database, shop.tenant)) == 1 + 9


async def test_a_channels_key_places_its_own_orders_only(shop: Shop) -> None:
    await shop.create_channel("eshop-sk")
    foreign = an_order("foreign")
    foreign.channel_id = "eshop-sk"
    results = await shop.as_channel("eshop-cz").place_many(an_order("own"), foreign)
    assert results[0].created
    assert results[1].refusal.code == code_pb2.PERMISSION_DENIED


async def test_a_batch_of_several_channels_takes_each_ones_rule(shop: Shop) -> None:
    await shop.create_channel("eshop-sk", placed="Prijatá")
    other = an_order("B-1")
    other.channel_id = "eshop-sk"
    results = await shop.place_many(an_order("A-1"), other)
    assert [result.order.status for result in results] == ["", "Prijatá"]
    rule = channels.StatusRule(placed="Přijatá")
    await shop.call("UpdateStatusRule", channels.UpdateStatusRuleRequest(status_rule=rule))
    again = an_order("B-2")
    again.channel_id = "eshop-sk"
    results = await shop.place_many(an_order("A-2"), again)
    assert [result.order.status for result in results] == ["Přijatá", "Prijatá"]


async def test_too_large_a_batch_is_refused_whole(shop: Shop) -> None:
    with pytest.raises(InvalidArgument, match="8 MiB"):
        await shop.place_many(*[a_large_order(f"A-{number}") for number in range(20)])


async def test_too_many_orders_are_refused_whole(shop: Shop) -> None:
    with pytest.raises(InvalidArgument, match="at most 500"):
        await shop.place_many(*[an_order(f"A-{number}") for number in range(501)])
    with pytest.raises(InvalidArgument, match="orders"):
        await shop.place_many()
