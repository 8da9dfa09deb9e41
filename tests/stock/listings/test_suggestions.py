"""Which items are suggested, and why."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from stock.listings.pairing import Keys
from stock.listings.suggestions import (
    SUGGESTIONS_MAX,
    Candidate,
    Search,
    Suggestion,
    loose_eans,
)


def candidate(place: int, number: str = "", ean: str = "", name: str = "") -> Candidate:
    return Candidate(UUID(int=place), number, ean, name)


def suggest(keys: Keys, name: str, *parts: list[Candidate]) -> list[Suggestion]:
    search = Search(keys, name)
    for part in parts:
        search.consider(part)
    return search.suggestions()


def test_a_number_written_otherwise_comes_first() -> None:
    items = [
        candidate(1, "TRI-99", name="Tričko modré bavlněné"),
        candidate(2, "0012 AB", name="Něco jiného"),
    ]
    first, second = suggest(Keys("12/ab", ""), "Modre tricko", items)
    assert (first.candidate, second.candidate) == (items[1], items[0])
    assert "'12/ab' and '0012 AB' differ only" in first.reason
    assert second.reason == "the names have 2 of 2 words in common"


def test_an_ean_without_its_check_digit_or_with_zeros_is_seen() -> None:
    item = candidate(1, ean="8594001234561")
    for written in ("859400123456", "08594001234561"):
        [suggestion] = suggest(Keys("", written), "", [item])
        assert "differ only in a check digit or zeros" in suggestion.reason
    short = candidate(2, ean="036000291452")
    [suggestion] = suggest(Keys("", "36000291452"), "", [short])
    assert suggestion.candidate == short


def test_keys_that_are_the_same_are_said_to_be() -> None:
    """The connection pairs by the other key alone: that is why a person is asked."""
    item = candidate(1, "A-1", ean="8594001234561")
    [suggestion] = suggest(Keys(" A-1", "8594001234561 "), "", [item])
    assert (
        suggestion.reason == "both have the product number 'A-1'; both have the EAN 8594001234561"
    )


def test_what_resembles_nothing_is_not_suggested() -> None:
    assert suggest(Keys("X", ""), "Hrnek", [candidate(1, "Y", name="Talíř")]) == []
    assert suggest(Keys("", ""), "", [candidate(1), candidate(2, "A")]) == []


texts = st.text("aá1-. 0", max_size=12)


@given(
    st.builds(Keys, texts, texts),
    texts,
    st.lists(st.builds(candidate, st.integers(1, 99), texts, texts, texts), max_size=30),
)
def test_suggestions_are_few_and_each_has_a_reason(
    keys: Keys, name: str, items: list[Candidate]
) -> None:
    suggestions = suggest(keys, name, items)
    assert len(suggestions) <= SUGGESTIONS_MAX
    assert all(suggestion.reason and suggestion.candidate in items for suggestion in suggestions)


@given(
    st.builds(Keys, texts, texts),
    texts,
    st.lists(st.builds(candidate, st.integers(1, 99), texts, texts, texts), max_size=30),
    st.integers(0, 30),
)
def test_the_parts_of_the_catalogue_make_no_difference(
    keys: Keys, name: str, items: list[Candidate], cut: int
) -> None:
    assert suggest(keys, name, items[:cut], items[cut:]) == suggest(keys, name, items)


@given(st.text(max_size=30))
def test_any_text_may_stand_for_an_ean(text: str) -> None:
    assert all(form.isdigit() for form in loose_eans(text))
