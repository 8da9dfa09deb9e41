"""Changes of an order one on top of another: what each may do to what the others left behind."""

from collections.abc import Awaitable, Sequence
from itertools import pairwise
from typing import Any

import pytest

from orders.payment_events import PaymentEvents
from spojka.api.common.v1 import money_pb2
from spojka.api.orders.v1 import channel_service_pb2 as channels
from spojka.api.orders.v1 import order_pb2, order_service_pb2
from spojka.api.payments.v1 import events_pb2 as payments
from spojka.database import Database
from spojka.errors import FailedPrecondition
from tests.orders.events import told
from tests.orders.shop import ESHOP, Shop, an_order
from tests.received import received

OPEN = order_pb2.FULFILMENT_STATE_OPEN
PARTLY = order_pb2.FULFILMENT_STATE_PARTLY_DELIVERED
DELIVERED = order_pb2.FULFILMENT_STATE_DELIVERED
CANCELLED = order_pb2.FULFILMENT_STATE_CANCELLED


async def pay(database: Database, shop: Shop, order: order_pb2.Order, *amounts: str) -> None:
    """What is paid in all, as the payments side tells it again and again."""
    already = (await shop.get(order.id)).revision
    reports = [
        payments.OrderPaymentChanged(
            order_id=order.id,
            revision=already + place,
            amount_paid=money_pb2.Money(currency=order.currency, amount=amount),
        )
        for place, amount in enumerate(amounts)
    ]
    async with database.transaction(shop.tenant) as connection:
        events = [received(shop.tenant, each) for each in reports]
        await PaymentEvents().handle(connection, shop.tenant, events)


async def set_status(shop: Shop, order: order_pb2.Order, status: str) -> order_pb2.Order:
    request = order_service_pb2.SetOrderStatusRequest(id=order.id, status=status)
    changed: order_pb2.Order = (await shop.call("SetOrderStatus", request)).order
    return changed


async def add_references(shop: Shop, order: order_pb2.Order, **named: str) -> order_pb2.Order:
    references = order_pb2.OrderReferences(**named)
    request = order_service_pb2.AddOrderReferencesRequest(id=order.id, references=references)
    known: order_pb2.Order = (await shop.call("AddOrderReferences", request)).order
    return known


async def update_rule(shop: Shop, **rule: Any) -> None:
    channel = channels.Channel(id=ESHOP, name="E", status_rule=channels.StatusRule(**rule))
    await shop.call("UpdateChannel", channels.UpdateChannelRequest(channel=channel))


async def refused(calls: Sequence[Awaitable[object]]) -> list[str]:
    """The reasons for which calls are refused by the order's state."""
    reasons = []
    for call in calls:
        with pytest.raises(FailedPrecondition) as error:
            await call
        reasons.append(error.value.reason)
    return reasons


def hammer_and_saw() -> order_pb2.Order:
    """Two goods whose lines have no ids of their own."""
    order = an_order()
    del order.lines[1]
    order.lines.add(product_number="PILA-1", name="Pila", quantity="2", unit_price="300")
    return order


async def test_what_left_the_house_does_not_become_another_item(shop: Shop) -> None:
    """Lines without ids take their places: without the first, the second one bears its id."""
    order = await shop.placed(hammer_and_saw())
    partly = await shop.ship(order, line_1="2")
    assert [line.delivered for line in partly.lines] == ["2", "0"]
    saw_alone = hammer_and_saw()
    saw_alone.id, saw_alone.content_revision = partly.id, partly.content_revision
    del saw_alone.lines[0]
    assert await refused([shop.amend(saw_alone)]) == ["LINE_DELIVERED"]
    assert await shop.get(order.id) == partly


async def test_a_line_that_was_shipped_in_part_can_still_be_described_better(shop: Shop) -> None:
    order = await shop.ship(await shop.placed(hammer_and_saw()), line_1="1")
    order.lines[0].name, order.lines[0].ean = "Kladivo", "8594001234561"
    del order.lines[1]
    order.total = "399.80"
    amended = await shop.amend(order)
    assert (amended.lines[0].delivered, amended.fulfilment_state) == ("1", PARTLY)


async def test_payment_after_shipment_keeps_a_status_of_the_rule_that_was(
    shop: Shop, database: Database
) -> None:
    """Between a parcel and its cash on delivery there are days, in which rules change."""
    await update_rule(shop, placed="Nová", paid="Uhrazená", delivered="Odeslaná")
    order = await shop.ship(await shop.placed(an_order()))
    assert order.status == "Odeslaná"
    await update_rule(shop, placed="Nová", paid="Uhrazená", delivered="Předáno dopravci")
    await pay(database, shop, order, "498.80")
    paid = await shop.get(order.id)
    assert paid.payment_state == order_pb2.PAYMENT_STATE_PAID
    assert paid.status == "Odeslaná"


async def test_the_history_has_a_line_for_each_revision_and_each_event_the_order_of_then(
    shop: Shop, database: Database
) -> None:
    await update_rule(shop, placed="Nová", paid="Uhrazená", delivered="Hotovo")
    order = await shop.placed(hammer_and_saw())
    await shop.ship(order, line_1="2")
    await pay(database, shop, order, "100", "100", "399.80")
    order = await shop.get(order.id)
    del order.lines[1]
    order.total = "399.80"
    order = await shop.amend(order)
    assert (order.payment_state, order.status) == (order_pb2.PAYMENT_STATE_PAID, "Hotovo")
    await add_references(shop, order, variable_symbol="0042")
    final = await set_status(shop, order, "Archiv")
    request = order_service_pb2.ListOrderHistoryRequest(id=order.id)
    entries = (await shop.call("ListOrderHistory", request)).entries
    assert [entry.revision for entry in entries] == list(range(1, final.revision + 1))
    times = [entry.time.ToNanoseconds() for entry in entries]
    assert all(one <= other for one, other in pairwise(times))
    messages: list[Any] = [each.message for each in await told(database, shop.tenant)]
    assert [message.order.revision for message in messages] == list(range(1, final.revision + 1))
    assert messages[-1].order == final
    statuses = [(message.previous_status, message.order.status) for message in messages[-1:]]
    assert statuses == [("Hotovo", "Archiv")]
