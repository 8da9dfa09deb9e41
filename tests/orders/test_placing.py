"""PlaceOrder: an order is there once, whatever is repeated, and says in what a second differs."""

import asyncio

import pytest

from spojka.api.orders.v1 import channel_service_pb2 as channels
from spojka.api.orders.v1 import events_pb2, order_pb2
from spojka.database import Database
from spojka.errors import AlreadyExists, InvalidArgument, NotFound
from tests.orders.events import told
from tests.orders.shop import Shop, a_large_order, an_order


async def test_a_new_order_gets_its_defaults_and_states(shop: Shop) -> None:
    response = await shop.place(an_order("A-1"))
    order = response.order
    assert response.created
    assert order.number == "A-1"
    assert [line.id for line in order.lines] == ["1", "2"]
    assert order.total == "498.8"
    assert order.shipping_address == order.billing_address
    assert order.HasField("order_time")
    assert (order.revision, order.content_revision) == (1, 1)
    assert order.payment_state == order_pb2.PAYMENT_STATE_UNPAID
    assert order.fulfilment_state == order_pb2.FULFILMENT_STATE_OPEN
    assert getattr(order, "import").state == order_pb2.IMPORT_STATE_LOCAL
    assert await shop.get(order.id) == order
    assert await shop.history(order) == ["Placed by channel eshop-cz: 2 lines, 498.8 CZK."]


async def test_a_line_without_an_id_takes_its_place(shop: Shop) -> None:
    order = an_order()
    order.lines[0].id = "first"
    assert [line.id for line in (await shop.placed(order)).lines] == ["first", "2"]
    clash = an_order("A-2")
    clash.lines[0].id = "2"
    with pytest.raises(InvalidArgument, match=r"order\.lines\[1\]\.id"):
        await shop.place(clash)


async def test_the_event_carries_the_whole_order(shop: Shop, database: Database) -> None:
    order = await shop.placed(an_order())
    (event,) = await told(database, shop.tenant)
    assert event.key == f"{shop.tenant}/{order.id}"
    assert event.message == events_pb2.OrderPlaced(tenant_id=str(shop.tenant), order=order)


async def test_the_same_again_returns_the_same_order(shop: Shop, database: Database) -> None:
    first = await shop.place(an_order())
    again = await shop.place(an_order())
    assert not again.created
    assert again.order == first.order
    assert len(await told(database, shop.tenant)) == 1


async def test_numbers_written_otherwise_are_the_same_content(shop: Shop) -> None:
    first = await shop.placed(an_order())
    other = an_order(number="A-1", total="498.80")
    other.lines[0].unit_price = "199.9"
    other.lines[0].id = "1"
    assert (await shop.place(other)).order == first


async def test_the_first_content_is_a_repetition_even_after_an_amendment(shop: Shop) -> None:
    order = await shop.placed(an_order())
    order.lines[0].quantity = "3"
    order.total = ""
    amended = await shop.amend(order)
    again = await shop.place(an_order())
    assert not again.created
    assert again.order == amended


async def test_other_content_is_refused_and_the_difference_named(shop: Shop) -> None:
    order = await shop.placed(an_order())
    other = an_order()
    other.lines[0].quantity = "3"
    other.customer.email = "eva@example.cz"
    with pytest.raises(AlreadyExists) as refused:
        await shop.place(other)
    assert refused.value.metadata["order_id"] == order.id
    assert refused.value.metadata["fields"] == "customer.email, lines[0].quantity, total"
    assert "lines[0].quantity" in refused.value.message


async def test_references_that_came_later_are_no_difference(shop: Shop) -> None:
    references = order_pb2.OrderReferences(variable_symbol="20260001")
    await shop.placed(an_order())
    with pytest.raises(AlreadyExists, match=r"references\.variable_symbol"):
        await shop.place(an_order(references=references))
    await shop.placed(an_order("A-2", references=references))
    repeated = an_order("A-2", note="")
    assert not (await shop.place(repeated)).created


async def test_of_many_at_once_one_creates_the_order(shop: Shop, database: Database) -> None:
    responses = await asyncio.gather(*(shop.place(an_order()) for _ in range(20)))
    assert sum(response.created for response in responses) == 1
    assert len({response.order.id for response in responses}) == 1
    assert len(await told(database, shop.tenant)) == 1


async def test_an_unknown_channel_is_not_found(shop: Shop) -> None:
    order = an_order()
    order.channel_id = "nowhere"
    with pytest.raises(NotFound, match="CreateChannel"):
        await shop.place(order)


async def test_an_order_too_large_for_an_event_is_refused(shop: Shop) -> None:
    order = a_large_order("A-1")
    order.note = "漢" * 4000
    order.lines.extend(order.lines[:90])
    with pytest.raises(InvalidArgument, match="512 KiB"):
        await shop.place(order)


async def test_every_violated_field_is_named_by_its_path(shop: Shop) -> None:
    order = an_order(currency="ABC")
    order.lines[0].product_number = ""
    order.lines[1].unit_price = "-1"
    order.lines[1].id = "1"
    with pytest.raises(InvalidArgument) as refused:
        await shop.place(order)
    assert {violation.field for violation in refused.value.violations} == {
        "order.currency",
        "order.lines[0]",
        "order.lines[1].unit_price",
        "order.lines[1].id",
    }


async def test_a_status_rule_that_changed_is_applied_at_once(shop: Shop) -> None:
    assert (await shop.placed(an_order("A-1"))).status == ""
    rule = channels.StatusRule(placed="Nová")
    await shop.call("UpdateStatusRule", channels.UpdateStatusRuleRequest(status_rule=rule))
    assert (await shop.placed(an_order("A-2"))).status == "Nová"
    own = channels.Channel(id="eshop-cz", name="E", status_rule=channels.StatusRule(placed="Web"))
    await shop.call("UpdateChannel", channels.UpdateChannelRequest(channel=own))
    assert (await shop.placed(an_order("A-3"))).status == "Web"
