"""Listing and finding: filters, and pages that stay where they are."""

from typing import Any

import pytest

from spojka.api.orders.v1 import channel_service_pb2 as channels
from spojka.api.orders.v1 import order_pb2, order_service_pb2
from spojka.errors import AlreadyExists, InvalidArgument, NotFound, PermissionDenied
from tests.orders.shop import ESHOP, Shop, a_large_order, an_order


async def listed(shop: Shop, **fields: Any) -> list[str]:
    request = order_service_pb2.ListOrdersRequest(**fields)
    orders = (await shop.call("ListOrders", request)).orders
    return [order.channel_order_id for order in orders]


async def test_each_filter_must_hold(shop: Shop) -> None:
    await shop.create_channel("eshop-sk")
    foreign = an_order("D")
    foreign.channel_id = "eshop-sk"
    await shop.place_many(an_order("A"), an_order("B"), an_order("C", total="0"), foreign)
    by_key = {each: (await shop.call("GetOrder", key(each))).order for each in ("A", "B", "C")}
    await shop.cancel(by_key["A"])
    await shop.ship(by_key["C"])
    assert set(await listed(shop)) == {"A", "B", "C", "D"}
    assert await listed(shop, channel_id="eshop-sk") == ["D"]
    assert await listed(shop, payment_state=order_pb2.PAYMENT_STATE_PAID) == ["C"]
    assert await listed(shop, fulfilment_state=order_pb2.FULFILMENT_STATE_CANCELLED) == ["A"]
    opened = {"fulfilment_state": order_pb2.FULFILMENT_STATE_OPEN}
    assert set(await listed(shop, **opened)) == {"B", "D"}
    assert await listed(shop, channel_id=ESHOP, **opened) == ["B"]
    assert await listed(shop, import_state=order_pb2.IMPORT_STATE_ACKED) == []


async def test_any_reference_finds_the_order(shop: Shop) -> None:
    references = order_pb2.OrderReferences(
        variable_symbol="0012345", invoice_number="FV-77", invoice_variable_symbol="900"
    )
    await shop.placed(an_order("A-1", number="N-1", references=references))
    await shop.placed(an_order("A-2", number="N-2"))
    for reference in ("A-1", "N-1", "12345", "0012345", "FV-77", "900", " N-1 "):
        assert await listed(shop, reference=reference) == ["A-1"], reference
    assert await listed(shop, reference="nothing") == []


async def test_pages_stay_where_they_are_when_orders_come(shop: Shop) -> None:
    for number in range(7):
        await shop.placed(an_order(f"A-{number}"))
    seen, token = [], ""
    while True:
        request = order_service_pb2.ListOrdersRequest(page_size=3, page_token=token)
        page = await shop.call("ListOrders", request)
        seen += [order.channel_order_id for order in page.orders]
        token = page.next_page_token
        if not token:
            break
        await shop.placed(an_order(f"later-{len(seen)}"))
    assert seen == [f"A-{number}" for number in reversed(range(7))]


async def test_a_page_of_large_orders_fits_a_message(shop: Shop) -> None:
    keys = [f"A-{number}" for number in range(24)]
    for each in keys:
        await shop.placed(a_large_order(each))
    seen: list[str] = []
    token, pages = "", 0
    while token or not pages:
        request = order_service_pb2.ListOrdersRequest(page_size=500, page_token=token)
        page = await shop.call("ListOrders", request)
        seen += [order.channel_order_id for order in page.orders]
        token, pages = page.next_page_token, pages + 1
    assert seen == keys[::-1]
    assert pages == 2


async def test_a_foreign_page_token_is_refused(shop: Shop) -> None:
    for token in ("nonsense", "WyJ4Il0"):
        with pytest.raises(InvalidArgument, match="page_token"):
            await listed(shop, page_token=token)


async def test_a_channels_key_lists_its_own_orders(shop: Shop) -> None:
    await shop.create_channel("eshop-sk")
    await shop.placed(an_order("A-1"))
    other = shop.as_channel("eshop-sk")
    assert await listed(other) == []
    assert await listed(other, reference="A-1") == []
    assert await listed(shop.as_channel(ESHOP)) == ["A-1"]
    with pytest.raises(PermissionDenied):
        await listed(other, channel_id=ESHOP)


def key(channel_order_id: str) -> order_service_pb2.GetOrderRequest:
    return order_service_pb2.GetOrderRequest(channel_id=ESHOP, channel_order_id=channel_order_id)


async def test_an_order_is_found_by_its_channels_identity(shop: Shop) -> None:
    order = await shop.placed(an_order("A-1"))
    assert (await shop.call("GetOrder", key("A-1"))).order == order
    with pytest.raises(NotFound):
        await shop.call("GetOrder", key("A-2"))
    with pytest.raises(PermissionDenied):
        await shop.as_channel("eshop-sk").call("GetOrder", key("A-1"))
    both = key("A-1")
    both.id = order.id
    for neither in (order_service_pb2.GetOrderRequest(), both):
        with pytest.raises(InvalidArgument):
            await shop.call("GetOrder", neither)


async def test_the_history_comes_in_pages(shop: Shop) -> None:
    order = await shop.placed(an_order())
    for status in "abcd":
        request = order_service_pb2.SetOrderStatusRequest(id=order.id, status=status)
        await shop.call("SetOrderStatus", request)
    seen, token = [], ""
    while True:
        page = await shop.call(
            "ListOrderHistory",
            order_service_pb2.ListOrderHistoryRequest(id=order.id, page_size=2, page_token=token),
        )
        seen += [(entry.revision, entry.actor) for entry in page.entries]
        token = page.next_page_token
        if not token:
            break
    assert seen == [(revision, "operator") for revision in range(1, 6)]


async def test_channels_are_created_once_changed_and_listed(shop: Shop) -> None:
    created = await shop.create_channel("b", placed="new", paid_unless=["x", "y"])
    assert await shop.create_channel("b", placed="new", paid_unless=["x", "y"]) == created
    with pytest.raises(AlreadyExists):
        await shop.create_channel("b")
    update = channels.UpdateChannelRequest(channel=channels.Channel(id="b", name="renamed"))
    updated = (await shop.call("UpdateChannel", update)).channel
    assert updated.name == "renamed"
    assert not updated.HasField("status_rule")
    found = await shop.call("GetChannel", channels.GetChannelRequest(id="b"))
    assert found.channel == updated
    update.channel.id = "missing"
    with pytest.raises(NotFound):
        await shop.call("UpdateChannel", update)
    first = await shop.call("ListChannels", channels.ListChannelsRequest(page_size=1))
    rest = channels.ListChannelsRequest(page_size=5, page_token=first.next_page_token)
    second = await shop.call("ListChannels", rest)
    assert [c.id for c in [*first.channels, *second.channels]] == ["b", ESHOP]
    assert second.next_page_token == ""


async def test_the_tenants_status_rule_is_kept(shop: Shop) -> None:
    empty = await shop.call("GetStatusRule", channels.GetStatusRuleRequest())
    assert empty.status_rule == channels.StatusRule()
    rule = channels.StatusRule(paid="Uhrazená", paid_unless=["Odeslaná"])
    await shop.call("UpdateStatusRule", channels.UpdateStatusRuleRequest(status_rule=rule))
    kept = await shop.call("GetStatusRule", channels.GetStatusRuleRequest())
    assert kept.status_rule == rule
