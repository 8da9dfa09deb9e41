"""The same and contrary decisions at the same time over gRPC, and requests that are repeated."""

from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from random import Random
from uuid import uuid4

import pytest

from spojka.api.orders.v1 import order_pb2
from spojka.api.payments.v1 import payment_pb2 as pb
from spojka.api.payments.v1.payment_service_pb2 import MatchingRules
from spojka.database import Database
from spojka.errors import AlreadyExists, Conflict, FailedPrecondition
from tests.at_once import Act, at_once
from tests.payments.till import Till, open_till

ROUNDS = 6


@pytest.fixture
async def till(database: Database) -> AsyncIterator[Till]:
    async with open_till(database) as till:
        yield till


async def contend(random: Random, *acts: Act) -> None:
    """Run all at once; each may be refused, but must not fail."""

    async def refusable(act: Act) -> None:
        with suppress(FailedPrecondition, Conflict):
            await act()

    await at_once(random, [partial(refusable, act) for act in acts])


async def test_one_request_that_comes_three_times_at_once_is_done_once(till: Till) -> None:
    random = Random(70)
    order = await till.order("1", "5000")
    for _ in range(ROUNDS):
        payment = await till.payment("")
        request_id = str(uuid4())
        match = partial(till.desk.match, payment.id, (order.id, "10"), request_id=request_id)
        await at_once(random, [match, match, match])
        assert (await till.desk.get(payment.id)).unallocated == "90"
        await till.desk.decide("CreditPayment", payment.id)
        undo = partial(till.desk.undo, payment.id, request_id)
        await at_once(random, [undo, undo, undo])
        # The credit alone was taken back.
        found = await till.desk.get(payment.id)
        assert (found.unallocated, found.credited) == ("90", "0")
    await till.audit()


async def test_a_refused_request_may_be_made_again_under_its_id(till: Till) -> None:
    order, payment = await till.order("2026001"), await till.payment("")
    await till.cancel(order)
    request_id = str(uuid4())
    with pytest.raises(FailedPrecondition, match="is cancelled"):
        await till.desk.match(payment.id, order.id, request_id=request_id)
    await till.amend(order, fulfilment_state=order_pb2.FULFILMENT_STATE_OPEN)
    first = await till.desk.match(payment.id, order.id, request_id=request_id)
    await till.desk.decide("UnmatchPayment", payment.id)
    # An answer that was lost is given again as it was, and nothing is done.
    assert await till.desk.match(payment.id, order.id, request_id=request_id) == first
    assert await till.paid(order) == ["0 UNPAID"]
    with pytest.raises(AlreadyExists):
        await till.desk.match(payment.id, (order.id, "100"), request_id=request_id)
    await till.audit()


async def test_two_people_confirm_one_payment_or_two_of_one_sender_at_once(till: Till) -> None:
    random = Random(71)
    petr = till.desk.as_person("petr")
    for place in range(ROUNDS):
        orders = [await till.order(f"8{place}00{each}") for each in range(3)]
        held = [
            await till.payment(order.number, sender_domain=f"d{place}.example", bank="kb")
            for order in orders
        ]
        second = held[place % 2].id
        await contend(
            random,
            partial(till.desk.decide, "ConfirmPayment", held[0].id),
            partial(petr.decide, "ConfirmPayment", second),
        )
        await till.scene.recheck()
        assert await till.paid(*orders) == ["100 PAID"] * 3
        decisions = [each for one in held for each in (await till.desk.get(one.id)).decisions]
        assert [each.kind for each in decisions].count("confirm") == 1
    assert not await till.tasks()
    await till.audit()


async def test_contrary_decisions_at_once_leave_one_of_them(till: Till) -> None:
    random = Random(72)
    for place in range(ROUNDS):
        order = await till.order(f"7{place}001", "60")
        payment = await till.payment("")
        await contend(
            random,
            partial(till.desk.match, payment.id, order.id),
            partial(till.desk.decide, "CreditPayment", payment.id),
            partial(till.desk.decide, "DiscardPayment", payment.id, reason="x"),
            partial(till.desk.decide, "NeverPair", payment.id, order_id=order.id),
        )
        found = await till.desk.get(payment.id)
        if found.status == pb.PAYMENT_STATUS_DISCARDED:
            assert (found.unallocated, found.credited) == ("100", "0")
        await till.audit()


async def test_an_undo_beside_the_orders_amendment_and_cancellation(till: Till) -> None:
    random = Random(73)
    for place in range(ROUNDS):
        order = await till.order(f"6{place}001")
        payment = await till.payment(order.number)
        await till.desk.decide("UnmatchPayment", payment.id)
        change = till.cancel(order) if place % 2 else till.amend(order, total="99.99")

        async def changes(change: object = change) -> None:
            await change  # type: ignore[misc]

        await contend(random, partial(till.desk.undo, payment.id), changes)
        await till.audit()


async def test_rules_set_by_two_people_at_once_are_two_revisions(till: Till) -> None:
    random = Random(74)
    await till.order("2026001", "100.40")
    payment = await till.payment("2026001")
    assert payment.status == pb.PAYMENT_STATUS_PARTIAL
    wanted = []
    for days in (10, 20, 30):
        rules = MatchingRules(reuse_after_days=days, criteria=[pb.CRITERION_ORDER_NUMBER])
        wanted.append(rules)
    await at_once(
        random, [partial(till.desk.call, "UpdateMatchingRules", rules=each) for each in wanted]
    )
    held = (await till.desk.call("GetMatchingRules")).rules
    assert held.revision == len(wanted)
    assert held.reuse_after_days in {10, 20, 30}
    await till.audit()
