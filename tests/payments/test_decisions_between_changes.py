"""Several decisions on several payments of several orders over gRPC, and what changes meanwhile."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from spojka.api.mail.v1 import events_pb2 as mail
from spojka.api.orders.v1 import order_pb2
from spojka.api.payments.v1 import payment_pb2 as pb
from spojka.database import Database
from spojka.errors import FailedPrecondition, InvalidArgument
from tests.payments.till import Till, open_till

SHARES_MAX = 100
LARGEST = "999999999999999.999999"


@pytest.fixture
async def till(database: Database) -> AsyncIterator[Till]:
    async with open_till(database) as till:
        yield till


async def test_a_part_given_again_is_called_by_what_the_order_owes_by_now(till: Till) -> None:
    """Its rest came while it was taken back: it is a part no more."""
    order = await till.order("2026001")
    part = await till.payment("2026001", "40")
    assert part.status == pb.PAYMENT_STATUS_PARTIAL
    await till.desk.decide("UnmatchPayment", part.id)
    await till.payment("2026001", "60")
    await till.desk.undo(part.id)
    assert await till.paid(order) == ["100 PAID"]
    await till.scene.recheck()
    assert {each.status for each in await till.desk.list()} == {pb.PAYMENT_STATUS_MATCHED}
    await till.audit()


async def test_all_that_was_given_again_is_a_part_once_the_order_grew(till: Till) -> None:
    order = await till.order("2026001")
    payment = await till.payment("2026001")
    await till.desk.decide("UnmatchPayment", payment.id)
    await till.amend(order, total="150")
    await till.desk.undo(payment.id)
    assert await till.paid(order) == ["100 PARTIAL"]
    await till.scene.recheck()
    assert (await till.desk.get(payment.id)).status == pb.PAYMENT_STATUS_PARTIAL
    await till.audit()


async def test_a_match_beside_another_share_is_called_by_what_all_its_orders_owe(
    till: Till,
) -> None:
    """An order that the payment paid is amended, and another payment pays its rest."""
    first, second = await till.order("11", "60"), await till.order("12", "40")
    payment = await till.payment("")
    await till.desk.match(payment.id, first.id, second.id)
    await till.amend(first, total="75")
    assert (await till.desk.get(payment.id)).status == pb.PAYMENT_STATUS_PARTIAL
    rest = await till.payment("", "20")
    rest = await till.desk.match(rest.id, first.id)
    assert (rest.status, rest.unallocated) == (pb.PAYMENT_STATUS_OVERPAID, "5")
    await till.scene.recheck()
    assert (await till.desk.get(payment.id)).status == pb.PAYMENT_STATUS_MATCHED
    assert await till.paid(first, second) == ["75 PAID", "40 PAID"]
    await till.desk.undo(rest.id)
    await till.scene.recheck()
    assert (await till.desk.get(payment.id)).status == pb.PAYMENT_STATUS_PARTIAL
    await till.audit()


async def test_a_split_is_cancelled_in_part_credited_and_undone_step_by_step(till: Till) -> None:
    first, second, third = [await till.order(str(each), "30") for each in (11, 12, 13)]
    payment = await till.payment("")
    await till.desk.match(payment.id, (first.id, "30.00"), second.id, (third.id, "10"))
    await till.cancel(second)
    assert set(await till.tasks()) == {"payments.overpaid", "payments.paid_order_cancelled"}
    credited = await till.desk.decide("CreditPayment", payment.id)
    assert (credited.credited, credited.unallocated) == ("30", "0")
    never = await till.desk.decide("NeverPair", payment.id, order_id=second.id)
    assert (never.credited, never.unallocated) == ("30", "30")
    assert await till.paid(first, second, third) == ["30 PAID", "0 UNPAID", "10 PARTIAL"]
    await till.audit()
    # The cancelled order takes back what it had, as nothing happened to it since.
    await till.desk.undo(payment.id)
    assert "payments.paid_order_cancelled" in await till.tasks()
    await till.desk.undo(payment.id)
    undone = await till.desk.undo(payment.id)
    assert undone.unallocated == "100"
    assert await till.paid(first, second, third) == ["0 UNPAID"] * 3
    assert not await till.tasks()
    await till.audit()


async def test_shares_of_the_most_orders_add_up_to_the_penny(till: Till) -> None:
    orders = [await till.order(f"N{place:03}", "0.33") for place in range(SHARES_MAX)]
    payment = await till.payment("", "33.333333")
    shares = [(each.id, "0.33") if place % 2 else each.id for place, each in enumerate(orders)]
    with pytest.raises(InvalidArgument, match="at most 100"):
        await till.desk.match(payment.id, *shares, orders[0].id)
    with pytest.raises(InvalidArgument, match=r"shares\[99\]\.order_id: .* named twice"):
        await till.desk.match(payment.id, *shares[:-1], orders[0].id.upper())
    given = await till.desk.match(payment.id, *shares)
    assert given.unallocated == "0.333333"
    assert "and 92 more" in given.decisions[-1].summary
    assert set(await till.paid(*orders)) == {"0.33 PAID"}
    await till.audit()
    await till.desk.undo(payment.id)
    assert set(await till.paid(*orders)) == {"0 UNPAID"}
    await till.audit()


async def test_the_largest_amounts_are_matched_credited_and_undone(till: Till) -> None:
    order = await till.order("2026001", LARGEST)
    payment = await till.payment("2026001", LARGEST)
    assert payment.status == pb.PAYMENT_STATUS_MATCHED
    over = await till.payment("2026002", LARGEST)
    over = await till.desk.match(over.id, (order.id, "999999999999999.999998"))
    assert over.unallocated == "0.000001"
    await till.desk.decide("CreditPayment", over.id)
    await till.audit()
    for _ in range(2):
        over = await till.desk.undo(over.id)
    assert over.unallocated == LARGEST
    assert (await till.paid(order))[0].endswith(" PAID")
    await till.audit()


async def test_one_bad_share_of_several_leaves_all_as_it_was(till: Till) -> None:
    """The good ones before it are not given either, and a hold does not end."""
    good, paid, cancelled = [await till.order(str(each), "30") for each in (11, 12, 13)]
    await till.payment("12", "30")
    await till.cancel(cancelled)
    held = await till.payment("", trust=mail.TRUST_WEAK)
    before = await till.desk.get(held.id), await till.tasks()
    for bad, says in (
        ((paid.id,), "order 12 owes nothing"),
        ((cancelled.id,), "order 13 is cancelled"),
        (((paid.id, "71"),), "only 100.00 CZK"),
        (((paid.id, "70"), cancelled.id), "order 13 is cancelled"),
    ):
        with pytest.raises(FailedPrecondition, match=says):
            await till.desk.match(held.id, (good.id, "30"), *bad)
    assert (await till.desk.get(held.id), await till.tasks()) == before
    await till.audit()
    given = await till.desk.match(held.id, (good.id, "30"), (paid.id, "70"))
    assert "Order 12 is over-paid by 70.00 CZK of it." in given.decisions[-1].summary
    assert set(await till.tasks()) == {"payments.order_overpaid"}
    await till.audit()
    await till.desk.undo(held.id)
    assert (await till.desk.get(held.id)).status == pb.PAYMENT_STATUS_UNCONFIRMED
    assert await till.tasks() == before[1]


async def test_a_share_too_much_is_refused_as_a_whole_when_it_comes_before_one_without_amount(
    till: Till,
) -> None:
    first, second = await till.order("11", "60"), await till.order("12", "60")
    payment = await till.payment("")
    with pytest.raises(FailedPrecondition, match="nothing of the payment is left for order 11"):
        await till.desk.match(payment.id, first.id, (second.id, "100"))
    given = await till.desk.match(payment.id, first.id, (second.id, "60"))
    assert await till.paid(first, second) == ["40 PARTIAL", "60 PAID"]
    assert given.status == pb.PAYMENT_STATUS_PARTIAL
    await till.audit()


async def test_a_second_payment_takes_the_place_of_one_that_was_never_for_the_order(
    till: Till,
) -> None:
    order = await till.order("2026001")
    first, second = await till.payment("2026001"), await till.payment("2026001")
    assert second.status == pb.PAYMENT_STATUS_DUPLICATE
    assert list(await till.tasks()) == ["payments.duplicate"]
    await till.desk.decide("NeverPair", first.id, order_id=order.id)
    await till.scene.recheck()
    assert (await till.desk.get(second.id)).status == pb.PAYMENT_STATUS_MATCHED
    assert not await till.tasks()
    with pytest.raises(FailedPrecondition, match="paid otherwise since"):
        await till.desk.undo(first.id)
    await till.desk.decide("NeverPair", second.id, order_id=order.id)
    await till.scene.recheck()
    assert await till.paid(order) == ["0 UNPAID"]
    await till.desk.undo(first.id)
    await till.scene.recheck()
    assert await till.paid(order) == ["100 PAID"]
    await till.audit()


async def test_money_before_its_order_waits_is_late_and_pays_once_the_order_is_open(
    till: Till,
) -> None:
    payment = await till.payment("2026001")
    order = till.scene.order("2026001")
    order.fulfilment_state = order_pb2.FULFILMENT_STATE_CANCELLED
    await till.scene.tell_orders(order)
    assert (await till.desk.get(payment.id)).status == pb.PAYMENT_STATUS_LATE
    assert list(await till.tasks()) == ["payments.late"]
    await till.desk.decide("CreditPayment", payment.id)
    await till.amend(order, fulfilment_state=order_pb2.FULFILMENT_STATE_OPEN)
    assert await till.paid(order) == ["0 UNPAID"]
    assert not await till.tasks()
    undone = await till.desk.undo(payment.id)
    assert undone.status == pb.PAYMENT_STATUS_LATE
    await till.scene.recheck()
    assert await till.paid(order) == ["100 PAID"]
    assert not await till.tasks()
    await till.audit()


async def test_what_was_over_pays_the_grown_order_by_hand_and_the_tasks_end(till: Till) -> None:
    order = await till.order("2026001")
    over = await till.payment("2026001", "130")
    assert "30 CZK" in (await till.tasks())["payments.overpaid"]
    await till.amend(order, total="120")
    assert await till.paid(order) == ["100 PARTIAL"]
    given = await till.desk.match(over.id, order.id)
    assert (given.status, given.unallocated) == (pb.PAYMENT_STATUS_OVERPAID, "10")
    assert "10 CZK" in (await till.tasks())["payments.overpaid"]
    await till.amend(order, total="80")
    assert set(await till.tasks()) == {"payments.overpaid", "payments.order_overpaid"}
    await till.desk.decide("UnmatchPayment", over.id)
    assert set(await till.tasks()) <= {"payments.overpaid"}
    given = await till.desk.match(over.id, order.id)
    credited = await till.desk.decide("CreditPayment", over.id)
    assert (credited.credited, credited.status) == ("50", pb.PAYMENT_STATUS_MATCHED)
    assert not await till.tasks()
    await till.audit()


async def test_a_number_in_any_script_is_said_as_it_is_written(till: Till) -> None:
    """Combining accents, quotes, a right-to-left mark and a percent sign: all come back."""
    number = "Objedna\u0301vka „7%s“ \u200f№ 'x'\\"
    order = await till.order(number, "30")
    payment = await till.payment("", "50", message="děkuji 🙂 %s")
    given = await till.desk.match(payment.id, (order.id, "50"))
    assert number in given.decisions[-1].summary
    assert number in (await till.tasks())["payments.order_overpaid"]
    reason = "zpět „plátci“ 🙂 %(x)s"
    await till.desk.decide("UnmatchPayment", payment.id)
    aside = await till.desk.decide("DiscardPayment", payment.id, reason=reason)
    assert aside.decisions[-1].summary.endswith(reason)
    for bad in ("a\x00b", "\x1b[2J"):
        with pytest.raises(InvalidArgument, match="reason: must not contain control characters"):
            await till.desk.decide("DiscardPayment", payment.id, reason=bad)
    await till.audit()


async def test_a_history_of_two_payments_is_undone_across_each_other(till: Till) -> None:
    order = await till.order("2026001")
    first, second = await till.payment("2026001", "70"), await till.payment("2026001", "30")
    await till.desk.decide("UnmatchPayment", first.id)
    await till.desk.decide("NeverPair", second.id, order_id=order.id)
    assert await till.paid(order) == ["0 UNPAID"]
    await till.desk.undo(first.id)
    await till.scene.recheck()
    assert await till.paid(order) == ["70 PARTIAL"]
    await till.desk.undo(second.id)
    await till.scene.recheck()
    assert await till.paid(order) == ["100 PAID"]
    told = await till.scene.told_of(UUID(order.id))
    assert [each.amount_paid.amount for each in told] == ["70", "100", "30", "0", "70", "100"]
    assert {each.status for each in await till.desk.list()} == {pb.PAYMENT_STATUS_MATCHED}
    await till.audit()


async def test_who_paid_for_whom_is_taken_back_as_it_was_noted(till: Till) -> None:
    """The shop corrected the customer's address while the order had the money."""
    order = await till.order("2026001")
    payment = await till.payment("2026001")
    order.customer.email = "corrected@example.com"
    await till.amend(order)
    await till.desk.decide("UnmatchPayment", payment.id)
    await till.audit()
    await till.desk.undo(payment.id)
    assert await till.paid(order) == ["100 PAID"]
    await till.audit()
