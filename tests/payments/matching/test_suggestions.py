"""What a person is offered; nothing of it happens by itself."""

import pytest

from payments.matching.criteria import KNOWN_CUSTOMERS_MAX
from payments.matching.deciding import decide
from payments.matching.keys import (
    NEAR_SYMBOLS_MAX,
    PAYMENT_KEYS_MAX,
    near_symbols,
    order_keys,
    payer_keys,
    payment_keys,
)
from payments.matching.suggesting import SUGGESTIONS_MAX
from payments.matching.values import Payable, PaymentMethod, PaymentStatus
from tests.payments.matching.values import ALL, order, payment, rules, suggested, suggestion_keys

EVA = frozenset({"eva@example.com"})


@pytest.mark.parametrize("slip", ["2026117", "202618", "20261188", "2026181", "2206118"], ids=str)
def test_a_symbol_one_slip_away_of_the_exact_amount(slip: str) -> None:
    paid, owed = payment(vs=slip), order("A", vs="2026118")
    assert suggestion_keys(paid) & order_keys(owed)
    verdict = decide(paid, [owed], rules())
    assert (verdict.status, suggested(verdict)) == (PaymentStatus.UNMATCHED, [("A",)])
    assert f"one slip away from the variable symbol {slip}" in verdict.suggestions[0].reason


@pytest.mark.parametrize(
    "owed",
    [
        order("A", "1251", vs="2026118"),
        order("A", vs="2026118", currency="EUR"),
        order("A", vs="2026118", paid="1250"),
        order("A", vs="2026118", method=PaymentMethod.MARKETPLACE),
        order("A", vs="2026199"),
    ],
    ids=["amount", "currency", "paid", "marketplace", "two slips"],
)
def test_near_is_not_enough(owed: Payable) -> None:
    assert suggested(decide(payment(vs="2026117"), [owed], rules())) == []


def test_the_payers_open_order_of_the_exact_amount() -> None:
    paid = payment(known_customers=EVA)
    owed = order("A", customer_key="eva@example.com")
    assert suggestion_keys(paid) & order_keys(owed)
    verdict = decide(paid, [owed], rules())
    assert (verdict.status, suggested(verdict)) == (PaymentStatus.UNMATCHED, [("A",)])


def test_several_orders_of_one_payer_that_sum_up() -> None:
    orders = [
        order("A", "300", customer_key="eva@example.com"),
        order("B", "950", customer_key="eva@example.com"),
        order("C", "777", customer_key="eva@example.com"),
        order("D", "300", customer_key="jan@example.com"),
    ]
    verdict = decide(payment(known_customers=EVA), orders, rules())
    assert (verdict.status, suggested(verdict)) == (PaymentStatus.UNMATCHED, [("A", "B")])
    assert "owe 1 250.00 CZK together" in verdict.suggestions[0].reason


def test_a_pair_that_was_ruled_out_is_not_offered_again() -> None:
    orders = [order("A", vs="2026118", customer_key="eva@example.com")]
    paid = payment(vs="2026117", known_customers=EVA, never=frozenset({"id-A"}))
    assert suggested(decide(paid, orders, rules())) == []


def test_they_are_few() -> None:
    orders = [order(f"A{place:03}", customer_key="eva@example.com") for place in range(150)]
    verdict = decide(payment(known_customers=EVA), orders, rules())
    assert len(verdict.suggestions) == SUGGESTIONS_MAX


def test_neighbours_are_mutual_and_bounded() -> None:
    for symbol in ("2026", "1000000000", "9999999999", "123456"):
        near = near_symbols(symbol)
        assert symbol not in near
        assert all(symbol in near_symbols(other) for other in near if len(other) >= 4)
    assert near_symbols("308") == frozenset()


def test_keys_are_bounded_whatever_the_payment_says() -> None:
    numbers = " ".join(str(1_000_000_000 + place) for place in range(5000))
    paid = payment(
        vs="9876543210",
        message=numbers,
        end_to_end=numbers,
        known_customers=frozenset(f"{place}@example.com" for place in range(500)),
    )
    keys = payment_keys(paid, rules(*ALL, message_pattern="([0-9]+)"))
    assert 100 < len(keys) <= PAYMENT_KEYS_MAX
    assert 100 < len(near_symbols(paid.variable_symbol)) <= NEAR_SYMBOLS_MAX
    assert len(payer_keys(paid)) == KNOWN_CUSTOMERS_MAX
