"""Pages of payments and of tasks over gRPC, while people decide between one page and the next."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from spojka.api.mail.v1 import events_pb2 as mail
from spojka.api.payments.v1 import payment_pb2 as pb
from spojka.database import Database
from spojka.errors import InvalidArgument
from tests.payments.till import Till, open_till


@pytest.fixture
async def till(database: Database) -> AsyncIterator[Till]:
    async with open_till(database) as till:
        yield till


async def page(till: Till, method: str, token: str, **fields: Any) -> tuple[list[Any], str]:
    answer = await till.desk.call(method, page_token=token, **fields)
    listed = answer.payments if method == "ListPayments" else answer.tasks
    return list(listed), answer.next_page_token


async def test_pages_with_filters_go_on_below_a_payment_that_left_the_list(till: Till) -> None:
    """The last payment of a page is decided about, and a new one comes, before the next page."""
    await till.order("2026009", "5000")
    ids = []
    for place in range(8):
        fields = {"value_date": "2026-11-03"} if place == 3 else {}
        ids.append((await till.payment("2026001", "10", **fields)).id)
        await till.payment("2026009", "10")
    wanted = {
        "needs_person": True,
        "variable_symbol": "0002026001",
        "status": pb.PAYMENT_STATUS_UNMATCHED,
        "value_date_from": "2026-11-01",
        "value_date_to": "2026-11-02",
        "connection_id": str(till.scene.connection_id).upper(),
        "page_size": 4,
    }
    del ids[3]
    first, token = await page(till, "ListPayments", "", **wanted)
    assert [each.id for each in first] == ids[:2:-1]
    await till.desk.decide("DiscardPayment", first[-1].id, reason="a test of the bank")
    await till.payment("2026001", "10")
    second, token = await page(till, "ListPayments", token, **wanted | {"page_size": 3})
    assert ([each.id for each in second], token) == (ids[2::-1], "")
    seen, last = await page(till, "ListPayments", "", **wanted | {"page_size": 2**32 - 1})
    assert (len(seen), last) == (7, "")


async def test_an_orders_payments_are_listed_page_by_page_whatever_became_of_them(
    till: Till,
) -> None:
    order, other = await till.order("2026001", "40"), await till.order("2026002", "60")
    ids = [(await till.payment("2026001", "10")).id for _ in range(4)]
    await till.desk.decide("UnmatchPayment", ids[0])
    await till.desk.decide("NeverPair", ids[1], order_id=order.id)
    await till.scene.recheck()
    await till.desk.match(ids[1], other.id)
    found, token = await page(till, "ListPayments", "", order_id=order.id, page_size=2)
    rest, end = await page(till, "ListPayments", token, order_id=order.id, page_size=2)
    assert ([each.id for each in found + rest], end) == (ids[::-1], "")
    alone, _ = await page(
        till, "ListPayments", "", order_id=order.id, status=pb.PAYMENT_STATUS_UNMATCHED
    )
    assert [each.id for each in alone] == [ids[0]]
    assert await till.paid(order, other) == ["20 PARTIAL", "10 PARTIAL"]
    await till.audit()


async def test_a_token_of_one_list_leads_nowhere_in_the_other(till: Till) -> None:
    for _ in range(2):
        await till.payment("", "10")
    _, token = await page(till, "ListPayments", "", page_size=1)
    tasks, end = await page(till, "ListPaymentTasks", token)
    assert (tasks, end) == ([], "")
    for bad in (token + "x", "e30", "WyIiXQ", "W10"):
        for method in ("ListPayments", "ListPaymentTasks"):
            with pytest.raises(InvalidArgument, match="page_token"):
                await page(till, method, bad)


async def test_tasks_are_paged_resolved_between_pages_and_opened_anew(till: Till) -> None:
    order = await till.order("2026001")
    payment = await till.payment("2026001", "130")
    await till.desk.match(payment.id, (order.id, "10"))
    await till.payment("", trust=mail.TRUST_WEAK)
    (weak,), token = await page(till, "ListPaymentTasks", "", page_size=1)
    assert weak.kind == "payments.unconfirmed.weak"
    same, _ = await page(till, "ListPaymentTasks", token, page_size=2)
    await till.desk.call("ResolvePaymentTask", id=weak.id)
    rest, end = await page(till, "ListPaymentTasks", token, page_size=2)
    assert [each.kind for each in rest] == ["payments.order_overpaid", "payments.overpaid"]
    assert (same, end) == (rest, "")
    for each in rest:
        await till.desk.as_person("petr").call("ResolvePaymentTask", id=each.id)
        again = (await till.desk.call("ResolvePaymentTask", id=each.id)).task
        assert again.resolved_by == "petr"
    assert not await till.tasks()
    # What was resolved by a person comes back where it gets worse.
    await till.desk.match(payment.id, (order.id, "5"))
    await till.payment("", "7", trust=mail.TRUST_WEAK)
    tasks = await till.tasks()
    assert "115 of 100 CZK" in tasks["payments.order_overpaid"]
    assert "15 CZK" in tasks["payments.overpaid"]
    assert "payments.unconfirmed.weak" in tasks
    every, _ = await page(till, "ListPaymentTasks", "", include_resolved=True)
    assert len(every) == 6
    await till.audit()


async def test_a_list_says_what_may_be_done_and_leaves_out_how_it_was_found(till: Till) -> None:
    order = await till.order("20260017")
    await till.payment("20260071")
    (listed,), _ = await page(till, "ListPayments", "")
    assert [list(each.order_ids) for each in listed.verdict.suggestions] == [[order.id]]
    assert not listed.verdict.runs
    assert (await till.desk.get(listed.id)).verdict.runs
