"""Orders whose currency changes once money was given to them, and what people then do over gRPC."""

from collections.abc import AsyncIterator

import pytest

from payments.rules.defaults import default_rules
from spojka.api.payments.v1 import payment_pb2 as pb
from spojka.database import Database
from spojka.errors import FailedPrecondition
from tests.payments.till import Till, open_till


@pytest.fixture
async def till(database: Database) -> AsyncIterator[Till]:
    async with open_till(database) as till:
        yield till


async def test_rules_are_tried_although_a_paid_order_is_in_another_currency_by_now(
    till: Till,
) -> None:
    order = await till.order("2026001")
    await till.payment("2026001")
    await till.amend(order, currency="EUR", total="4")
    answer = await till.desk.call("TryMatchingRules", rules=default_rules())
    assert answer.tried == 1
    await till.audit()


@pytest.mark.parametrize("euros", ["4", "100", "500"])
async def test_taking_money_back_from_an_order_of_another_currency_by_now_is_not_undone(
    till: Till, euros: str
) -> None:
    """Whatever the order owes in euros, no crowns go back to it, and nobody is told they might."""
    order = await till.order("2026001")
    payment = await till.payment("2026001")
    await till.amend(order, currency="EUR", total=euros)
    await till.desk.decide("UnmatchPayment", payment.id)
    before = await till.desk.get(payment.id)
    with pytest.raises(FailedPrecondition) as refused:
        await till.desk.undo(payment.id)
    assert f"{euros}.00 CZK" not in refused.value.message
    assert "EUR" in refused.value.message
    assert await till.desk.get(payment.id) == before
    await till.audit()


async def test_taken_back_before_the_currency_changed_is_not_undone_either(till: Till) -> None:
    """The order is of the same number and the same total as when it had the money."""
    order = await till.order("2026001")
    payment = await till.payment("2026001")
    await till.desk.decide("UnmatchPayment", payment.id)
    await till.amend(order, currency="EUR")
    with pytest.raises(FailedPrecondition, match="EUR"):
        await till.desk.undo(payment.id)
    assert await till.paid(order) == ["0 UNPAID"]
    await till.audit()


async def test_a_match_is_undone_after_the_order_took_another_currency(till: Till) -> None:
    """One order of two: the other keeps its crowns until they are taken back, too."""
    first, second = await till.order("11", "60"), await till.order("12", "40")
    payment = await till.payment("")
    await till.desk.match(payment.id, first.id, (second.id, "40"))
    await till.amend(first, currency="EUR", total="3")
    assert await till.paid(first, second) == ["0 UNPAID", "40 PAID"]
    assert (await till.desk.get(payment.id)).status == pb.PAYMENT_STATUS_PARTIAL
    assert list(await till.tasks()) == ["payments.paid_in_other_currency"]
    await till.audit()
    undone = await till.desk.undo(payment.id)
    assert (undone.unallocated, undone.status) == ("100", pb.PAYMENT_STATUS_UNMATCHED)
    assert await till.paid(first, second) == ["0 UNPAID", "0 UNPAID"]
    assert not await till.tasks()
    await till.audit()


async def test_an_order_pays_in_both_currencies_and_comes_back_to_the_first(till: Till) -> None:
    order = await till.order("2026001")
    await till.payment("2026001")
    await till.amend(order, currency="EUR", total="4")
    euros = await till.payment("2026001", "4", currency="EUR")
    assert await till.paid(order) == ["4 PAID"]
    await till.audit()
    await till.amend(order, currency="CZK", total="100")
    assert await till.paid(order) == ["100 PAID"]
    assert "4 EUR" in (await till.tasks())["payments.paid_in_other_currency"]
    await till.desk.decide("NeverPair", euros.id, order_id=order.id)
    await till.scene.recheck()
    assert not await till.tasks()
    assert await till.paid(order) == ["100 PAID"]
    await till.audit()
