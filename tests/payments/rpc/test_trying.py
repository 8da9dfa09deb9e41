"""A dry run of other rules: what would match more, less or elsewhere; and nothing is written."""

from collections.abc import Mapping
from datetime import timedelta
from random import Random
from uuid import UUID

import pytest

from payments import trying
from payments.ledger.holds import Hold
from payments.rules.defaults import default_rules
from spojka.api.common.v1.money_pb2 import Money
from spojka.api.payments.v1 import payment_pb2 as pb
from spojka.api.payments.v1.payment_service_pb2 import MatchingRules, VerdictDifference
from tests.payments.rpc.books import Books
from tests.payments.rpc.desk import Desk

BY_SYMBOL = MatchingRules(criteria=[pb.CRITERION_ORDER_VARIABLE_SYMBOL])
BY_NUMBER = MatchingRules(criteria=[pb.CRITERION_ORDER_NUMBER])
Differences = Mapping[str, VerdictDifference]


async def tried(books: Books, desk: Desk, rules: MatchingRules, days: int = 0) -> Differences:
    """Try rules, and see that nothing was written."""
    before = await books.contents(), await books.rows("SELECT count(*) FROM outbox")
    answer = await desk.call("TryMatchingRules", rules=rules, days=days)
    assert (await books.contents(), await books.rows("SELECT count(*) FROM outbox")) == before
    assert not answer.truncated
    return {each.payment_id: each for each in answer.differences}


def orders_of(verdict: pb.Verdict) -> set[tuple[str, str]]:
    return {(each.order_id, each.amount.amount) for each in verdict.allotments}


async def test_what_matches_elsewhere_less_and_more(books: Books, desk: Desk) -> None:
    await desk.call("UpdateMatchingRules", rules=BY_SYMBOL)
    by_symbol = await books.order("1000", vs="770001")
    by_number = await books.order("1000", number="880001")
    only_symbol = await books.order("500", vs="770002")
    nearly = await books.order("300.40", number="880003")
    elsewhere = str(await books.payment("1000", vs="770001", message="obj. 880001"))
    less = str(await books.payment("500", vs="770002"))
    more = str(await books.payment("300", message="obj. 880003"))
    assert await books.paid(by_symbol) == 1000
    assert await books.paid(only_symbol) == 500
    rules = MatchingRules()
    rules.CopyFrom(BY_NUMBER)
    rules.tolerances.add(currency="CZK", amount="0.50")
    found = await tried(books, desk, rules)
    assert found.keys() == {elsewhere, less, more}
    assert orders_of(found[elsewhere].verdict_now) == {(by_symbol.id, "1000")}
    assert orders_of(found[elsewhere].verdict_then) == {(by_number.id, "1000")}
    assert found[less].verdict_now.status == pb.PAYMENT_STATUS_MATCHED
    assert found[less].verdict_then.status == pb.PAYMENT_STATUS_UNMATCHED
    assert found[more].verdict_now.status == pb.PAYMENT_STATUS_UNMATCHED
    assert orders_of(found[more].verdict_then) == {(nearly.id, "300")}


async def test_the_rules_that_hold_differ_in_nothing(books: Books, desk: Desk) -> None:
    for place in range(3):
        await books.order("100", vs=f"77010{place}")
        await books.payment("100", vs=f"77010{place}")
    await books.payment("100", vs="770100")
    assert not await tried(books, desk, default_rules())


async def test_what_people_decided_what_waits_and_what_is_old_is_left_out(
    books: Books, desk: Desk
) -> None:
    for place in range(4):
        await books.order("100", vs=f"77020{place}")
    await books.payment("100", vs="770200", hold=Hold.WEAK)
    person = await books.payment("100", vs="770201")
    await desk.decide("UnmatchPayment", person)
    old = str(await books.payment("100", vs="770202", age=timedelta(days=31)))
    new = str(await books.payment("100", vs="770203", age=timedelta(days=29)))
    assert (await tried(books, desk, MatchingRules())).keys() == {new}
    assert (await tried(books, desk, MatchingRules(), days=40)).keys() == {old, new}
    assert (await desk.call("TryMatchingRules", rules=BY_NUMBER, days=40)).tried == 2


async def test_what_a_payment_taught_about_its_payer_does_not_prove_itself(
    books: Books, desk: Desk
) -> None:
    rules = MatchingRules(criteria=[pb.CRITERION_COUNTER_ACCOUNT])
    account, email = "19-2000145399/0800", "a@b.cz"
    await books.order("100", vs="770301", email=email)
    first = str(await books.payment("100", vs="770301", account=account))
    found = await tried(books, desk, rules)
    assert found[first].verdict_then.status == pb.PAYMENT_STATUS_UNMATCHED
    # Once another payment says so, too, the account is known.
    await books.order("250", vs="770302", email=email)
    second = str(await books.payment("250", vs="770302", account=account))
    assert (await tried(books, desk, rules)).keys().isdisjoint({first, second})


async def test_a_try_says_when_it_is_cut(
    books: Books, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await books.order("100", vs="770401")
    for _ in range(3):
        await books.payment("100", vs="770401")
    newest = await books.payment("100", vs="770401")
    monkeypatch.setattr(trying, "TRIED_MAX", 2)
    answer = await desk.call("TryMatchingRules", rules=MatchingRules())
    assert (answer.tried, answer.truncated) == (2, True)
    monkeypatch.setattr(trying, "TRIED_MAX", 4)
    monkeypatch.setattr(trying, "DIFFERENCES_MAX", 1)
    answer = await desk.call("TryMatchingRules", rules=MatchingRules())
    assert (answer.tried, answer.truncated) == (4, True)
    assert [each.payment_id for each in answer.differences] == [str(newest)]


@pytest.mark.parametrize("seed", range(12))
async def test_a_try_agrees_with_what_then_happens(books: Books, desk: Desk, seed: int) -> None:
    random = Random(seed)
    await desk.call("UpdateMatchingRules", rules=random_rules(random))
    symbols = [f"66{place}001" for place in range(4)]
    for _ in range(7):
        await books.order(
            str(random.choice([100, 101, 200])),
            vs=random.choice(symbols),
            number=f"99{random.randrange(4)}002",
            email=random.choice(["a@b.cz", "c@d.cz"]),
        )
    ids = [
        await books.payment(
            str(random.choice([100, 100, 101, 200, 300])),
            vs=random.choice([*symbols, ""]),
            message=random.choice(["", f"obj. 99{random.randrange(4)}002"]),
            account=random.choice(["", "19-2000145399/0800"]),
        )
        for _ in range(9)
    ]
    await books.settle()
    open_ = [payment_id for payment_id in ids if not await given(books, payment_id)]
    rules = random_rules(random)
    before = {payment_id: (await desk.get(payment_id)).verdict for payment_id in open_}
    found = await tried(books, desk, rules)
    await desk.call("UpdateMatchingRules", rules=rules)
    await books.recheck()
    for payment_id in open_:
        told = found.get(str(payment_id))
        foreseen = told.verdict_then if told else before[payment_id]
        happened = (await desk.get(payment_id)).verdict
        assert (happened.status, orders_of(happened)) == (foreseen.status, orders_of(foreseen))
    await books.check_money()


def random_rules(random: Random) -> MatchingRules:
    criteria = [
        pb.CRITERION_ORDER_VARIABLE_SYMBOL,
        pb.CRITERION_ORDER_NUMBER,
        pb.CRITERION_COUNTER_ACCOUNT,
    ]
    rules = MatchingRules(criteria=random.sample(criteria, random.randrange(len(criteria) + 1)))
    if random.random() < 0.5:
        rules.tolerances.append(Money(currency="CZK", amount="1"))
    return rules


async def given(books: Books, payment_id: UUID) -> bool:
    (row,) = await books.rows("SELECT allocated > 0 FROM payment WHERE id = %s", [payment_id])
    return bool(row[0])
