"""Tolerances beside payments that pay already, over gRPC."""

from collections.abc import AsyncIterator

import pytest

from spojka.api.payments.v1 import payment_pb2 as pb
from spojka.api.payments.v1.payment_service_pb2 import MatchingRules
from spojka.database import Database
from spojka.errors import FailedPrecondition
from tests.payments.till import Till, open_till


@pytest.fixture
async def till(database: Database) -> AsyncIterator[Till]:
    async with open_till(database) as till:
        yield till


async def test_a_little_too_much_within_the_tolerance_stands_up_to_an_audit(till: Till) -> None:
    await till.tolerate("1")
    order = await till.order("2026001")
    payment = await till.payment("2026001", "100.50")
    assert (payment.status, payment.unallocated) == (pb.PAYMENT_STATUS_MATCHED, "0.5")
    assert await till.paid(order) == ["100 PAID"]
    assert not await till.tasks()
    await till.audit()


async def test_a_little_too_much_is_the_same_whoever_matches_it(till: Till) -> None:
    await till.tolerate("1")
    await till.order("2026001")
    by_hand = await till.order("2026002")
    automatic = await till.payment("2026001", "100.50")
    manual = await till.payment("", "100.50")
    manual = await till.desk.match(manual.id, by_hand.id)
    assert (manual.status, manual.unallocated) == (automatic.status, automatic.unallocated)
    assert not await till.tasks()


async def test_a_little_too_much_is_kept_as_credit_and_undone(till: Till) -> None:
    await till.tolerate("1")
    order = await till.order("2026001")
    payment = await till.payment("2026001", "100.50")
    credited = await till.desk.decide("CreditPayment", payment.id)
    assert (credited.status, credited.credited) == (pb.PAYMENT_STATUS_MATCHED, "0.5")
    await till.audit()
    undone = await till.desk.undo(payment.id)
    assert (undone.status, undone.credited) == (payment.status, "0")
    assert await till.paid(order) == ["100 PAID"]


async def test_a_little_too_much_is_enough_no_more_once_the_order_grew(till: Till) -> None:
    await till.tolerate("1")
    order = await till.order("2026001")
    payment = await till.payment("2026001", "100.50")
    await till.amend(order, total="150")
    assert await till.paid(order) == ["100 PARTIAL"]
    assert (await till.desk.get(payment.id)).status != pb.PAYMENT_STATUS_MATCHED


async def test_a_payment_and_its_order_agree_once_the_tolerance_is_gone(till: Till) -> None:
    """Either the order is paid and the second payment too much, or the order gets it."""
    await till.tolerate("1")
    order = await till.order("2026001")
    await till.payment("2026001", "99.50")
    assert await till.paid(order) == ["99.5 PAID"]
    await till.tolerate("0")
    second = await till.payment("2026001", "0.50")
    await till.scene.recheck()
    second = await till.desk.get(second.id)
    found = (second.status, *(await till.paid(order)))
    assert found in {
        (pb.PAYMENT_STATUS_DUPLICATE, "99.5 PAID"),
        (pb.PAYMENT_STATUS_MATCHED, "100 PAID"),
    }, second.verdict.summary
    await till.audit()


async def test_the_tolerance_is_a_small_part_of_a_small_order_whoever_matches(till: Till) -> None:
    """A hundred may be tolerated at most, and never more than a twentieth of the order."""
    await till.tolerate("100")
    small, large = await till.order("2026001", "10"), await till.order("2026002", "2000")
    first = await till.payment("2026001", "9.50")
    second = await till.payment("2026002", "1900")
    assert await till.paid(small, large) == ["9.5 PAID", "1900 PAID"]
    for payment, order in ((first, small), (second, large)):
        await till.desk.decide("UnmatchPayment", payment.id)
        given = await till.desk.match(payment.id, order.id)
        assert given.status == payment.status == pb.PAYMENT_STATUS_MATCHED
    await till.desk.decide("UnmatchPayment", first.id)
    less = await till.payment("2026001", "9.49")
    assert less.status == pb.PAYMENT_STATUS_PARTIAL
    assert await till.paid(small, large) == ["9.49 PARTIAL", "1900 PAID"]
    await till.audit()


async def test_an_order_of_nothing_costs_something_later_and_nothing_again(till: Till) -> None:
    order = await till.order("2026001", "0")
    early = await till.payment("2026001", "40")
    assert early.status == pb.PAYMENT_STATUS_DUPLICATE
    with pytest.raises(FailedPrecondition, match="owes nothing"):
        await till.desk.match(early.id, order.id)
    await till.amend(order, total="100")
    assert await till.paid(order) == ["40 PARTIAL"]
    assert not await till.tasks()
    await till.payment("2026001", "60")
    await till.amend(order, total="0.00")
    assert await till.paid(order) == ["100 OVERPAID"]
    await till.desk.decide("UnmatchPayment", early.id)
    assert "60 of 0 CZK" in (await till.tasks())["payments.order_overpaid"]
    await till.audit()


async def test_other_criteria_are_tried_beside_what_people_and_orders_did_meanwhile(
    till: Till,
) -> None:
    """A paid order cancelled, one amended, a pair ruled out: a try says just what differs."""
    cancelled, grown, never = [await till.order(f"202600{each}") for each in (1, 2, 3)]
    for order in (cancelled, grown, never):
        await till.payment(order.number)
    await till.cancel(cancelled)
    await till.amend(grown, total="150")
    ruled_out = (await till.desk.list(order_id=never.id))[0]
    await till.desk.decide("NeverPair", ruled_out.id, order_id=never.id)
    await till.scene.recheck()
    rules: MatchingRules = (await till.desk.call("GetMatchingRules")).rules
    assert not (await till.desk.call("TryMatchingRules", rules=rules, days=365)).differences
    answer = await till.desk.call("TryMatchingRules", rules=MatchingRules())
    # The cancelled order's payment is late by now, whatever it was when it came.
    assert answer.tried == 3
    now = {each.payment_id: each.verdict_now.status for each in answer.differences}
    assert sorted(now.values()) == [pb.PAYMENT_STATUS_PARTIAL, pb.PAYMENT_STATUS_LATE]
    assert ruled_out.id not in now
    await till.audit()
