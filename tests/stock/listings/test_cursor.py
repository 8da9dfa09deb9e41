"""Resume tokens."""

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spojka.errors import InvalidArgument
from stock.domain.availability import Aggregation
from stock.listings.cursor import Cursor, fingerprint, parse_cursor
from stock.listings.offers import OfferRule, Terms

transactions = st.integers(0, 2**62)


@given(st.integers(1), transactions, transactions, st.text(st.characters(exclude_characters="\0")))
def test_a_token_is_the_cursor(epoch: int, one: int, other: int, after: str) -> None:
    cursor = Cursor("eshop", epoch, "abc", min(one, other), max(one, other), after)
    assert parse_cursor(cursor.token(), "eshop") == cursor


def test_no_token_is_the_beginning() -> None:
    assert parse_cursor("", "eshop") is None


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "WyJhIl0",
        Cursor("market", 1, "abc").token(),
        Cursor("eshop", 1, "abc", 5, 4).token(),
        Cursor("eshop", 1, "abc", 0, 2**63).token(),
        Cursor("eshop", 1, "abc", 0, 1, "a\0").token(),
    ],
)
def test_a_foreign_token_is_refused_by_name(token: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        parse_cursor(token, "eshop")
    assert [violation.field for violation in refused.value.violations] == ["resume_token"]


def test_whatever_changes_all_offers_changes_the_fingerprint() -> None:
    terms = Terms(Aggregation.SUM, Decimal(0))
    one = UUID(int=1)
    seen = {
        fingerprint(OfferRule(), {}),
        fingerprint(OfferRule(), {one: terms}),
        fingerprint(OfferRule(), {one: Terms(Aggregation.MAX, Decimal(0))}),
        fingerprint(OfferRule(), {one: Terms(Aggregation.SUM, Decimal(1))}),
        fingerprint(OfferRule(), {one: Terms(Aggregation.SUM, Decimal(0), current=False)}),
        fingerprint(OfferRule(warehouses=frozenset({"A"})), {}),
        fingerprint(OfferRule(buffer=Decimal(1)), {}),
        fingerprint(OfferRule(percent=50), {}),
        fingerprint(OfferRule(maximum=Decimal(1)), {}),
        fingerprint(OfferRule(fractions=True), {}),
    }
    assert len(seen) == 10
