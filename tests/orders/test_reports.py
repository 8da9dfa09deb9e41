"""Reports of the stock and payments services: absolute, guarded by their revisions."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID, uuid4

import pytest
from google.protobuf.message import Message

from orders.import_events import ImportEvents
from orders.payment_events import PaymentEvents
from spojka.api.common.v1 import money_pb2
from spojka.api.orders.v1 import events_pb2, order_pb2, order_service_pb2
from spojka.api.payments.v1 import events_pb2 as payments
from spojka.api.stock.v1 import events_pb2 as stock
from spojka.database import Database
from spojka.delivery.failures import PoisonError
from spojka.delivery.handler import Handler
from spojka.errors import FailedPrecondition
from tests.orders.events import told
from tests.orders.shop import Shop, an_order
from tests.received import received

BLOCKED: Final = order_pb2.IMPORT_STATE_BLOCKED
ACKED: Final = order_pb2.IMPORT_STATE_ACKED
SENT: Final = order_pb2.IMPORT_STATE_SENT


async def take(
    database: Database, handler: Handler, tenant: UUID, messages: Sequence[Message]
) -> None:
    async with database.transaction(tenant) as connection:
        await handler.handle(connection, tenant, [received(tenant, each) for each in messages])


def record(state: order_pb2.ImportState.ValueType, revision: int) -> order_pb2.OrderImport:
    return order_pb2.OrderImport(
        state=state, document_id="41", document_number="26OBJ41", reason="why", revision=revision
    )


def imported(
    order: order_pb2.Order, state: order_pb2.ImportState.ValueType, revision: int
) -> stock.OrderImported:
    fields = {"order_id": order.id, "import": record(state, revision)}
    return stock.OrderImported(**fields)  # type: ignore[arg-type]


def blocked(order: order_pb2.Order, revision: int, *lines: str) -> stock.OrderImportBlocked:
    fields = {"order_id": order.id, "import": record(BLOCKED, revision), "line_ids": lines}
    return stock.OrderImportBlocked(**fields)  # type: ignore[arg-type]


def delivered(
    order: order_pb2.Order, revision: int, quantity: str, *, complete: bool = False
) -> stock.OrderDelivered:
    lines = [stock.DeliveredLine(line_id="1", quantity=quantity)]
    fields = {
        "order_id": order.id,
        "import": record(ACKED, revision),
        "lines": lines,
        "complete": complete,
    }
    return stock.OrderDelivered(**fields)  # type: ignore[arg-type]


def paid(
    order: order_pb2.Order,
    revision: int,
    amount: str,
    state: order_pb2.PaymentState.ValueType = order_pb2.PAYMENT_STATE_UNSPECIFIED,
    currency: str = "CZK",
) -> payments.OrderPaymentChanged:
    return payments.OrderPaymentChanged(
        order_id=order.id,
        revision=revision,
        amount_paid=money_pb2.Money(currency=currency, amount=amount),
        payment_state=state,
    )


async def test_the_way_of_an_import_shows_on_the_order(shop: Shop, database: Database) -> None:
    order = await shop.placed(an_order())
    await take(
        database, ImportEvents(), shop.tenant, [imported(order, SENT, 1), imported(order, ACKED, 2)]
    )
    seen = await shop.get(order.id)
    assert getattr(seen, "import") == record(ACKED, 2)
    assert seen.revision == 3
    assert len(await told(database, shop.tenant)) == 1
    assert (await shop.history(order))[1:] == [
        "On its way into the warehouse system.",
        "Stands in the warehouse system as document 26OBJ41.",
    ]
    request = order_service_pb2.ListOrdersRequest(import_state=ACKED)
    assert [o.id for o in (await shop.call("ListOrders", request)).orders] == [order.id]


async def test_older_and_repeated_reports_change_nothing(shop: Shop, database: Database) -> None:
    order = await shop.placed(an_order())
    await take(database, ImportEvents(), shop.tenant, [imported(order, ACKED, 5)])
    await take(database, PaymentEvents(), shop.tenant, [paid(order, 5, "100")])
    seen = await shop.get(order.id)
    events = await told(database, shop.tenant)
    late = [imported(order, SENT, 4), blocked(order, 3, "1"), imported(order, ACKED, 5)]
    await take(database, ImportEvents(), shop.tenant, late)
    await take(
        database, PaymentEvents(), shop.tenant, [paid(order, 4, "498.80"), paid(order, 5, "100")]
    )
    assert await shop.get(order.id) == seen
    assert await told(database, shop.tenant) == events
    assert await shop.task_kinds(order) == []


async def test_a_newer_report_that_says_the_same_still_guards(
    shop: Shop, database: Database
) -> None:
    order = await shop.placed(an_order())
    await take(database, PaymentEvents(), shop.tenant, [paid(order, 1, "100")])
    seen = await shop.get(order.id)
    await take(database, PaymentEvents(), shop.tenant, [paid(order, 3, "100")])
    assert await shop.get(order.id) == seen
    await take(database, PaymentEvents(), shop.tenant, [paid(order, 2, "200")])
    assert await shop.get(order.id) == seen


async def test_a_blocked_import_is_a_task_until_it_goes_on(shop: Shop, database: Database) -> None:
    order = await shop.placed(an_order())
    await take(database, ImportEvents(), shop.tenant, [blocked(order, 1, "1")])
    request = order_service_pb2.ListOrderTasksRequest(order_id=order.id)
    (task,) = (await shop.call("ListOrderTasks", request)).tasks
    assert task.kind == "order.import_blocked"
    assert "Kladivo tesařské (KLADIVO-1)" in task.summary
    await take(database, ImportEvents(), shop.tenant, [imported(order, ACKED, 2)])
    assert await shop.task_kinds(order) == []
    request.include_resolved = True
    (closed,) = (await shop.call("ListOrderTasks", request)).tasks
    assert closed.resolved_by == "spojka"


async def test_a_person_closes_a_task(shop: Shop, database: Database) -> None:
    order = await shop.placed(an_order())
    await take(database, ImportEvents(), shop.tenant, [blocked(order, 1, "1")])
    tasks = await shop.call("ListOrderTasks", order_service_pb2.ListOrderTasksRequest())
    request = order_service_pb2.ResolveOrderTaskRequest(id=tasks.tasks[0].id)
    resolved = await shop.call("ResolveOrderTask", request)
    assert resolved.task.resolved_by == "operator"
    assert await shop.task_kinds(order) == []


async def test_deliveries_set_the_fulfilment_and_the_status(shop: Shop, database: Database) -> None:
    await shop.create_channel("b2b", delivered="Dodaná")
    placed = an_order()
    placed.channel_id = "b2b"
    order = await shop.placed(placed)
    await take(database, ImportEvents(), shop.tenant, [delivered(order, 1, "1")])
    partly = await shop.get(order.id)
    assert partly.lines[0].delivered == "1"
    assert partly.fulfilment_state == order_pb2.FULFILMENT_STATE_PARTLY_DELIVERED
    await take(database, ImportEvents(), shop.tenant, [delivered(order, 2, "2")])
    whole = await shop.get(order.id)
    assert whole.fulfilment_state == order_pb2.FULFILMENT_STATE_DELIVERED
    assert whole.status == "Dodaná"
    event = (await told(database, shop.tenant))[-1].message
    assert event == events_pb2.OrderStatusChanged(
        tenant_id=str(shop.tenant), order=whole, previous_status=""
    )


async def test_the_warehouses_last_word_completes_an_order(shop: Shop, database: Database) -> None:
    order = await shop.placed(an_order())
    report = delivered(order, 1, "1", complete=True)
    await take(database, ImportEvents(), shop.tenant, [report])
    seen = await shop.get(order.id)
    assert seen.fulfilment_state == order_pb2.FULFILMENT_STATE_DELIVERED


async def test_payments_sum_up_and_set_the_status(shop: Shop, database: Database) -> None:
    await shop.create_channel("b2b", paid="Uhrazená")
    placed = an_order()
    placed.channel_id = "b2b"
    order = await shop.placed(placed)
    await take(database, PaymentEvents(), shop.tenant, [paid(order, 1, "200")])
    assert (await shop.get(order.id)).payment_state == order_pb2.PAYMENT_STATE_PARTIAL
    await take(database, PaymentEvents(), shop.tenant, [paid(order, 2, "498.80")])
    whole = await shop.get(order.id)
    assert (whole.payment_state, whole.status) == (order_pb2.PAYMENT_STATE_PAID, "Uhrazená")
    assert whole.amount_paid == "498.8"
    assert (await shop.history(order))[1:] == [
        "Partly paid: 200 of 498.8 CZK.",
        "Paid: 498.8 of 498.8 CZK. Its status became 'Uhrazená'.",
    ]


async def test_what_is_paid_keeps_its_currency(shop: Shop, database: Database) -> None:
    order = await shop.placed(an_order())
    order.currency = "EUR"
    moved = await shop.amend(order)
    await take(database, PaymentEvents(), shop.tenant, [paid(order, 1, "100", currency="EUR")])
    moved.currency = "CZK"
    with pytest.raises(FailedPrecondition, match="is paid by 100 EUR"):
        await shop.amend(moved)
    await take(database, PaymentEvents(), shop.tenant, [paid(order, 2, "0", currency="EUR")])
    assert (await shop.amend(moved)).currency == "CZK"


async def test_a_report_in_the_currency_before_an_amendment_is_left_aside(
    shop: Shop, database: Database
) -> None:
    """The payments side told it before it learned of the amendment, and tells anew after it."""
    order = await shop.placed(an_order())
    order.currency = "EUR"
    moved = await shop.amend(order)
    await take(database, PaymentEvents(), shop.tenant, [paid(order, 1, "498.80")])
    assert await shop.get(order.id) == moved
    retold = paid(order, 2, "498.80", currency="EUR")
    await take(database, PaymentEvents(), shop.tenant, [retold, paid(order, 1, "498.80")])
    assert (await shop.get(order.id)).payment_state == order_pb2.PAYMENT_STATE_PAID


async def test_money_for_a_cancelled_order_is_a_task(shop: Shop, database: Database) -> None:
    order = await shop.cancel(await shop.placed(an_order()))
    await take(database, PaymentEvents(), shop.tenant, [paid(order, 1, "498.80")])
    seen = await shop.get(order.id)
    assert seen.payment_state == order_pb2.PAYMENT_STATE_UNPAID
    assert seen.amount_paid == "498.8"
    assert await shop.task_kinds(order) == ["order.money_on_cancelled"]
    refund = paid(order, 2, "0", order_pb2.PAYMENT_STATE_REFUNDED)
    await take(database, PaymentEvents(), shop.tenant, [refund])
    assert (await shop.get(order.id)).payment_state == order_pb2.PAYMENT_STATE_REFUNDED
    assert await shop.task_kinds(order) == []


async def test_a_batch_of_many_orders_is_taken_in_one_go(shop: Shop, database: Database) -> None:
    results = await shop.place_many(*[an_order(f"A-{number}") for number in range(50)])
    reports = [
        report
        for result in results
        for report in (imported(result.order, SENT, 1), delivered(result.order, 2, "2"))
    ]
    await take(database, ImportEvents(), shop.tenant, reports)
    for result in results:
        seen = await shop.get(result.order.id)
        assert seen.fulfilment_state == order_pb2.FULFILMENT_STATE_DELIVERED
        assert seen.revision == 3


async def test_a_report_that_can_never_be_taken_is_poison(shop: Shop, database: Database) -> None:
    order = await shop.placed(an_order())
    missing = order_pb2.Order(id=str(uuid4()))
    handlers: list[tuple[Handler, Message]] = [
        (PaymentEvents(), paid(order, 1, "five")),
        (PaymentEvents(), paid(missing, 1, "5")),
        (ImportEvents(), imported(missing, ACKED, 1)),
        (ImportEvents(), imported(order_pb2.Order(id="x"), ACKED, 1)),
        (ImportEvents(), imported(order, order_pb2.IMPORT_STATE_UNSPECIFIED, 1)),
        (ImportEvents(), delivered(order, 1, "many")),
    ]
    for handler, message in handlers:
        with pytest.raises(PoisonError):
            await take(database, handler, shop.tenant, [message])
    assert await shop.get(order.id) == order
