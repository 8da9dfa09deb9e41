"""Reports of payments and stock that come late, twice and together with people's own changes."""

from random import Random
from typing import Any, Final

import pytest
from google.protobuf.message import Message

from orders.import_events import ImportEvents
from orders.payment_events import PaymentEvents
from spojka.api.common.v1 import money_pb2
from spojka.api.orders.v1 import order_pb2, order_service_pb2
from spojka.api.payments.v1 import events_pb2 as payments
from spojka.api.stock.v1 import events_pb2 as stock
from spojka.database import Database
from spojka.delivery.failures import PoisonError
from spojka.errors import RequestError
from tests.at_once import at_once
from tests.orders.events import told
from tests.orders.shop import Shop, an_order
from tests.received import received

BLOCKED: Final = order_pb2.IMPORT_STATE_BLOCKED
ACKED: Final = order_pb2.IMPORT_STATE_ACKED
SENT: Final = order_pb2.IMPORT_STATE_SENT
WITHDRAWN: Final = order_pb2.IMPORT_STATE_WITHDRAWN
MONEY: Final = "order.money_on_cancelled"
IN_THE_WAY: Final = "order.import_blocked"


def imported(
    order: order_pb2.Order, state: order_pb2.ImportState.ValueType, revision: int, **fields: Any
) -> Message:
    record = order_pb2.OrderImport(state=state, reason="no item", revision=revision)
    told_of: dict[str, Any] = {"order_id": order.id, "import": record, **fields}
    if state == BLOCKED:
        return stock.OrderImportBlocked(**told_of)
    return (stock.OrderDelivered if "lines" in fields else stock.OrderImported)(**told_of)


def delivered(order: order_pb2.Order, revision: int, **lines: str) -> Message:
    parts = [
        stock.DeliveredLine(line_id=name.removeprefix("line_"), quantity=quantity)
        for name, quantity in lines.items()
    ]
    return imported(order, ACKED, revision, lines=parts)


def paid(
    order: order_pb2.Order,
    revision: int,
    amount: str,
    state: order_pb2.PaymentState.ValueType = order_pb2.PAYMENT_STATE_UNSPECIFIED,
) -> Message:
    return payments.OrderPaymentChanged(
        order_id=order.id,
        revision=revision,
        amount_paid=money_pb2.Money(currency="CZK", amount=amount),
        payment_state=state,
    )


async def take(database: Database, shop: Shop, *messages: Message) -> None:
    """Hand a batch of one topic to its handler."""
    of_payments = isinstance(messages[0], payments.OrderPaymentChanged)
    handler = PaymentEvents() if of_payments else ImportEvents()
    async with database.transaction(shop.tenant) as connection:
        events = [received(shop.tenant, each) for each in messages]
        await handler.handle(connection, shop.tenant, events)


async def revisions(shop: Shop, order: order_pb2.Order) -> list[int]:
    request = order_service_pb2.ListOrderHistoryRequest(id=order.id, page_size=1000)
    entries = (await shop.call("ListOrderHistory", request)).entries
    return [entry.revision for entry in entries]


async def tasks(shop: Shop, order: order_pb2.Order) -> dict[str, str]:
    """The summaries of an order's open tasks, by kind."""
    request = order_service_pb2.ListOrderTasksRequest(order_id=order.id)
    found = (await shop.call("ListOrderTasks", request)).tasks
    assert len({each.kind for each in found}) == len(found)
    return {each.kind: each.summary for each in found}


def without_ways(order: order_pb2.Order) -> order_pb2.Order:
    """What an order came to, without how it came there."""
    order.ClearField("id")
    order.ClearField("channel_order_id")
    order.ClearField("number")
    for name in ("revision", "order_time", "create_time", "update_time"):
        order.ClearField(name)
    return order


async def test_orders_end_the_same_however_their_reports_come(
    shop: Shop, database: Database
) -> None:
    """One by one in their order; all at once; backwards, each twice; and in batches in disorder."""
    sent = [an_order(f"A-{place}") for place in range(6)]
    orders = [each.order for each in await shop.place_many(*sent)]

    def of(order: order_pb2.Order) -> tuple[list[Message], list[Message]]:
        money = [paid(order, 2, "100"), paid(order, 5, "498.8"), paid(order, 6, "498.80000")]
        way = [
            imported(order, SENT, 1),
            imported(order, BLOCKED, 2, line_ids=["1"]),
            delivered(order, 3, line_1="1.0"),
            delivered(order, 7, line_1="2", line_2="1"),
        ]
        return money, way

    for each in [*of(orders[0])[0], *of(orders[0])[1]]:
        await take(database, shop, each)
    for part in of(orders[1]):
        await take(database, shop, *part)
    for part in of(orders[2]):
        await take(database, shop, *part[::-1], *part[::-1])
    for seed in range(2):
        topic = [each for order in orders[3:] for each in of(order)[seed] * 2]
        Random(seed).shuffle(topic)
        half = len(topic) // 2
        await take(database, shop, *topic[:half])
        await take(database, shop, *topic[half:], *topic[:half])
    ends = [without_ways(await shop.get(each.id)) for each in orders]
    assert all(each == ends[0] for each in ends)
    assert ends[0].fulfilment_state == order_pb2.FULFILMENT_STATE_DELIVERED
    assert [await tasks(shop, each) for each in orders] == [{}] * 6
    for each in orders:
        seen = await shop.get(each.id)
        assert await revisions(shop, each) == list(range(1, seen.revision + 1))


async def test_a_poison_report_in_the_middle_leaves_nothing_half_done(
    shop: Shop, database: Database
) -> None:
    sent = [an_order("A-1"), an_order("A-2")]
    first, second = [each.order for each in await shop.place_many(*sent)]
    batches = [
        [paid(first, 1, "100"), paid(second, 1, "1e3"), paid(second, 2, "5")],
        [delivered(first, 1, line_1="2"), delivered(second, 1, line_1="")],
        [imported(first, BLOCKED, 1), imported(order_pb2.Order(id="A-2"), ACKED, 2)],
    ]
    for batch in batches:
        with pytest.raises(PoisonError):
            await take(database, shop, *batch)
    assert [await shop.get(each.id) for each in (first, second)] == [first, second]
    assert await tasks(shop, first) == {}
    assert len(await told(database, shop.tenant)) == 2
    for batch in batches:
        await take(database, shop, batch[0])
    seen = await shop.get(first.id)
    assert (seen.amount_paid, seen.revision) == ("100", 3)


async def test_reports_and_people_at_once_leave_one_line_for_each_revision(
    shop: Shop, database: Database
) -> None:
    order = await shop.placed(an_order())

    async def amend(note: str) -> None:
        for _ in range(9):
            wanted = await shop.get(order.id)
            wanted.note += note
            try:
                await shop.amend(wanted)
            except RequestError:
                continue
            return

    def left(number: int) -> Message:
        return delivered(order, number, line_1=f"0.{number}")

    async def status(name: str) -> None:
        request = order_service_pb2.SetOrderStatusRequest(id=order.id, status=name)
        await shop.call("SetOrderStatus", request)

    await at_once(
        Random(7),
        [
            *(lambda each=each: amend(each) for each in "abc"),
            *(lambda each=each: status(each) for each in "xyz"),
            *(lambda n=n: take(database, shop, paid(order, n, str(n))) for n in range(1, 5)),
            *(lambda n=n: take(database, shop, left(n)) for n in range(1, 5)),
        ],
    )
    seen = await shop.get(order.id)
    assert (seen.amount_paid, seen.lines[0].delivered) == ("4", "0.4")
    assert sorted(seen.note) == ["a", "b", "c"]
    assert seen.content_revision == 4
    assert await revisions(shop, order) == list(range(1, seen.revision + 1))
    messages: list[Any] = [each.message for each in await told(database, shop.tenant)]
    numbers = [message.order.revision for message in messages]
    assert numbers == sorted(set(numbers))
    assert messages[-1].order.amount_paid == "4"
