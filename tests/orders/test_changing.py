"""AmendOrder, CancelOrder and the rest: decided under lock, told once, refused when stale."""

import asyncio
from datetime import datetime, timedelta
from unittest.mock import Mock
from uuid import uuid4

import pytest

from orders import placing
from spojka.api.orders.v1 import events_pb2, order_pb2, order_service_pb2
from spojka.database import Database
from spojka.errors import (
    Conflict,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
)
from tests.orders.events import told
from tests.orders.locks import until_waiting
from tests.orders.shop import Shop, an_order


async def test_an_amendment_is_stored_told_and_written_down(shop: Shop, database: Database) -> None:
    order = await shop.placed(an_order())
    order.lines[0].quantity = "3"
    order.total = ""
    amended = await shop.amend(order)
    assert (amended.revision, amended.content_revision) == (2, 2)
    assert amended.total == "698.7"
    assert await shop.get(order.id) == amended
    event = (await told(database, shop.tenant))[-1]
    assert event.message == events_pb2.OrderAmended(tenant_id=str(shop.tenant), order=amended)
    assert (await shop.history(order))[-1] == "Amended: lines[0].quantity, total."


async def test_times_never_run_back_where_hosts_clocks_differ(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One host is minutes ahead; the other's steps come after what it placed."""
    ahead = Mock(wraps=datetime)
    ahead.now.side_effect = lambda zone: datetime.now(zone) + timedelta(minutes=3)
    monkeypatch.setattr(placing, "datetime", ahead)
    order = await shop.placed(an_order())
    amended = await shop.amend(an_amended(order, note="x"))
    cancelled = await shop.cancel(amended)
    times = [each.update_time.ToNanoseconds() for each in (order, amended, cancelled)]
    assert times == sorted(times)


async def test_an_amendment_of_a_stale_revision_is_aborted(shop: Shop) -> None:
    order = await shop.placed(an_order())
    await shop.amend(an_amended(order, note="first"))
    with pytest.raises(Conflict) as refused:
        await shop.amend(an_amended(order, note="second"), expected=1)
    assert refused.value.metadata["content_revision"] == "2"


async def test_of_amendments_at_once_one_gets_through(shop: Shop, database: Database) -> None:
    order = await shop.placed(an_order())
    async with database.transaction(shop.tenant) as connection:
        await connection.execute("SELECT FROM order_book WHERE id = %s FOR UPDATE", [order.id])
        amendments = [
            asyncio.create_task(shop.amend(an_amended(order, note=str(number)), expected=1))
            for number in range(4)
        ]
        await until_waiting(connection, len(amendments))
    outcomes = await asyncio.gather(*amendments, return_exceptions=True)
    assert sum(isinstance(outcome, order_pb2.Order) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 3
    assert len(await told(database, shop.tenant)) == 2


async def test_a_repeated_amendment_succeeds_and_says_nothing(
    shop: Shop, database: Database
) -> None:
    order = await shop.placed(an_order())
    once = await shop.amend(an_amended(order, note="x"), expected=1)
    assert await shop.amend(an_amended(order, note="x"), expected=1) == once
    assert len(await told(database, shop.tenant)) == 2


async def test_an_order_keeps_its_identity(shop: Shop) -> None:
    order = await shop.placed(an_order())
    with pytest.raises(InvalidArgument, match=r"order\.channel_order_id"):
        await shop.amend(an_amended(order, channel_order_id="B-1"))
    order.lines[0].unit_price = "-1"
    with pytest.raises(InvalidArgument, match=r"order\.lines\[0\]\.unit_price"):
        await shop.amend(order)


async def test_a_cancellation_is_told_with_its_reason(shop: Shop, database: Database) -> None:
    order = await shop.placed(an_order())
    cancelled = await shop.cancel(order, reason="the customer changed their mind")
    assert cancelled.fulfilment_state == order_pb2.FULFILMENT_STATE_CANCELLED
    assert (cancelled.revision, cancelled.content_revision) == (2, 2)
    event = (await told(database, shop.tenant))[-1]
    assert event.message == events_pb2.OrderCancelled(
        tenant_id=str(shop.tenant), order=cancelled, reason="the customer changed their mind"
    )
    assert await shop.cancel(order, expected=1) == cancelled
    assert len(await told(database, shop.tenant)) == 2
    with pytest.raises(FailedPrecondition, match="cancelled"):
        await shop.amend(an_amended(cancelled, note="late"))


async def test_references_come_later_and_empty_ones_stay(shop: Shop, database: Database) -> None:
    order = await shop.placed(an_order(references=order_pb2.OrderReferences(variable_symbol="12")))
    request = order_service_pb2.AddOrderReferencesRequest(
        id=order.id, references=order_pb2.OrderReferences(invoice_number="FV1")
    )
    known = (await shop.call("AddOrderReferences", request)).order
    assert known.references.variable_symbol == "12"
    assert known.references.invoice_number == "FV1"
    assert (known.revision, known.content_revision) == (2, 1)
    assert (await shop.call("AddOrderReferences", request)).order == known
    assert len(await told(database, shop.tenant)) == 2
    assert (await shop.history(order))[-1] == "Became known: invoice number FV1."


async def test_the_channels_word_of_shipping(shop: Shop, database: Database) -> None:
    order = await shop.placed(an_order())
    partly = await shop.ship(order, line_1="1")
    assert partly.lines[0].delivered == "1"
    assert partly.fulfilment_state == order_pb2.FULFILMENT_STATE_PARTLY_DELIVERED
    whole = await shop.ship(order)
    assert whole.fulfilment_state == order_pb2.FULFILMENT_STATE_DELIVERED
    assert await shop.ship(order) == whole
    events = [event.message for event in await told(database, shop.tenant)]
    assert [type(event) for event in events[1:]] == [events_pb2.OrderStatusChanged] * 2
    assert events[-1].order == whole  # type: ignore[attr-defined]
    with pytest.raises(InvalidArgument, match=r"lines\[0\]"):
        await shop.ship(order, line_9="1")


async def test_the_status_is_set_by_hand(shop: Shop, database: Database) -> None:
    order = await shop.placed(an_order())
    request = order_service_pb2.SetOrderStatusRequest(id=order.id, status="Balí se")
    changed = (await shop.call("SetOrderStatus", request)).order
    assert changed.status == "Balí se"
    assert (await shop.call("SetOrderStatus", request)).order == changed
    event = (await told(database, shop.tenant))[-1]
    assert event.message == events_pb2.OrderStatusChanged(
        tenant_id=str(shop.tenant), order=changed, previous_status=""
    )
    assert len(await told(database, shop.tenant)) == 2


async def test_what_is_not_there_is_not_found(shop: Shop) -> None:
    missing = order_pb2.Order(id=str(uuid4()), content_revision=1)
    with pytest.raises(NotFound):
        await shop.cancel(missing)
    with pytest.raises(NotFound):
        await shop.get(missing.id)
    with pytest.raises(NotFound):
        await shop.history(missing)


async def test_a_channels_key_does_not_know_of_other_channels_orders(shop: Shop) -> None:
    order = await shop.placed(an_order())
    await shop.create_channel("eshop-sk")
    other = shop.as_channel("eshop-sk")
    for attempt in (other.get(order.id), other.cancel(order), other.ship(order)):
        with pytest.raises(NotFound):
            await attempt
    with pytest.raises(PermissionDenied):
        await other.place(an_order("B-1"))
    assert (await shop.as_channel("eshop-cz").get(order.id)) == order


def an_amended(order: order_pb2.Order, **fields: str) -> order_pb2.Order:
    amended = order_pb2.Order()
    amended.CopyFrom(order)
    amended.MergeFrom(order_pb2.Order(**fields))  # type: ignore[arg-type]
    return amended
