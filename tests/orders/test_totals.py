"""What the lines come to, and which contents are refused."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.domain.checks import violations
from orders.domain.content import Line, LineKind, References, Wish
from orders.domain.total import total_of
from tests.orders.values import NOW, content, goods

prices = st.decimals(min_value=-1000, max_value=1000, places=6)
rates = st.none() | st.sampled_from([Decimal(0), Decimal(12), Decimal(21), Decimal("5.5")])
lines = st.builds(
    lambda quantity, price, rate: replace(
        goods(), quantity=quantity, unit_price=price, vat_rate=rate
    ),
    st.decimals(min_value=0, max_value=1000, places=6),
    prices,
    rates,
)


def exact(line: Line, *, included: bool) -> Fraction:
    price = Fraction(line.quantity) * Fraction(line.unit_price)
    return price if included else price * (1 + Fraction(line.vat_rate or 0) / 100)


@given(st.lists(lines, max_size=20), st.booleans())
def test_the_total_is_the_exact_sum_rounded_half_up_once(many: list[Line], included: bool) -> None:
    total = total_of(many, prices_include_vat=included)
    exactly = sum((exact(line, included=included) for line in many), start=Fraction(0))
    left = abs(Fraction(total)) - abs(exactly)
    assert -Fraction(5, 1000) < left <= Fraction(5, 1000)
    assert total.as_tuple().exponent == -2


def test_half_a_cent_goes_up() -> None:
    assert total_of([goods(quantity="1", price="0.005")], prices_include_vat=True) == Decimal(
        "0.01"
    )


def test_vat_is_added_where_prices_are_without_it() -> None:
    line = goods(quantity="3", price="10.10")
    assert total_of([line], prices_include_vat=False) == Decimal("36.66")
    assert total_of([line], prices_include_vat=True) == Decimal("30.30")


def test_the_greatest_numbers_of_the_contracts_are_added_exactly() -> None:
    most = replace(
        goods(quantity="9" * 15 + ".999999", price="9" * 15 + ".999999"),
        vat_rate=Decimal("99.999999"),
    )
    fraction = exact(most, included=False) * 500
    total = total_of([most] * 500, prices_include_vat=False)
    assert abs(Fraction(total) - fraction) <= Fraction(5, 1000)


def fields(*many: Line, **changes: object) -> list[str]:
    wish = Wish(replace(content(*many), **changes), None, References())  # type: ignore[arg-type]
    return [violation.field for violation in violations(wish, NOW)]


SHIPPING = replace(goods("s"), kind=LineKind.SHIPPING, product_number="")


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        (replace(goods(), product_number=""), ["lines[0]"]),
        (replace(goods(), product_number="", listing_id="L1"), []),
        (replace(goods(), product_number="", ean="8590000000000"), []),
        (SHIPPING, []),
        (replace(SHIPPING, ean="8590000000000"), ["lines[0].ean"]),
        (replace(goods(), unit_price=Decimal(-1)), ["lines[0].unit_price"]),
        (replace(SHIPPING, kind=LineKind.DISCOUNT, unit_price=Decimal(-1)), []),
        (replace(goods(), vat_rate=Decimal("100.01")), ["lines[0].vat_rate"]),
        (replace(goods(), quantity=Decimal(10) ** 9), []),
        (replace(goods(), quantity=Decimal("1000000000.000001")), ["lines[0].quantity"]),
    ],
)
def test_each_line_is_judged_by_its_kind(line: Line, wrong: list[str]) -> None:
    assert fields(line) == wrong


def test_an_id_used_twice_is_named_where_it_comes_again() -> None:
    assert fields(goods("1"), goods("2"), goods("1")) == ["lines[2].id"]


def test_currency_and_total_are_judged() -> None:
    assert fields(currency="ABC") == ["currency"]
    assert fields(total=Decimal("-0.01")) == ["total"]
    assert fields(total=Decimal(10) ** 15) == ["total"]
    assert fields(currency="EUR", total=Decimal(0)) == []
