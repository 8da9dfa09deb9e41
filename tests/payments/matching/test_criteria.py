"""Each criterion alone: what it finds, and what it leaves."""

import pytest

from payments.matching.criteria import CRITERIA, KNOWN_CUSTOMERS_MAX, capture
from payments.matching.deciding import decide
from payments.matching.keys import order_keys, payment_keys
from payments.matching.values import (
    Criterion,
    Incoming,
    Payable,
    PaymentSource,
    PaymentStatus,
    SymbolSource,
)
from spojka.api.payments.v1 import payment_pb2
from tests.payments.matching.values import ORDERED, given, order, payment, reasons, rules

FOUND = [
    (
        Criterion.INVOICE_VARIABLE_SYMBOL,
        payment(vs="26000901"),
        order("A", invoice_variable_symbol="0026000901"),
    ),
    (Criterion.ORDER_VARIABLE_SYMBOL, payment(vs="26000901"), order("A", vs="26000901")),
    (
        Criterion.INVOICE_NUMBER,
        payment(message="fakt. FV 2026/0042"),
        order("A", invoice_number="FV-2026-0042"),
    ),
    (Criterion.ORDER_NUMBER, payment(message="obj. 2026-118"), order("2026-118")),
    (
        Criterion.GATEWAY_REFERENCE,
        payment(reference="pi_3Kx", source=PaymentSource.GATEWAY),
        order("A", gateway_reference="pi_3Kx"),
    ),
    (
        Criterion.COUNTER_ACCOUNT,
        payment(known_customers=frozenset({"eva@example.com"})),
        order("A", customer_key="eva@example.com"),
    ),
    (Criterion.MESSAGE_PATTERN, payment(message="Zak:2026-118;"), order("2026-118")),
]


@pytest.mark.parametrize(("criterion", "paid", "owed"), FOUND, ids=[str(f[0].name) for f in FOUND])
def test_each_criterion_finds_its_order_and_no_other_criterion_is_needed(
    criterion: Criterion, paid: Incoming, owed: Payable
) -> None:
    chosen = rules(criterion, message_pattern=r"Zak:([0-9-]+);")
    other = order("B", vs="999999", customer_key="jan@example.com")
    assert payment_keys(paid, chosen) & order_keys(owed)
    verdict = decide(paid, [other, owed], chosen)
    assert verdict.status is PaymentStatus.MATCHED
    assert given(verdict) == {owed.number: "1250"}
    assert [run.criterion for run in verdict.runs] == [criterion]
    assert "B:" not in reasons(verdict)


def test_every_criterion_of_the_contract_is_there() -> None:
    named = {int(value) for value in payment_pb2.Criterion.values() if value}
    assert {int(criterion) for criterion in CRITERIA} == {int(one) for one in Criterion} == named
    assert all(finder.criterion is criterion for criterion, finder in CRITERIA.items())


@pytest.mark.parametrize("source", [PaymentSource.NOTIFICATION, PaymentSource.STATEMENT])
def test_a_banks_reference_is_no_gateways(source: PaymentSource) -> None:
    verdict = decide(
        payment(reference="43233178", source=source),
        [order("A", gateway_reference="43233178")],
        rules(),
    )
    assert verdict.status is PaymentStatus.UNMATCHED


def test_a_transfer_may_bear_the_gateways_reference_end_to_end() -> None:
    owed = order("A", gateway_reference="TRX-77-PAY")
    assert given(decide(payment(end_to_end="TRX-77-PAY"), [owed], rules())) == {"A": "1250"}
    nothing = order("B", gateway_reference="NOTPROVIDED")
    verdict = decide(payment(end_to_end="NOTPROVIDED"), [nothing], rules())
    assert verdict.status is PaymentStatus.UNMATCHED


class TestCounterAccount:
    eva = frozenset({"eva@example.com"})
    alone = rules(Criterion.COUNTER_ACCOUNT)

    def test_two_orders_of_the_amount_are_ambiguous(self) -> None:
        orders = [order(name, customer_key="eva@example.com") for name in "AB"]
        verdict = decide(payment(known_customers=self.eva), orders, self.alone)
        assert verdict.status is PaymentStatus.AMBIGUOUS

    def test_another_amount_is_never_paid_by_the_account_alone(self) -> None:
        verdict = decide(
            payment("1000", known_customers=self.eva),
            [order("A", customer_key="eva@example.com")],
            self.alone,
        )
        assert (verdict.status, given(verdict)) == (PaymentStatus.UNMATCHED, {})
        assert "counts only for exactly the amount" in reasons(verdict)

    def test_orders_paid_before_do_not_stop_it(self) -> None:
        orders = [
            order("A", customer_key="eva@example.com"),
            order("B", paid="1250", customer_key="eva@example.com"),
            order("C", cancelled=True, close_time=ORDERED, customer_key="eva@example.com"),
        ]
        verdict = decide(payment(known_customers=self.eva), orders, self.alone)
        assert given(verdict) == {"A": "1250"}
        # They need not be found at all: a good customer has hundreds.
        assert [one.order_number for one in verdict.runs[0].candidates] == ["A"]

    def test_it_does_not_win_over_an_order_that_the_payment_names(self) -> None:
        orders = [order("A", "2000", vs="2026118"), order("B", customer_key="eva@example.com")]
        every = rules(Criterion.COUNTER_ACCOUNT, Criterion.ORDER_VARIABLE_SYMBOL)
        verdict = decide(payment(vs="2026118", known_customers=self.eva), orders, every)
        assert verdict.status is PaymentStatus.AMBIGUOUS

    def test_an_account_that_paid_for_many_says_nothing(self) -> None:
        many = frozenset(f"{place}@example.com" for place in range(KNOWN_CUSTOMERS_MAX + 1))
        verdict = decide(
            payment(known_customers=many), [order("A", customer_key="1@example.com")], self.alone
        )
        assert verdict.status is PaymentStatus.UNMATCHED


class TestMessagePattern:
    def test_what_it_captures_is_any_symbol_or_number(self) -> None:
        chosen = rules(Criterion.MESSAGE_PATTERN, message_pattern="<(.*?)>")
        for owed in (
            order("A", vs="26000901"),
            order("B", invoice_variable_symbol="26000901"),
            order("C", invoice_number="26000901"),
            order("26000901"),
        ):
            verdict = decide(payment(message="x <26000901> y"), [owed], chosen)
            assert verdict.status is PaymentStatus.MATCHED

    @pytest.mark.parametrize("pattern", ["", "(", "no group", "(two) (groups)"])
    def test_a_pattern_without_exactly_one_group_finds_nothing(self, pattern: str) -> None:
        assert capture(pattern, "two groups, no group") == ""

    def test_no_pattern_takes_long(self) -> None:
        # A backtracking engine would not live to see the end of this one.
        assert capture("((?:a*)*)b", "a" * 100_000) == ""

    def test_a_group_that_took_no_part_captures_nothing(self) -> None:
        assert capture("x|(y)", "x") == ""


def test_a_symbol_from_the_text_is_weaker_than_one_from_the_field() -> None:
    in_text = payment(vs="2026118", symbol_source=SymbolSource.MESSAGE, message="x")
    assert "VS 2026118 in the payer's text" in reasons(
        decide(in_text, [order("A", vs="2026118")], rules())
    )
