"""Two orders differ exactly where they do."""

from dataclasses import fields, replace
from datetime import timedelta

import pytest

from orders.domain.content import Address, Content, References
from orders.domain.difference import DIFFERENCES_NAMED_MAX, differences, in_words
from tests.orders.values import NOW, content, goods, wish

OTHER = {
    "number": "other",
    "currency": "EUR",
    "prices_include_vat": False,
    "billing_address": Address(city="Brno"),
    "shipping_address": Address(city="Brno"),
    "note": "other",
    "shipping_method": "other",
    "payment_method_name": "other",
}


@pytest.mark.parametrize("name", OTHER)
def test_a_field_that_differs_is_named(name: str) -> None:
    told = replace(wish(), content=replace(content(), **{name: OTHER[name]}))  # type: ignore[arg-type]
    assert differences(wish(), told) == [name]


def test_every_field_of_the_content_is_compared() -> None:
    nothing = Content(*[None] * len(fields(Content)))  # type: ignore[arg-type]
    told = replace(wish(), content=nothing)
    assert differences(wish(), told) == [
        field.name for field in fields(Content) if "address" not in field.name
    ]


def test_nested_fields_are_named_by_their_path() -> None:
    told = wish(goods("1"), replace(goods("2"), name="other", unit="m"))
    assert differences(wish(goods("1"), goods("2")), told) == ["lines[1].name", "lines[1].unit"]


def test_a_line_more_is_a_difference_of_the_lines() -> None:
    assert differences(wish(goods("1")), wish(goods("1"), goods("2"))) == ["lines"]


def test_what_is_not_told_is_no_difference() -> None:
    known = replace(wish(), order_time=NOW, references=References(variable_symbol="1"))
    assert differences(known, wish()) == []
    assert differences(known, replace(wish(), order_time=NOW)) == []
    told = replace(
        wish(), order_time=NOW + timedelta(1), references=References("2", gateway_reference="g")
    )
    assert differences(known, told) == [
        "order_time",
        "references.variable_symbol",
        "references.gateway_reference",
    ]


def test_many_differences_are_cut() -> None:
    paths = [str(number) for number in range(DIFFERENCES_NAMED_MAX + 3)]
    assert in_words(paths).endswith("19 and 3 more")
