"""Orders found by what people know of them, through all filters, pages and keys at once."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from google.protobuf.message import Message

from orders.import_events import ImportEvents
from spojka.api.orders.v1 import order_pb2, order_service_pb2
from spojka.api.stock.v1 import events_pb2 as stock
from spojka.database import Database
from spojka.errors import InvalidArgument, NotFound, PermissionDenied
from tests.orders.shop import ESHOP, Shop, an_order
from tests.received import received

MARKET = "market-sk"
UNPAID, PAID = order_pb2.PAYMENT_STATE_UNPAID, order_pb2.PAYMENT_STATE_PAID
OPEN = order_pb2.FULFILMENT_STATE_OPEN
BLOCKED, ACKED = order_pb2.IMPORT_STATE_BLOCKED, order_pb2.IMPORT_STATE_ACKED


def order_of(channel_id: str, channel_order_id: str, **fields: Any) -> order_pb2.Order:
    order = an_order(channel_order_id, **fields)
    order.channel_id = channel_id
    return order


async def pages(shop: Shop, size: int, **filters: Any) -> AsyncIterator[list[str]]:
    """The channels' order ids, page by page."""
    token = ""
    while True:
        request = order_service_pb2.ListOrdersRequest(page_size=size, page_token=token, **filters)
        page = await shop.call("ListOrders", request)
        yield [order.channel_order_id for order in page.orders]
        assert page.next_page_token != token or not token, "it goes on where it was"
        token = page.next_page_token
        if not token:
            return


async def listed(shop: Shop, size: int = 0, **filters: Any) -> list[str]:
    return [each async for page in pages(shop, size, **filters) for each in page]


async def report(
    database: Database, shop: Shop, state: order_pb2.ImportState.ValueType, *ids: str
) -> None:
    """Where the imports of orders stand, told in one batch."""
    events: list[Message] = []
    for place, order_id in enumerate(ids, start=1):
        fields: dict[str, Any] = {
            "order_id": order_id,
            "import": order_pb2.OrderImport(state=state, reason="no item", revision=place),
        }
        blocked = state == BLOCKED
        events.append((stock.OrderImportBlocked if blocked else stock.OrderImported)(**fields))
    async with database.transaction(shop.tenant) as connection:
        batch = [received(shop.tenant, each) for each in events]
        await ImportEvents().handle(connection, shop.tenant, batch)


async def test_all_filters_hold_on_every_page(shop: Shop, database: Database) -> None:
    await shop.create_channel(MARKET)
    orders = [
        order_of(channel_id, f"A-{place:02}", number="N-1", total="5" if place % 3 else "0")
        for place, channel_id in enumerate([ESHOP, MARKET] * 12)
    ]
    placed = [result.order for result in await shop.place_many(*orders)]
    await report(database, shop, BLOCKED, *(each.id for each in placed[:18]))
    for each in placed[:4]:
        await shop.cancel(each)
    filters: dict[str, Any] = {
        "channel_id": ESHOP,
        "payment_state": UNPAID,
        "fulfilment_state": OPEN,
        "import_state": BLOCKED,
        "reference": " N-1",
    }
    wanted = {f"A-{place:02}" for place in range(4, 18, 2) if place % 3}
    everything = await listed(shop, **filters)
    assert set(everything) == wanted
    for size in (1, len(wanted) - 1, len(wanted), len(wanted) + 1, 2**32 - 1):
        found = [page async for page in pages(shop, size, **filters)]
        assert [each for page in found for each in page] == everything
        assert all(found), "no page is empty, the last one neither"
    narrow = {name: value for name, value in filters.items() if name != "channel_id"}
    assert await listed(shop.as_channel(ESHOP), 2, **narrow) == everything
    assert not set(await listed(shop.as_channel(MARKET), 2, **narrow)) & wanted


@pytest.mark.parametrize("written", ["2026 001 ", " N-7", "\u00a0B-1", "Ž\u0301luť"])
async def test_an_order_is_found_by_its_number_as_it_shows_it(shop: Shop, written: str) -> None:
    order = await shop.placed(an_order("A-1", number=written))
    assert await listed(shop, reference=order.number) == ["A-1"]
    order.references.invoice_number = written
    await shop.amend(order)
    assert await listed(shop, reference=written.strip()) == ["A-1"]


async def test_symbols_are_found_by_digits_alone(shop: Shop) -> None:
    references = order_pb2.OrderReferences(variable_symbol="0000000000")
    await shop.placed(an_order("zero", references=references))
    references.variable_symbol = "0000000012"
    await shop.placed(an_order("twelve", references=references, number="0012"))
    assert await listed(shop, reference="12") == ["twelve"]
    for reference in ("0", "0000000000", "１２", "²", "12²", "1 2", "12-", "+12"):
        assert await listed(shop, reference=reference) == [], reference


async def test_the_same_id_in_two_channels_is_an_order_for_each_key(shop: Shop) -> None:
    await shop.create_channel(MARKET)
    own, foreign = [
        each.order
        for each in await shop.place_many(order_of(ESHOP, "A-1"), order_of(MARKET, "A-1"))
    ]
    key = shop.as_channel(ESHOP)
    assert len(await listed(shop, reference="A-1")) == 2
    request = order_service_pb2.ListOrdersRequest(reference="A-1")
    assert list((await key.call("ListOrders", request)).orders) == [own]
    by_key = order_service_pb2.GetOrderRequest(channel_id=ESHOP, channel_order_id="A-1")
    assert (await key.call("GetOrder", by_key)).order == own
    by_key.channel_id = MARKET
    with pytest.raises(PermissionDenied):
        await key.call("GetOrder", by_key)
    references = order_service_pb2.AddOrderReferencesRequest(id=foreign.id)
    references.references.invoice_number = "FV-1"
    mine = order_pb2.Order()
    mine.CopyFrom(foreign)
    mine.channel_id, mine.note = ESHOP, "mine"
    for attempt in (
        key.get(foreign.id),
        key.amend(mine),
        key.cancel(foreign),
        key.ship(foreign, line_1="1"),
        key.call("AddOrderReferences", references),
    ):
        with pytest.raises(NotFound, match=foreign.id):
            await attempt
    taken_over = order_pb2.Order()
    taken_over.CopyFrom(own)
    taken_over.channel_id = MARKET
    with pytest.raises(InvalidArgument, match=r"order\.channel_id"):
        await key.amend(taken_over)
    assert [await shop.get(each.id) for each in (own, foreign)] == [own, foreign]
