"""People's decisions over gRPC, with the refusals of each."""

from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from payments.ledger.holds import Hold
from spojka.api.orders.v1 import order_pb2
from spojka.api.payments.v1 import events_pb2
from spojka.api.payments.v1 import payment_pb2 as pb
from spojka.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from tests.payments.rpc.books import Books
from tests.payments.rpc.desk import Desk


async def test_a_match_pays_the_order_as_spojkas_own_does(books: Books, desk: Desk) -> None:
    by_hand, by_itself = await books.order("500"), await books.order("500", vs="4711")
    payment = await desk.match(await books.payment("500"), by_hand.id)
    await books.payment("500", vs="4711")
    assert payment.status == pb.PAYMENT_STATUS_MATCHED
    assert (payment.unallocated, payment.decisions[-1].actor) == ("0", "jana")
    assert payment.decisions[-1].kind == "match"
    assert [(a.order_id, a.amount.amount, a.actor) for a in payment.allocations] == [
        (by_hand.id, "500", "jana")
    ]
    states = []
    for order in (by_hand, by_itself):
        assert await books.paid(order) == 500
        (event,) = await books.events(events_pb2.OrderPaymentChanged, order.id)
        states.append((event.revision, event.amount_paid, event.payment_state))
        assert len(event.payment_ids) == 1
    assert states[0] == states[1]
    (matched,) = await books.events(events_pb2.PaymentMatched, payment.id)
    assert matched.payment.allocations[0].order_id == by_hand.id
    await books.check_money()


async def test_a_payment_is_split_and_its_rest_is_credited(books: Books, desk: Desk) -> None:
    first, second = await books.order("300"), await books.order("400")
    payment_id = await books.payment("1000")
    payment = await desk.match(payment_id, (first.id, "300"), second.id)
    assert (payment.status, payment.unallocated) == (pb.PAYMENT_STATUS_OVERPAID, "300")
    assert payment.decisions[-1].summary.endswith("300.00 CZK of the payment is left.")
    assert [p.id for p in await desk.list(needs_person=True)] == [str(payment_id)]
    payment = await desk.decide("CreditPayment", payment_id)
    assert (payment.status, payment.credited) == (pb.PAYMENT_STATUS_MATCHED, "300")
    assert not await desk.list(needs_person=True)
    payment = await desk.decide("UnmatchPayment", payment_id)
    assert (payment.status, payment.credited) == (pb.PAYMENT_STATUS_UNMATCHED, "300")
    assert payment.unallocated == "700"
    assert not await books.paid(first)
    assert not await books.paid(second)
    await books.check_money()


async def test_more_than_is_owed_needs_the_amount_said(books: Books, desk: Desk) -> None:
    order, payment_id = await books.order("900"), await books.payment("1000")
    assert (await desk.match(payment_id, order.id)).unallocated == "100"
    with pytest.raises(FailedPrecondition, match="owes nothing; say the amount"):
        await desk.match(payment_id, order.id)
    payment = await desk.match(payment_id, (order.id, "100"))
    assert payment.status == pb.PAYMENT_STATUS_MATCHED
    assert "over-paid by 100.00 CZK" in payment.decisions[-1].summary
    event = (await books.events(events_pb2.OrderPaymentChanged, order.id))[-1]
    assert event.payment_state == order_pb2.PAYMENT_STATE_OVERPAID


async def test_a_person_may_choose_an_order_that_awaits_no_transfer(
    books: Books, desk: Desk
) -> None:
    order = await books.order(
        "70", vs="123456", payment_method=order_pb2.PAYMENT_METHOD_CASH_ON_DELIVERY
    )
    payment_id = await books.payment("70", vs="123456")
    assert (await desk.get(payment_id)).status == pb.PAYMENT_STATUS_UNMATCHED
    assert (await desk.match(payment_id, order.id)).status == pb.PAYMENT_STATUS_MATCHED
    assert await books.paid(order) == 70


async def test_what_a_match_refuses(books: Books, desk: Desk) -> None:
    payment_id = await books.payment("100")
    order, euros, cancelled = (
        await books.order("100"),
        await books.order("100", currency="EUR"),
        await books.order("100"),
    )
    await books.cancel(cancelled)
    outgoing = await books.payment("100", incoming=False)
    before = await books.contents()
    for shares, says in (
        ([cancelled.id], "place the order anew"),
        ([euros.id], "is in EUR, the payment in CZK"),
        ([(order.id, "100.01")], "only 100.00 CZK of the payment is left"),
    ):
        with pytest.raises(FailedPrecondition, match=says):
            await desk.match(payment_id, *shares)
    for amount in ("0", "-5", "1e3", "x"):
        with pytest.raises(InvalidArgument, match=r"shares\[0\].amount"):
            await desk.match(payment_id, (order.id, amount))
    for shares in ([], [order.id, order.id], [order.id] * 101, ["no-uuid"]):
        with pytest.raises(InvalidArgument, match="shares"):
            await desk.match(payment_id, *shares)
    with pytest.raises(NotFound, match="there is no order"):
        await desk.match(payment_id, uuid4())
    with pytest.raises(FailedPrecondition, match="written down only"):
        await desk.match(outgoing, order.id)
    assert await books.contents() == before


async def test_the_same_request_matches_once(books: Books, desk: Desk) -> None:
    order, payment_id = await books.order("1000"), await books.payment("1000")
    request_id = str(uuid4())
    first = await desk.match(payment_id, (order.id, "400"), request_id=request_id)
    again = await desk.match(payment_id, (order.id, "400"), request_id=request_id)
    assert first == again
    assert await books.paid(order) == 400
    with pytest.raises(AlreadyExists, match="another request"):
        await desk.match(payment_id, (order.id, "401"), request_id=request_id)


@pytest.mark.parametrize("method", ["UnmatchPayment", "CreditPayment", "DiscardPayment"])
async def test_a_decision_that_stands_is_not_made_twice(
    books: Books, desk: Desk, method: str
) -> None:
    order, payment_id = await books.order("1000"), await books.payment("1000")
    if method == "UnmatchPayment":
        await desk.match(payment_id, order.id)
    fields = {"reason": "a test of the bank"} if method == "DiscardPayment" else {}
    first = await desk.decide(method, payment_id, **fields)
    assert await desk.decide(method, payment_id, **fields) == first


async def test_an_undo_that_is_repeated_takes_back_one_decision(books: Books, desk: Desk) -> None:
    order, payment_id = await books.order("1000"), await books.payment("1000")
    await desk.match(payment_id, order.id)
    await desk.decide("UnmatchPayment", payment_id)
    request_id = str(uuid4())
    first = await desk.undo(payment_id, request_id)
    assert first.status == pb.PAYMENT_STATUS_MATCHED
    assert await desk.undo(payment_id, request_id) == first
    again = await desk.undo(payment_id, str(uuid4()))
    assert again.status == pb.PAYMENT_STATUS_UNMATCHED


async def test_what_the_other_decisions_refuse(books: Books, desk: Desk) -> None:
    order, payment_id = await books.order("1000"), await books.payment("1000")
    outgoing = await books.payment("5", incoming=False)
    for method, says in (
        ("UnmatchPayment", "given to no order"),
        ("ConfirmPayment", "waits for no confirmation"),
        ("UndoDecision", "none to undo"),
    ):
        with pytest.raises(FailedPrecondition, match=says):
            await desk.decide(method, payment_id)
    with pytest.raises(FailedPrecondition, match="waits for nobody"):
        await desk.decide("DiscardPayment", outgoing, reason="x")
    with pytest.raises(InvalidArgument, match="reason: is required"):
        await desk.decide("DiscardPayment", payment_id)
    with pytest.raises(NotFound, match="there is no order"):
        await desk.decide("NeverPair", payment_id, order_id=str(uuid4()))
    await desk.match(payment_id, order.id)
    with pytest.raises(FailedPrecondition, match="unmatch it or undo the credit first"):
        await desk.decide("DiscardPayment", payment_id, reason="x")
    with pytest.raises(FailedPrecondition, match="nothing of the payment is left"):
        await desk.decide("CreditPayment", payment_id)
    await desk.decide("UnmatchPayment", payment_id)
    await desk.decide("DiscardPayment", payment_id, reason="came by mistake")
    with pytest.raises(FailedPrecondition, match="undo that decision"):
        await desk.match(payment_id, order.id)
    with pytest.raises(FailedPrecondition, match="another reason"):
        await desk.decide("DiscardPayment", payment_id, reason="y")


async def test_a_discarded_payment_waits_for_nobody(books: Books, desk: Desk) -> None:
    payment_id = await books.payment("5")
    payment = await desk.decide("DiscardPayment", payment_id, reason="the bank's test penny")
    assert payment.status == pb.PAYMENT_STATUS_DISCARDED
    assert payment.decisions[-1].summary == "Laid aside: the bank's test penny"
    assert not await desk.list(needs_person=True)


async def test_automation_leaves_a_persons_decision_alone(books: Books, desk: Desk) -> None:
    order = await books.order("1000", vs="555001")
    payment_id = await books.payment("1000", vs="555001")
    assert await books.paid(order) == 1000
    await desk.decide("UnmatchPayment", payment_id)
    await books.recheck()
    await books.tell(order)
    await books.recheck()
    assert (await desk.get(payment_id)).status == pb.PAYMENT_STATUS_UNMATCHED
    assert await books.paid(order) == 0


async def test_a_pair_that_is_ruled_out_stays_so_and_others_are_found(
    books: Books, desk: Desk
) -> None:
    order = await books.order("1000", vs="555002")
    payment_id = await books.payment("1000", vs="555002")
    payment = await desk.decide("NeverPair", payment_id, order_id=order.id)
    assert payment.status == pb.PAYMENT_STATUS_UNMATCHED
    await books.recheck()
    assert await books.paid(order) == 0
    other = await books.order("1000", vs="555002")
    await books.recheck()
    assert not await books.paid(order)
    assert await books.paid(other) == 1000
    again = await desk.decide("NeverPair", payment_id, order_id=order.id)
    assert len([d for d in again.decisions if d.kind == "never_pair"]) == 1


async def test_a_match_by_hand_is_a_newer_word_than_never(books: Books, desk: Desk) -> None:
    order, payment_id = await books.order("1000"), await books.payment("1000")
    await desk.decide("NeverPair", payment_id, order_id=order.id)
    await desk.match(payment_id, order.id)
    assert not await books.rows("SELECT FROM never_pair")
    await desk.undo(payment_id)
    assert await books.rows("SELECT order_id FROM never_pair") == [(UUID(order.id),)]


async def test_the_first_of_a_sender_lets_the_others_go(books: Books, desk: Desk) -> None:
    orders = [await books.order("100", vs=f"60000{place}") for place in range(3)]
    first, second = [
        await books.payment("100", vs=f"60000{place}", hold=Hold.NEW_SENDER) for place in range(2)
    ]
    weak = await books.payment("100", vs="600002", hold=Hold.WEAK)
    payment = await desk.decide("ConfirmPayment", first)
    assert payment.status == pb.PAYMENT_STATUS_MATCHED
    assert [d.kind for d in payment.decisions] == ["confirm", "match"]
    assert [d.actor for d in payment.decisions] == ["jana", "spojka"]
    assert "1 other payment" in payment.decisions[0].summary
    await books.recheck()
    assert [await books.paid(order) for order in orders] == [100, 100, 0]
    assert (await desk.get(second)).status == pb.PAYMENT_STATUS_MATCHED
    assert (await desk.get(weak)).status == pb.PAYMENT_STATUS_UNCONFIRMED
    assert await books.rows("SELECT bank, sender_domain FROM confirmed_sender") == [
        ("fio_cz", "fio.cz")
    ]
    assert await desk.decide("ConfirmPayment", first) == payment


@pytest.mark.parametrize("hold", [Hold.WEAK, Hold.REVIEW, Hold.LIMIT, Hold.HOURLY_CAP, Hold.TWIN])
async def test_any_other_hold_is_let_go_alone(books: Books, desk: Desk, hold: Hold) -> None:
    order = await books.order("100", vs="600009")
    payment_id, other = [await books.payment("100", vs="600009", hold=hold) for _ in range(2)]
    payment = await desk.decide("ConfirmPayment", payment_id)
    assert payment.status == pb.PAYMENT_STATUS_MATCHED
    await books.recheck()
    assert (await desk.get(other)).status == pb.PAYMENT_STATUS_UNCONFIRMED
    assert not await books.rows("SELECT FROM confirmed_sender")
    assert await books.paid(order) == Decimal(100)
