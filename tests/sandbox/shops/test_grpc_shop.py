"""The e-shop: told by WatchStock, it goes on where it stopped."""

from decimal import Decimal

import pytest

from sandbox.shops import GrpcShop, Listing, NotShown
from spojka.api.stock.v1 import listing_service_pb2 as api
from tests.sandbox.shops.edge import Script, edge

CHAIR = Listing("chair", "Židle", Decimal(990), product_number="Z1")
TABLE = Listing("table", "Stůl", Decimal(4990), ean="2900000000018")


def _batch(token: str, **offered: str) -> api.WatchStockResponse:
    revision = int(token.removeprefix("t"))
    offers = [
        api.Offer(listing_id=name, offered=figure, revision=revision)
        for name, figure in offered.items()
    ]
    return api.WatchStockResponse(offers=offers, resume_token=token)


async def test_it_reports_its_listings_with_its_key() -> None:
    script = Script()
    async with edge(script) as client, GrpcShop("E-shop", "eshop", client, [CHAIR, TABLE]):
        assert [(each.id, each.product_number, each.ean) for each in script.reported] == [
            ("chair", "Z1", ""),
            ("table", "", "2900000000018"),
        ]
        assert script.keys == ["Bearer spk_of_the_channel"]


async def test_it_shows_what_is_offered_and_resumes_after_a_break() -> None:
    script = Script(
        streams=[
            [_batch("t1", chair="10", table="3"), _batch("t2", chair="8")],
            [_batch("t3", table="2")],
        ]
    )
    async with (
        edge(script) as client,
        GrpcShop("E-shop", "eshop", client, [CHAIR, TABLE]) as shop,
    ):
        await shop.shelf.until_all_show({"chair": 8, "table": 2}, within_seconds=10)
    assert script.tokens == ["", "t2"]


async def test_what_trying_again_does_not_mend_is_told_to_whoever_waits() -> None:
    broken = api.WatchStockResponse(offers=[api.Offer(listing_id="chair", offered="many")])
    script = Script(streams=[[broken]])
    async with edge(script) as client, GrpcShop("E-shop", "eshop", client, [CHAIR]) as shop:
        with pytest.raises(NotShown, match="'many' is not a decimal number"):
            await shop.shelf.until_shows("chair", 1, within_seconds=10)


async def test_it_sells_amends_and_cancels_under_its_own_ids() -> None:
    script = Script(streams=[[_batch("t1", chair="10", table="3")]])
    async with (
        edge(script) as client,
        GrpcShop("E-shop", "eshop", client, [CHAIR, TABLE]) as shop,
    ):
        await shop.shelf.until_shows("chair", 10, within_seconds=10)
        order = await shop.till.sell({"chair": 4})
        assert shop.shelf.shown("chair") == 6
        order = await shop.till.amend(order, {"chair": 5, "table": 1})
        assert shop.shelf.figures == {"chair": 5, "table": 2}
        order = await shop.till.amend(order, {"chair": 1})
        assert shop.shelf.shown("chair") == 5  # back when Spojka says so, not before
        await shop.till.cancel(order, "no longer wanted")
        await shop.till.sell({"table": 1})
    ids = [request.order.channel_order_id for request in script.placed]
    assert ids == ["eshop-0001", "eshop-0002"]
    assert [request.expected_revision for request in script.amended] == [1, 2]
    assert [request.reason for request in script.cancelled] == ["no longer wanted"]
    (line,) = script.placed[0].order.lines
    assert (line.listing_id, line.product_number, line.quantity) == ("chair", "Z1", "4")
