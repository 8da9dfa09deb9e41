"""What payers do wrong, and what becomes of each payment."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest

from payments.matching.deciding import decide
from payments.matching.keys import order_keys, payment_keys
from payments.matching.values import (
    Criterion,
    Incoming,
    Payable,
    PaymentMethod,
    PaymentStatus,
    Rules,
    SymbolSource,
)
from spojka.values import Money
from tests.payments.matching.values import ORDERED, PAID_ON, given, order, payment, reasons, rules

LONG_AGO = datetime(2025, 3, 1, tzinfo=UTC)
EUR_50 = Money("EUR", Decimal(50))


@dataclass(frozen=True)
class Case:
    name: str
    payment: Incoming
    orders: list[Payable]
    status: PaymentStatus
    given: dict[str, str] = field(default_factory=dict)
    rules: Rules = field(default_factory=rules)
    says: str = ""
    suggests: tuple[str, ...] | None = None


CASES = [
    Case(
        "exact by the order's symbol",
        payment(vs="2026118"),
        [order("2026-118", vs="2026118")],
        PaymentStatus.MATCHED,
        {"2026-118": "1250"},
        says="Order 2026-118 owes 1 250.00 CZK and the payment is 1 250.00 CZK: paid exactly.",
    ),
    Case(
        "exact by the invoice's symbol",
        payment(vs="0026000901"),
        [order("A", vs="7777", invoice_variable_symbol="26000901")],
        PaymentStatus.MATCHED,
        {"A": "1250"},
    ),
    Case(
        "symbol in the message, field empty",
        payment(message="platba V.S . 2026118 dekuji"),
        [order("A", vs="2026118")],
        PaymentStatus.MATCHED,
        {"A": "1250"},
    ),
    Case(
        "symbol in the end-to-end reference",
        payment(end_to_end="/VS0002026118/SS/KS0308"),
        [order("A", vs="2026118")],
        PaymentStatus.MATCHED,
        {"A": "1250"},
    ),
    Case(
        "the order's number with another sign and a word before it",
        payment(message="Objednávka č. 2026/118"),
        [order("2026-118")],
        PaymentStatus.MATCHED,
        {"2026-118": "1250"},
    ),
    Case(
        "Romanian invoice number",
        payment("300", message="cv fact seria ABC nr 000123", currency="RON"),
        [order("X", "300", currency="RON", invoice_number="ABC 000123")],
        PaymentStatus.MATCHED,
        {"X": "300"},
    ),
    Case(
        "invoice number typed as the variable symbol",
        payment(vs="2026000147"),
        [order("A", vs="5550001", invoice_number="2026000147")],
        PaymentStatus.MATCHED,
        {"A": "1250"},
    ),
    Case(
        "a bare number counts where the amount agrees",
        payment(message="Jan Novák 26006439"),
        [order("A", vs="26006439")],
        PaymentStatus.MATCHED,
        {"A": "1250"},
    ),
    Case(
        "a bare number does not count where the amount differs",
        payment("1000", message="Maroko 2026"),
        [order("2026")],
        PaymentStatus.UNMATCHED,
        says="a bare number in a text counts only where the amount agrees",
        suggests=("2026",),
    ),
    Case(
        "a constant symbol typed as the variable symbol",
        payment("1000", vs="308"),
        [order("308", vs="308")],
        PaymentStatus.UNMATCHED,
        suggests=("308",),
    ),
    Case(
        "symbol unknown, message right",
        payment(vs="2026181", message="objednávka 2026-118"),
        [order("2026-118", vs="2026118")],
        PaymentStatus.MATCHED,
        {"2026-118": "1250"},
    ),
    Case(
        "one payment for two orders, each named, the sum exact",
        payment("2500", message="platba 2026-0151 SI 2026-0152"),
        [order("2026-0151"), order("2026-0152")],
        PaymentStatus.MATCHED,
        {"2026-0151": "1250", "2026-0152": "1250"},
        says="named orders 2026-0151 and 2026-0152, which owe exactly 2 500.00 CZK together",
    ),
    Case(
        "one payment for two orders, the second abbreviated",
        payment("1350", message="26000901+902"),
        [order("A", vs="26000901"), order("B", "100", vs="26000902")],
        PaymentStatus.MATCHED,
        {"A": "1250", "B": "100"},
    ),
    Case(
        "one payment for two orders, the sum not exact",
        payment("2400", message="objednavka 2026-0151 a objednavka 2026-0152"),
        [order("2026-0151"), order("2026-0152")],
        PaymentStatus.AMBIGUOUS,
    ),
    Case(
        "one payment for two orders, more than both owe",
        payment("2600", message="objednavka 2026-0151 a objednavka 2026-0152"),
        [order("2026-0151"), order("2026-0152")],
        PaymentStatus.AMBIGUOUS,
    ),
    Case(
        "one symbol of two orders names neither, even where the sum is exact",
        payment("2500", vs="4444"),
        [order("A", vs="4444"), order("B", vs="4444")],
        PaymentStatus.AMBIGUOUS,
        says="may mean orders A and B",
    ),
    Case(
        "an instalment",
        payment("500", vs="2026118"),
        [order("A", vs="2026118")],
        PaymentStatus.PARTIAL,
        {"A": "500"},
        says="750.00 CZK too little",
    ),
    Case(
        "the rest of it",
        payment("750", vs="2026118"),
        [order("A", vs="2026118", paid="500")],
        PaymentStatus.MATCHED,
        {"A": "750"},
    ),
    Case(
        "too little within the tolerance",
        payment("1249.50", vs="2026118"),
        [order("A", vs="2026118")],
        PaymentStatus.MATCHED,
        {"A": "1249.50"},
        rules(tolerances={"CZK": Decimal(1)}),
        says="within the tolerance of 1.00 CZK",
    ),
    Case(
        "too much within the tolerance gives no more than is due",
        payment("1250.50", vs="2026118"),
        [order("A", vs="2026118")],
        PaymentStatus.MATCHED,
        {"A": "1250"},
        rules(tolerances={"CZK": Decimal(1)}),
    ),
    Case(
        "the tolerance of another currency does not help",
        payment("1249.50", vs="2026118"),
        [order("A", vs="2026118")],
        PaymentStatus.PARTIAL,
        {"A": "1249.50"},
        rules(tolerances={"EUR": Decimal(1)}),
    ),
    Case(
        "no tolerance makes a cheap order paid by a fraction",
        payment("0.50", vs="2026118"),
        [order("A", "1.20", vs="2026118")],
        PaymentStatus.PARTIAL,
        {"A": "0.50"},
        rules(tolerances={"CZK": Decimal(1)}),
    ),
    Case(
        "an overpayment",
        payment("1300", vs="2026118"),
        [order("A", vs="2026118")],
        PaymentStatus.OVERPAID,
        {"A": "1250"},
        says="50.00 CZK too much",
    ),
    Case(
        "another currency, converted by the bank",
        payment("1250", vs="2026118", original=EUR_50),
        [order("A", "50", vs="2026118", currency="EUR")],
        PaymentStatus.UNMATCHED,
        says="the payer sent 50.00 EUR, exactly what is owed",
        suggests=("A",),
    ),
    Case(
        "another currency of the same figure",
        payment("1250", vs="2026118"),
        [order("A", vs="2026118", currency="EUR")],
        PaymentStatus.UNMATCHED,
        says="another currency",
    ),
    Case(
        "paid twice",
        payment(vs="2026118"),
        [order("A", vs="2026118", paid="1250")],
        PaymentStatus.DUPLICATE,
        says="already paid since 2026-11-18",
    ),
    Case(
        "paid twice, and never attached to another order of the same amount",
        payment(vs="2026118", message="objednávka 2026-119"),
        [order("A", vs="2026118", paid="1250"), order("2026-119")],
        PaymentStatus.DUPLICATE,
        suggests=("2026-119",),
    ),
    Case(
        "a cancelled order",
        payment(vs="2026118"),
        [order("A", vs="2026118", cancelled=True, close_time=ORDERED)],
        PaymentStatus.LATE,
        says="cancelled since 2026-11-18",
    ),
    Case(
        "a symbol used again: closed long ago, the new one exact",
        payment(vs="2026118"),
        [order("old", vs="2026118", paid="1250", close_time=LONG_AGO), order("new", vs="2026118")],
        PaymentStatus.MATCHED,
        {"new": "1250"},
    ),
    Case(
        "a symbol used again: closed long ago, the new one not exact",
        payment("1200", vs="2026118"),
        [order("old", vs="2026118", paid="1250", close_time=LONG_AGO), order("new", vs="2026118")],
        PaymentStatus.DUPLICATE,
    ),
    Case(
        "a symbol used again: closed lately",
        payment(vs="2026118"),
        [order("old", vs="2026118", paid="1250"), order("new", vs="2026118")],
        PaymentStatus.DUPLICATE,
        suggests=("new",),
    ),
    Case(
        "closed nobody knows when",
        payment(vs="2026118"),
        [
            order("old", vs="2026118", paid="1250", close_time=None),
            order("new", vs="2026118"),
        ],
        PaymentStatus.DUPLICATE,
    ),
    Case(
        "after the order has expired",
        payment(vs="2026118", value_date=date(2026, 12, 3)),
        [order("A", vs="2026118")],
        PaymentStatus.LATE,
        rules=rules(expire_after_days=14),
        says="later than the 14 days",
    ),
    Case(
        "on the last day",
        payment(vs="2026118", value_date=date(2026, 12, 2)),
        [order("A", vs="2026118")],
        PaymentStatus.MATCHED,
        {"A": "1250"},
        rules(expire_after_days=14),
    ),
    Case(
        "before the order",
        payment(vs="2026118", value_date=date(2026, 11, 17)),
        [order("A", vs="2026118")],
        PaymentStatus.UNMATCHED,
        says="money does not come before its order",
        suggests=("A",),
    ),
    *(
        Case(
            f"no transfer is awaited: {method.name}",
            payment(vs="2026118"),
            [order("A", vs="2026118", method=method)],
            PaymentStatus.UNMATCHED,
            says="no transfer is awaited for it",
            suggests=("A",),
        )
        for method in (
            PaymentMethod.MARKETPLACE,
            PaymentMethod.CASH_ON_DELIVERY,
            PaymentMethod.CASH,
        )
    ),
    Case(
        "several of one symbol, one of them exact",
        payment(vs="4444"),
        [order("A", "999", vs="4444"), order("B", vs="4444")],
        PaymentStatus.MATCHED,
        {"B": "1250"},
    ),
    Case(
        "two that fit: never the first",
        payment(vs="4444"),
        [order("A", vs="4444"), order("B", vs="4444")],
        PaymentStatus.AMBIGUOUS,
        says="not the only order that may be meant",
        suggests=("A",),
    ),
    Case(
        "two that fit, and a later criterion chooses",
        payment(vs="4444", message="objednávka 2026-119"),
        [order("2026-118", vs="4444"), order("2026-119", vs="4444")],
        PaymentStatus.MATCHED,
        {"2026-119": "1250"},
    ),
    Case(
        "two that fit, and a later criterion names a third",
        payment(vs="4444", message="objednávka 2026-120"),
        [order("2026-118", vs="4444"), order("2026-119", vs="4444"), order("2026-120")],
        PaymentStatus.AMBIGUOUS,
    ),
    Case(
        "exact goes before tolerated",
        payment(vs="4444"),
        [order("A", vs="4444"), order("B", "1250.50", vs="4444")],
        PaymentStatus.MATCHED,
        {"A": "1250"},
        rules(tolerances={"CZK": Decimal(1)}),
    ),
    Case(
        "a part, where the text names another order",
        payment("500", vs="2026118", message="objednávka 2026-119"),
        [order("A", vs="2026118"), order("2026-119")],
        PaymentStatus.AMBIGUOUS,
    ),
    Case(
        "the symbol of the bank's field goes before one in the text",
        payment(vs="2026118", message="VS 2026119"),
        [order("A", vs="2026118"), order("B", invoice_variable_symbol="2026119")],
        PaymentStatus.MATCHED,
        {"A": "1250"},
    ),
    Case(
        "only the text names it, and the rules want a person",
        payment(message="objednávka 2026-118"),
        [order("2026-118")],
        PaymentStatus.UNMATCHED,
        rules=rules(text_needs_person=True),
        says="Left to a person: only the payer's text names it.",
        suggests=("2026-118",),
    ),
    Case(
        "a symbol that the bank took from the text, and the rules want a person",
        payment(vs="2026118", symbol_source=SymbolSource.MESSAGE),
        [order("A", vs="2026118")],
        PaymentStatus.UNMATCHED,
        rules=rules(text_needs_person=True),
        suggests=("A",),
    ),
    Case(
        "the bank's field is enough for such rules",
        payment(vs="2026118", message="objednávka 2026-118"),
        [order("2026-118", vs="2026118")],
        PaymentStatus.MATCHED,
        {"2026-118": "1250"},
        rules(text_needs_person=True),
    ),
    Case(
        "ruled out by a person",
        payment(vs="2026118", never=frozenset({"id-A"})),
        [order("A", vs="2026118")],
        PaymentStatus.UNMATCHED,
        says="ruled out for this payment by a person",
    ),
    Case(
        "one ruled out, the other taken",
        payment(vs="2026118", never=frozenset({"id-A"})),
        [order("A", vs="2026118"), order("B", vs="2026118")],
        PaymentStatus.MATCHED,
        {"B": "1250"},
    ),
    Case(
        "nothing named",
        payment(),
        [order("A", vs="2026118")],
        PaymentStatus.UNMATCHED,
    ),
    Case(
        "a third person pays",
        payment(vs="2026118", counter_account="DE89370400440532013000"),
        [order("A", vs="2026118", customer_key="jan@example.com")],
        PaymentStatus.MATCHED,
        {"A": "1250"},
    ),
    Case(
        "an order of which nothing is to be paid",
        payment(vs="2026118"),
        [order("A", "0", vs="2026118")],
        PaymentStatus.DUPLICATE,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_mistake(case: Case) -> None:
    keys = payment_keys(case.payment, case.rules)
    found = [order for order in case.orders if keys & order_keys(order)]
    verdict = decide(case.payment, found, case.rules)
    assert verdict.status is case.status, verdict.summary
    assert given(verdict) == case.given
    assert case.says in f"{verdict.summary}\n{reasons(verdict)}"
    if case.suggests is not None:
        assert verdict.suggestions, "a person gets no help"
        assert verdict.suggestions[0].order_numbers == case.suggests
    if case.given:
        assert not verdict.suggestions
    # The keys alone find what decides: the other orders would change nothing.
    everything = decide(case.payment, case.orders, case.rules)
    assert (everything.status, everything.runs) == (verdict.status, verdict.runs)


def test_the_order_of_the_criteria_decides_and_the_other_order_is_flagged() -> None:
    paid = payment(vs="2026118", message="objednávka 2026-119")
    orders = [order("A", vs="2026118"), order("2026-119")]
    by_symbol = decide(paid, orders, rules())
    assert given(by_symbol) == {"A": "1250"}
    assert by_symbol.flags == (
        "The payment also names 2026-119; check that the right order was paid.",
    )
    by_number = decide(paid, orders, rules(Criterion.ORDER_NUMBER, Criterion.ORDER_VARIABLE_SYMBOL))
    assert given(by_number) == {"2026-119": "1250"}
    assert "A" in by_number.flags[0]
    assert "Left: the money went to order 2026-119" in reasons(by_number)


def test_a_symbol_that_is_also_the_number_is_taken_as_the_symbol() -> None:
    paid = payment(vs="2026118", message="objednávka 2026-119")
    number_first = rules(Criterion.ORDER_NUMBER, Criterion.ORDER_VARIABLE_SYMBOL)
    orders = [order("2026-118", vs="2026118"), order("2026-119", vs="2026119")]
    assert given(decide(paid, orders, rules())) == {"2026-118": "1250"}
    assert given(decide(paid, orders, number_first)) == {"2026-119": "1250"}
    # Where no order bears it as its symbol, the field's number goes before the text's.
    orders = [order("2026-118"), order("2026-119")]
    assert given(decide(paid, orders, number_first)) == {"2026-118": "1250"}


def test_a_split_is_told_the_same_however_the_orders_come() -> None:
    paid = payment("600", message="fa 7777001, obj. 2026-1, obj. 2026-2")
    third = order("2026-3", "300", invoice_number="7777001")
    orders = [order("2026-2", "200"), third, order("2026-1", "100")]
    verdicts = [decide(paid, chosen, rules()) for chosen in permutations(orders)]
    assert all(verdict == verdicts[0] for verdict in verdicts)
    assert list(given(verdicts[0])) == ["2026-1", "2026-2", "2026-3"]
    assert verdicts[0].allotted == 600


def test_a_later_criterion_finds_a_closed_order_without_stopping_the_earlier() -> None:
    verdict = decide(
        payment(vs="2026118", message="objednávka 2026-100"),
        [order("A", vs="2026118"), order("2026-100", paid="1250")],
        rules(),
    )
    assert given(verdict) == {"A": "1250"}
    assert "2026-100" in verdict.flags[0]


def test_a_symbol_in_use_again_may_serve_from_the_day_after_the_limit() -> None:
    orders = [
        order("old", vs="4444", paid="1250", close_time=datetime(2026, 1, 1, 12, tzinfo=UTC)),
        order("new", vs="4444", order_time=datetime(2026, 1, 2, tzinfo=UTC)),
    ]
    last = date(2026, 1, 1) + timedelta(days=180)
    for day, status in (
        (last, PaymentStatus.DUPLICATE),
        (last + timedelta(days=1), PaymentStatus.MATCHED),
    ):
        assert decide(payment(vs="4444", value_date=day), orders, rules()).status is status


def test_money_can_come_on_the_day_of_the_order_by_the_payers_calendar() -> None:
    # Half past midnight in Prague is still the day before in UTC.
    late_evening = datetime(2026, 11, 19, 23, 30, tzinfo=UTC)
    verdict = decide(payment(vs="4444"), [order("A", vs="4444", order_time=late_evening)], rules())
    assert verdict.status is PaymentStatus.MATCHED
    assert late_evening.date() <= PAID_ON


@pytest.mark.parametrize("amount", ["0", "-1250"])
def test_what_did_not_come_in_is_not_decided(amount: str) -> None:
    with pytest.raises(ValueError, match="can't be of"):
        decide(payment(amount, vs="2026118"), [order("A", vs="2026118")], rules())


def test_what_names_too_many_orders_is_for_a_person() -> None:
    orders = [order(f"A{place}", str(place + 1), vs="4444") for place in range(201)]
    verdict = decide(payment("7", vs="4444"), orders, rules())
    assert verdict.status is PaymentStatus.AMBIGUOUS
    assert "more than 200" in verdict.summary
    assert given(decide(payment("7", vs="4444"), orders[:200], rules())) == {"A6": "7"}
