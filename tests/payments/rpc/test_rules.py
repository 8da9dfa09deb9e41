"""The rules of matching over gRPC: checked, counted, and applied to what is open."""

import pytest

from payments.rules.defaults import default_rules
from spojka.api.common.v1.money_pb2 import Money
from spojka.api.payments.v1 import payment_pb2 as pb
from spojka.api.payments.v1.payment_service_pb2 import MatchingRules
from spojka.errors import InvalidArgument
from tests.payments.rpc.books import Books
from tests.payments.rpc.desk import Desk


async def test_a_tenant_begins_with_the_defaults(desk: Desk) -> None:
    assert (await desk.call("GetMatchingRules")).rules == default_rules()


async def test_each_change_is_a_revision_and_no_change_is_none(books: Books, desk: Desk) -> None:
    rules = default_rules()
    for revision, days in ((1, 10), (2, 20), (2, 20), (3, 10)):
        rules.reuse_after_days = days
        rules.revision = 99  # Output only: what a request says of it counts for nothing.
        answer = await desk.call("UpdateMatchingRules", rules=rules)
        assert (answer.rules.revision, answer.rules.reuse_after_days) == (revision, days)
        assert (await desk.call("GetMatchingRules")).rules == answer.rules
    rows = await books.rows("SELECT revision, actor FROM matching_rules ORDER BY revision")
    assert rows == [(1, "jana"), (2, "jana"), (3, "jana")]


async def test_rules_that_make_no_sense_are_refused(books: Books, desk: Desk) -> None:
    rules = MatchingRules(
        criteria=[pb.CRITERION_ORDER_NUMBER] * 2,
        tolerances=[Money(currency="CZK", amount="-1")],
        message_pattern="(a)(b)",
    )
    for method in ("UpdateMatchingRules", "TryMatchingRules"):
        with pytest.raises(InvalidArgument) as refused:
            await desk.call(method, rules=rules)
        assert [violation.field for violation in refused.value.violations] == [
            "rules.criteria[1]",
            "rules.tolerances[0].amount",
            "rules.message_pattern",
        ]
        with pytest.raises(InvalidArgument, match="rules: is required"):
            await desk.call(method)
    with pytest.raises(InvalidArgument, match="days: must be at most 365"):
        await desk.call("TryMatchingRules", rules=default_rules(), days=366)
    assert not await books.rows("SELECT FROM matching_rules")


async def test_new_rules_decide_about_what_is_open_and_nothing_else(
    books: Books, desk: Desk
) -> None:
    order, other = await books.order("1000", number="OBJ-4321"), await books.order("7", vs="900100")
    open_, by_person = [await books.payment("1000", message="dekuji ref X4321") for _ in range(2)]
    paid = await books.payment("7", vs="900100")
    await desk.decide("DiscardPayment", by_person, reason="x")
    await books.recheck()
    assert (await desk.get(open_)).status == pb.PAYMENT_STATUS_UNMATCHED
    rules = MatchingRules(
        criteria=[pb.CRITERION_MESSAGE_PATTERN], message_pattern=r"ref X([0-9]{4})"
    )
    await desk.call("UpdateMatchingRules", rules=rules)
    order.number = "4321"
    await books.tell(order)
    await books.recheck()
    assert (await desk.get(open_)).status == pb.PAYMENT_STATUS_MATCHED
    assert (await desk.get(by_person)).status == pb.PAYMENT_STATUS_DISCARDED
    assert (await desk.get(paid)).status == pb.PAYMENT_STATUS_MATCHED
    assert await books.paid(order) == 1000
    assert await books.paid(other) == 7
