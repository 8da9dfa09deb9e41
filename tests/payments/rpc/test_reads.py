"""Lists of payments, the tasks of the money side, and what other tenants see of them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from payments.ledger.holds import Hold
from spojka.api.payments.v1 import payment_pb2 as pb
from spojka.errors import InvalidArgument, NotFound
from tests.payments.rpc.books import CONNECTION, TABLES, Books
from tests.payments.rpc.desk import Desk

TODAY = datetime.now(UTC).date()


async def test_a_payment_explains_itself(books: Books, desk: Desk) -> None:
    order = await books.order("1000", vs="800100")
    payment = await desk.get(await books.payment("1000", vs="800100"))
    assert payment.status == pb.PAYMENT_STATUS_MATCHED
    taken = [c for run in payment.verdict.runs for c in run.candidates if c.taken]
    assert [c.order_number for c in taken] == [order.number]
    assert taken[0].reason
    assert [(d.actor, d.kind) for d in payment.decisions] == [("spojka", "match")]


async def test_lists_are_cut_into_pages_newest_first(books: Books, desk: Desk) -> None:
    ids = [str(await books.payment(str(amount))) for amount in range(1, 8)][::-1]
    found, token = [], ""
    for size in (3, 3, 1):
        page = await desk.call("ListPayments", page_size=3, page_token=token)
        assert len(page.payments) == size
        found += [payment.id for payment in page.payments]
        token = page.next_page_token
    assert (found, token) == (ids, "")
    for foreign in ("x", "WyJ4Il0"):
        with pytest.raises(InvalidArgument, match="page_token"):
            await desk.list(page_token=foreign)


async def test_every_filter_finds_its_own(books: Books, desk: Desk) -> None:
    order = await books.order("100", vs="800200")
    paying = str(await books.payment("100", vs="800200"))
    held = str(await books.payment("7", hold=Hold.WEAK))
    outgoing = str(await books.payment("8", incoming=False))
    every = {paying, held, outgoing}
    tomorrow, yesterday = TODAY + timedelta(days=1), TODAY - timedelta(days=1)
    cases: list[tuple[dict[str, Any], set[str]]] = [
        ({}, every),
        ({"status": pb.PAYMENT_STATUS_MATCHED}, {paying}),
        ({"status": pb.PAYMENT_STATUS_OUTGOING}, {outgoing}),
        ({"connection_id": str(CONNECTION)}, every),
        ({"connection_id": str(uuid4())}, set()),
        ({"variable_symbol": "800200"}, {paying}),
        ({"variable_symbol": "0000800200"}, {paying}),
        ({"variable_symbol": "1"}, set()),
        ({"order_id": order.id}, {paying}),
        ({"order_id": str(uuid4())}, set()),
        ({"value_date_from": str(TODAY), "value_date_to": str(TODAY)}, every),
        ({"value_date_from": str(tomorrow)}, set()),
        ({"value_date_to": str(yesterday)}, set()),
        ({"needs_person": True}, {held}),
        ({"needs_person": True, "status": pb.PAYMENT_STATUS_MATCHED}, set()),
    ]
    for fields, wanted in cases:
        assert {payment.id for payment in await desk.list(**fields)} == wanted, fields


async def test_a_list_leaves_out_what_each_criterion_found(books: Books, desk: Desk) -> None:
    await books.payment("1", vs="800300")
    (payment,) = await desk.list()
    assert payment.verdict.summary
    assert not payment.verdict.runs


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"variable_symbol": "000"}, "variable_symbol: is made of zeros"),
        ({"variable_symbol": "12a"}, "variable_symbol"),
        ({"value_date_from": "2026-02-30"}, "value_date_from"),
        (
            {"value_date_from": "2026-03-01", "value_date_to": "2026-02-01"},
            "value_date_to: is before value_date_from",
        ),
        ({"status": 99}, "status"),
        ({"order_id": "x"}, "order_id"),
    ],
)
async def test_a_filter_that_makes_no_sense_is_named(
    desk: Desk, fields: dict[str, Any], names: str
) -> None:
    with pytest.raises(InvalidArgument, match=names):
        await desk.list(**fields)


async def test_tasks_are_listed_and_resolved(books: Books, desk: Desk) -> None:
    await books.order("100", vs="800400")
    await books.payment("130", vs="800400")
    (task,) = (await desk.call("ListPaymentTasks")).tasks
    assert task.kind == "payments.overpaid"
    resolved = (await desk.call("ResolvePaymentTask", id=task.id)).task
    assert resolved.resolved_by == "jana"
    assert not (await desk.call("ListPaymentTasks")).tasks
    (kept,) = (await desk.call("ListPaymentTasks", include_resolved=True)).tasks
    assert kept == resolved
    with pytest.raises(NotFound):
        await desk.call("ResolvePaymentTask", id=str(uuid4()))


async def test_another_tenant_reaches_nothing(books: Books, desk: Desk) -> None:
    order = await books.order("100", vs="800500")
    payment_id = await books.payment("130", vs="800500")
    held = await books.payment("5", hold=Hold.NEW_SENDER)
    rules = (await desk.call("GetMatchingRules")).rules
    rules.reuse_after_days = 77
    await desk.call("UpdateMatchingRules", rules=rules)
    (task, _) = (await desk.call("ListPaymentTasks")).tasks
    before = await books.contents()
    thief = desk.as_tenant(uuid4())
    share = {"order_id": order.id}
    attempts: list[tuple[str, dict[str, Any]]] = [
        ("GetPayment", {"id": str(payment_id)}),
        ("ConfirmPayment", {"id": str(held)}),
        ("MatchPayment", {"id": str(payment_id), "shares": [share]}),
        ("UnmatchPayment", {"id": str(payment_id)}),
        ("CreditPayment", {"id": str(payment_id)}),
        ("DiscardPayment", {"id": str(payment_id), "reason": "x"}),
        ("NeverPair", {"id": str(payment_id), "order_id": order.id}),
        ("UndoDecision", {"id": str(payment_id)}),
        ("ResolvePaymentTask", {"id": task.id}),
    ]
    for method, fields in attempts:
        with pytest.raises(NotFound):
            await thief.call(method, **fields)
    own = await Books(books.database, thief.identity.tenant).payment("100")
    with pytest.raises(NotFound, match="there is no order"):
        await thief.match(own, order.id)
    assert [payment.id for payment in await thief.list()] == [str(own)]
    assert not await thief.list(order_id=order.id)
    assert not (await thief.call("ListPaymentTasks", include_resolved=True)).tasks
    assert (await thief.call("GetMatchingRules")).rules.reuse_after_days != 77
    tried = await thief.call("TryMatchingRules", rules=rules)
    assert tried.tried == 1
    assert await books.contents() == before


async def test_sql_without_a_tenant_sees_nothing(books: Books, desk: Desk) -> None:
    order = await books.order("100", vs="800600")
    await desk.decide("NeverPair", await books.payment("130", vs="800600"), order_id=order.id)
    async with books.database.infrastructure() as connection:
        for table in TABLES:
            if table == "recheck":  # Work of all tenants: ids alone.
                continue
            cursor = await connection.execute(f"SELECT count(*) FROM {table}".encode())
            assert await cursor.fetchone() == (0,), table
