"""What holds of every verdict, whatever the payment, the orders and the rules."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from payments.matching.coverage import coverage, tolerated, unallocated
from payments.matching.deciding import decide
from payments.matching.keys import order_keys, payment_keys
from payments.matching.values import (
    Criterion,
    Incoming,
    Payable,
    PaymentMethod,
    PaymentSource,
    PaymentState,
    PaymentStatus,
    References,
    Rules,
    SymbolSource,
)
from spojka.values import ZERO, Money
from tests.payments.matching.values import ALL, suggestion_keys

# Few names and amounts, so that they meet.
SYMBOLS = ["", "4444", "4445", "20261", "00308", "308"]
NUMBERS = ["2026-118", "2026-119", "4444", "FV-2026-1", "FV-2026-2", "308"]
CUSTOMERS = ["", "eva@example.com", "jan@example.com"]
AMOUNTS = [Decimal(text) for text in ("100", "100.40", "99.50", "200", "200.40", "50", "300")]
CURRENCIES = ["CZK", "CZK", "CZK", "EUR"]
DAY = datetime(2026, 11, 1, 12, tzinfo=UTC)

texts = st.lists(
    st.sampled_from(["objednavka", "VS", "a", *SYMBOLS, *NUMBERS, "2026", "<4444>"]), max_size=5
).map(" ".join)
moneys = st.builds(Money, st.sampled_from(CURRENCIES), st.sampled_from(AMOUNTS))
names = st.builds(
    References,
    st.sampled_from(SYMBOLS),
    st.sampled_from(["", *NUMBERS]),
    st.sampled_from(SYMBOLS),
    st.sampled_from(["", "", "", "pi_1"]),
)
days = st.sampled_from([-400, -100, -1, 0, 0, 0])


@st.composite
def orders(draw: st.DrawFn) -> Payable:
    total = draw(st.sampled_from(AMOUNTS))
    paid = draw(st.sampled_from([ZERO, ZERO, ZERO, Decimal(50), total]))
    state = coverage(total, paid, ZERO)
    cancelled = draw(st.sampled_from([False, False, False, True]))
    time = DAY + timedelta(days=draw(days))
    closed = cancelled or state in {PaymentState.PAID, PaymentState.OVERPAID}
    return Payable(
        id="",
        number=draw(st.sampled_from(NUMBERS)),
        currency=draw(st.sampled_from(CURRENCIES)),
        total=total,
        order_time=time,
        paid=paid,
        state=state,
        cancelled=cancelled,
        close_time=time if closed and draw(st.booleans()) else None,
        method=draw(st.sampled_from([PaymentMethod.BANK_TRANSFER] * 4 + list(PaymentMethod))),
        customer_key=draw(st.sampled_from(CUSTOMERS)),
        references=draw(names),
    )


books = st.lists(orders(), max_size=6).map(
    lambda drawn: [replace(order, id=f"id-{place}") for place, order in enumerate(drawn)]
)
payments = st.builds(
    Incoming,
    amount=moneys,
    value_date=st.integers(-2, 30).map(lambda after: (DAY + timedelta(days=after)).date()),
    source=st.sampled_from(list(PaymentSource)),
    variable_symbol=st.sampled_from(SYMBOLS),
    symbol_source=st.sampled_from(list(SymbolSource)),
    counter_account=st.just("1111111111/0800"),
    reference=st.sampled_from(["", "pi_1"]),
    end_to_end=st.sampled_from(["", "NOTPROVIDED", "/VS4444", "pi_1"]),
    message=texts,
    original=st.none() | moneys,
    known_customers=st.frozensets(st.sampled_from(CUSTOMERS[1:])),
    never=st.frozensets(st.sampled_from(["id-0", "id-1"]), max_size=1),
)
rule_sets = st.builds(
    Rules,
    criteria=st.lists(st.sampled_from(ALL), unique=True).map(tuple),
    tolerances=st.sampled_from([{}, {"CZK": Decimal(1)}, {"CZK": Decimal(100)}]),
    message_pattern=st.sampled_from(["", "<(.*?)>"]),
    reuse_after_days=st.sampled_from([0, 180]),
    expire_after_days=st.sampled_from([0, 0, 20]),
    text_needs_person=st.booleans(),
)
GIVING = {PaymentStatus.MATCHED, PaymentStatus.PARTIAL, PaymentStatus.OVERPAID}


@given(payments, books, rule_sets, st.data())
def test_the_order_in_which_candidates_come_changes_nothing(
    paid: Incoming, book: list[Payable], rules: Rules, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(book))
    assert decide(paid, shuffled, rules) == decide(paid, book, rules)


@given(payments, books, rule_sets)
def test_money_goes_only_where_it_may(paid: Incoming, book: list[Payable], rules: Rules) -> None:
    verdict = decide(paid, book, rules)
    by_id = {order.id: order for order in book}
    assert bool(verdict.allotments) == (verdict.status in GIVING)
    for part in verdict.allotments:
        order = by_id[part.order_id]
        assert order.open
        assert order.currency == paid.amount.currency
        assert order.method not in {
            PaymentMethod.CASH,
            PaymentMethod.CASH_ON_DELIVERY,
            PaymentMethod.MARKETPLACE,
        }
        assert order.id not in paid.never
        assert paid.value_date >= order.order_date
        assert ZERO < part.amount <= order.due
        assert payment_keys(paid, rules) & order_keys(order)
    # Conserved: what is given and what is left are what came.
    rest = unallocated(paid.amount.amount, [part.amount for part in verdict.allotments], ZERO)
    assert rest >= 0
    if len(verdict.allotments) > 1:
        dues = sum((by_id[part.order_id].due for part in verdict.allotments), ZERO)
        assert dues == verdict.allotted == paid.amount.amount
        assert len({part.order_id for part in verdict.allotments}) == len(verdict.allotments)


@given(payments, books, rule_sets)
def test_the_status_says_what_was_given(paid: Incoming, book: list[Payable], rules: Rules) -> None:
    verdict = decide(paid, book, rules)
    if len(verdict.allotments) != 1:
        return
    part = verdict.allotments[0]
    order = next(order for order in book if order.id == part.order_id)
    after = coverage(
        order.total, order.paid + part.amount, rules.tolerances.get(order.currency, ZERO)
    )
    whole = verdict.status in {PaymentStatus.MATCHED, PaymentStatus.OVERPAID}
    assert (after is PaymentState.PAID) == whole
    allowed = tolerated(order.total, rules.tolerances.get(order.currency, ZERO))
    over = paid.amount.amount - order.due
    assert (over > allowed) == (verdict.status is PaymentStatus.OVERPAID)


@given(payments, books, rule_sets)
def test_every_order_that_was_found_has_its_reason(
    paid: Incoming, book: list[Payable], rules: Rules
) -> None:
    verdict = decide(paid, book, rules)
    taken = {part.order_id for part in verdict.allotments}
    assert tuple(run.criterion for run in verdict.runs) == rules.criteria
    assert verdict.summary.endswith(".")
    for run in verdict.runs:
        assert run.searched
        for candidate in run.candidates:
            assert candidate.reason.startswith("Found by ")
            assert candidate.reason.endswith(".")
            assert candidate.taken == (candidate.order_id in taken)
    found = {candidate.order_id for run in verdict.runs for candidate in run.candidates}
    assert taken <= found
    assert all(set(suggestion.order_ids).isdisjoint(taken) for suggestion in verdict.suggestions)
    assert all(
        suggestion.reason.endswith(".")
        and len(suggestion.order_ids) == len(suggestion.order_numbers)
        for suggestion in verdict.suggestions
    )


@given(payments, books, rule_sets, orders())
def test_an_order_that_shares_no_key_changes_nothing(
    paid: Incoming, book: list[Payable], rules: Rules, stranger: Payable
) -> None:
    stranger = replace(stranger, id="stranger")
    keys = order_keys(stranger)
    if keys & payment_keys(paid, rules):
        return
    alone, together = decide(paid, book, rules), decide(paid, [*book, stranger], rules)
    if not keys & suggestion_keys(paid):
        assert together == alone
    # Found for a suggestion, it changes the suggestions alone.
    assert replace(together, suggestions=()) == replace(alone, suggestions=())


@given(payments, books, rule_sets, st.sampled_from(ALL))
def test_a_criterion_that_is_off_matches_nothing(
    paid: Incoming, book: list[Payable], rules: Rules, off: Criterion
) -> None:
    without = replace(rules, criteria=tuple(c for c in rules.criteria if c is not off))
    verdict = decide(paid, book, without)
    assert off not in {run.criterion for run in verdict.runs}
    found = {candidate.order_id for run in verdict.runs for candidate in run.candidates}
    assert {part.order_id for part in verdict.allotments} <= found
    if off in rules.criteria:
        alone = decide(paid, book, replace(rules, criteria=(off,)))
        hits = {candidate.order_id for candidate in alone.runs[0].candidates}
        assert {part.order_id for part in verdict.allotments}.isdisjoint(hits - found)


@given(payments, books, rule_sets)
def test_only_exact_orders_are_chosen_from_several(
    paid: Incoming, book: list[Payable], rules: Rules
) -> None:
    """A part goes only to an order that everything found names alone."""
    verdict = decide(paid, book, rules)
    if verdict.status not in {PaymentStatus.PARTIAL, PaymentStatus.OVERPAID}:
        return
    assert verdict.flags == ()
    unsure = ("a bare number in a text", "the payer's account counts", "was ruled out")
    for run in verdict.runs:
        for candidate in run.candidates:
            assert candidate.taken or any(words in candidate.reason for words in unsure)


totals = st.integers(0, 100_000).map(lambda cents: Decimal(cents) / 100)


@given(totals, totals, totals)
def test_coverage_grows_with_what_is_paid(total: Decimal, paid: Decimal, more: Decimal) -> None:
    rank = [PaymentState.UNPAID, PaymentState.PARTIAL, PaymentState.PAID, PaymentState.OVERPAID]
    tolerance = Decimal(1)
    before, after = coverage(total, paid, tolerance), coverage(total, paid + more, tolerance)
    assert rank.index(before) <= rank.index(after)
    assert coverage(total, total, tolerance) is PaymentState.PAID
    if total:
        assert coverage(total, ZERO, tolerance) is PaymentState.UNPAID
        # The order book believes a PAID within five percent of the total alone.
        if before is PaymentState.PAID:
            assert abs(paid - total) <= total * 5 / 100


@given(totals, st.lists(totals, max_size=4), totals)
def test_a_split_is_refused_or_conserves(
    amount: Decimal, allocations: list[Decimal], credited: Decimal
) -> None:
    given_away = sum(allocations, credited)
    try:
        rest = unallocated(amount, allocations, credited)
    except ValueError:
        assert given_away > amount
    else:
        assert rest >= 0
        assert rest + given_away == amount
