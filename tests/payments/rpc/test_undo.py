"""Undoing each decision puts the stored state back as it was."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from payments.ledger.holds import Hold
from spojka.api.payments.v1 import payment_pb2 as pb
from spojka.errors import FailedPrecondition
from tests.payments.rpc.books import Books
from tests.payments.rpc.desk import Desk, Payment


async def state(books: Books) -> Mapping[str, Any]:
    """What stands, without the history of how it came to stand so."""
    return {
        "payments": await books.rows(
            "SELECT id, status, allocated, credited, needs_person, decided_by, hold, value"
            " FROM payment ORDER BY id"
        ),
        "orders": await books.rows(
            "SELECT order_id, paid, payment_state, close_time IS NULL FROM payable"
            " ORDER BY order_id"
        ),
        "given": await books.rows(
            "SELECT payment_id, order_id, sum(amount) FROM allocation"
            " GROUP BY payment_id, order_id HAVING sum(amount) <> 0 ORDER BY 1, 2"
        ),
        "ruled out": await books.rows("SELECT payment_id, order_id FROM never_pair ORDER BY 1, 2"),
        "senders": await books.rows("SELECT address_id, bank, sender_domain FROM confirmed_sender"),
        "payers": await books.rows("SELECT * FROM payer WHERE times <> 0 ORDER BY 2, 3"),
        "tasks": await books.rows(
            "SELECT kind, subject, summary FROM task WHERE resolve_time IS NULL ORDER BY 1, 2"
        ),
    }


DECISIONS: Mapping[str, Callable[[str], Mapping[str, Any]]] = {
    "MatchPayment": lambda order_id: {"shares": [{"order_id": order_id, "amount": "300"}]},
    "UnmatchPayment": lambda _: {},
    "CreditPayment": lambda _: {},
    "NeverPair": lambda order_id: {"order_id": order_id},
}


@pytest.mark.parametrize("method", DECISIONS)
@pytest.mark.parametrize("by_hand", [True, False])
async def test_a_decision_on_a_payment_that_pays_is_undone(
    books: Books, desk: Desk, method: str, by_hand: bool
) -> None:
    order, other = await books.order("700", vs="700100", email="a@b.cz"), await books.order("900")
    payment_id = await books.payment("1000", vs="" if by_hand else "700100", account="19-1/0100")
    if by_hand:
        await desk.match(payment_id, order.id)
    assert await books.paid(order) == 700
    before = await state(books)
    target = other.id if method == "MatchPayment" else order.id
    decided = await desk.decide(method, payment_id, **DECISIONS[method](target))
    assert await state(books) != before
    undone = await desk.undo(payment_id)
    assert await state(books) == before
    assert await books.paid(order) == 700
    assert undone.decisions[-1].kind == "undo"
    assert undone.decisions[-1].undoes_id == decided.decisions[-1].id
    await books.check_money()


async def test_discarding_is_undone(books: Books, desk: Desk) -> None:
    payment_id = await books.payment("10")
    before = await state(books)
    await desk.decide("DiscardPayment", payment_id, reason="x")
    await desk.undo(payment_id)
    assert await state(books) == before


@pytest.mark.parametrize("hold", [hold for hold in Hold if hold])
async def test_confirming_is_undone_with_what_came_of_it(
    books: Books, desk: Desk, hold: Hold
) -> None:
    orders = [await books.order("100", vs=f"71000{place}") for place in range(3)]
    ids = [
        await books.payment("100", vs=f"71000{place}", hold=hold, decided=False)
        for place in range(3)
    ]
    before = await state(books)
    await desk.decide("ConfirmPayment", ids[0])
    await books.recheck()
    paid = [await books.paid(order) for order in orders]
    assert paid == ([100, 100, 100] if hold is Hold.NEW_SENDER else [100, 0, 0])
    await desk.undo(ids[0])
    assert await state(books) == before
    await books.recheck()
    assert await state(books) == before
    await desk.decide("ConfirmPayment", ids[1])
    await books.recheck()
    assert await books.paid(orders[1]) == 100


async def test_decisions_are_undone_one_by_one(books: Books, desk: Desk) -> None:
    order, payment_id = await books.order("1000"), await books.payment("1000")
    states = [await state(books)]
    for method in ("MatchPayment", "CreditPayment", "UnmatchPayment", "NeverPair"):
        await desk.decide(method, payment_id, **DECISIONS[method](order.id))
        states.append(await state(books))
    states.pop()
    while states:
        payment = await desk.undo(payment_id)
        assert await state(books) == states.pop()
    assert [d.kind for d in payment.decisions][4:] == ["undo"] * 4
    with pytest.raises(FailedPrecondition, match="none to undo"):
        await desk.undo(payment_id)
    assert (await desk.match(payment_id, order.id)).status == pb.PAYMENT_STATUS_MATCHED
    await desk.undo(payment_id)


async def test_an_undo_says_which_order_was_paid_otherwise_since(books: Books, desk: Desk) -> None:
    order = await books.order("1000")
    first, second = await books.payment("1000"), await books.payment("1000")
    await desk.match(first, order.id)
    await desk.decide("UnmatchPayment", first)
    await desk.match(second, order.id)
    before = await books.contents()
    with pytest.raises(FailedPrecondition, match=f"order {order.number} was changed or paid"):
        await desk.undo(first)
    assert await books.contents() == before


async def test_an_undo_says_that_an_order_was_cancelled_since(books: Books, desk: Desk) -> None:
    order, payment_id = await books.order("1000"), await books.payment("1000")
    await desk.match(payment_id, order.id)
    await desk.decide("UnmatchPayment", payment_id)
    await books.cancel(order)
    with pytest.raises(FailedPrecondition, match="cancelled since"):
        await desk.undo(payment_id)


async def test_an_order_cancelled_since_gives_money_back(books: Books, desk: Desk) -> None:
    order, payment_id = await books.order("1000"), await books.payment("1000")
    await desk.match(payment_id, order.id)
    await books.cancel(order)
    assert (await desk.undo(payment_id)).status == pb.PAYMENT_STATUS_UNMATCHED
    assert await books.paid(order) == 0


async def test_a_confirmation_is_not_undone_over_another_persons_decision(
    books: Books, desk: Desk
) -> None:
    first, second = [await books.payment("1", hold=Hold.NEW_SENDER) for _ in range(2)]
    await desk.decide("ConfirmPayment", first)
    petr = desk.as_person("petr")
    await petr.decide("DiscardPayment", second, reason="not ours")
    with pytest.raises(FailedPrecondition, match=r"petr decided: Laid aside: not ours") as refused:
        await desk.undo(first)
    assert str(second) in refused.value.message
    await petr.undo(second)
    payment: Payment = await desk.undo(first)
    assert payment.status == pb.PAYMENT_STATUS_UNCONFIRMED
    assert (await desk.get(second)).status == pb.PAYMENT_STATUS_UNCONFIRMED
    assert not await books.rows("SELECT FROM confirmed_sender")


async def test_decisions_are_undone_in_their_order_whatever_the_clocks_say(
    books: Books, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids begin with the time of the process that decides: each of these is behind the last."""
    clock = iter(range(time.time_ns(), 0, -1_000_000_000))
    monkeypatch.setattr("spojka.outbox.time.time_ns", lambda: next(clock))
    order, other = await books.order("300"), await books.order("700")
    payment_id = await books.payment("1000")
    await desk.match(payment_id, order.id)
    await desk.match(payment_id, other.id)
    payment = await desk.decide("UnmatchPayment", payment_id)
    kinds = ["match", "match", "unmatch"]
    assert [each.kind for each in payment.decisions] == kinds
    ids = [each.id for each in payment.decisions]
    assert ids == sorted(ids, reverse=True)
    lines = [line.amount.amount for line in payment.allocations]
    assert (lines[:2], sorted(lines[2:])) == (["300", "700"], ["-300", "-700"])
    await desk.undo(payment_id)
    assert [await books.paid(each) for each in (order, other)] == [300, 700]
    await desk.undo(payment_id)
    assert [await books.paid(each) for each in (order, other)] == [300, 0]
    payment = await desk.undo(payment_id)
    assert await books.paid(order) == 0
    kinds = [*kinds, "undo", "undo", "undo"]
    assert [each.kind for each in payment.decisions] == kinds
    undone = [each.undoes_id for each in payment.decisions[3:]]
    assert undone == [ids[2], ids[1], ids[0]]
