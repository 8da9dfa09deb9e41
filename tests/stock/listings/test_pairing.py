"""Pairing is a function of keys, items and the connection's order."""

import unicodedata
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from stock.listings.pairing import (
    Catalogue,
    ItemKeys,
    Keys,
    Link,
    LinkSource,
    Pairing,
    Unpaired,
)

RIGHT_EANS = ("8594001234561", "4006381333931", "73513537", "036000291452")
NUMBERS = ("", "A-1", " a-1 ", "A-2", "Č 7", "č  7")

numbers = st.sampled_from(NUMBERS)
eans = st.sampled_from(("", *RIGHT_EANS, "4006381333932", "12", "abc"))
keys = st.builds(Keys, numbers, eans)
pairings = st.sampled_from(list(Pairing))


@st.composite
def catalogues(draw: st.DrawFn) -> tuple[dict[UUID, ItemKeys], Pairing]:
    number_keys = draw(st.lists(st.sampled_from(("a-1", "a-2", "č 7")), unique=True))
    gtins = draw(
        st.lists(
            st.sampled_from([gtin for ean in RIGHT_EANS if (gtin := Keys("", ean).gtin)]),
            unique=True,
            min_size=len(number_keys),
            max_size=len(number_keys),
        )
    )
    items = [
        ItemKeys(UUID(int=place + 1), number, draw(st.sampled_from((gtin, None))))
        for place, (number, gtin) in enumerate(zip(number_keys, gtins, strict=True))
    ]
    return {item.id: item for item in items}, draw(pairings)


@given(catalogues(), keys)
def test_the_first_key_that_finds_an_item_decides(
    items_and_pairing: tuple[dict[UUID, ItemKeys], Pairing], keys: Keys
) -> None:
    items, pairing = items_and_pairing
    outcome = Catalogue(items, pairing).pair(keys)
    expected = [
        Link(item.id, source)
        for source in pairing.sources
        for item in items.values()
        if (source is LinkSource.PRODUCT_NUMBER and keys.number_key == item.number_key)
        or (source is LinkSource.EAN and keys.gtin is not None and keys.gtin == item.gtin)
    ]
    if expected:
        assert outcome == expected[0]
    else:
        assert isinstance(outcome, Unpaired)
        assert outcome.problem.count(";") == len(pairing.sources) - 1


@given(catalogues(), keys, keys)
def test_an_established_link_survives_while_its_key_matches(
    items_and_pairing: tuple[dict[UUID, ItemKeys], Pairing], before: Keys, after: Keys
) -> None:
    items, pairing = items_and_pairing
    catalogue = Catalogue(items, pairing)
    link = catalogue.pair(before)
    if isinstance(link, Unpaired):
        return
    # The same key again, written otherwise, and whatever else changed: the link stays.
    same = (
        Keys(f" {before.product_number.upper()} ", after.ean)
        if link.source is LinkSource.PRODUCT_NUMBER
        else Keys(after.product_number, before.ean)
    )
    assert catalogue.relink(link, same) == link
    # Once the item is gone the listing is paired anew, as if it had never been linked.
    rest = {key: item for key, item in items.items() if key != link.item_id}
    assert Catalogue(rest, pairing).relink(link, same) == Catalogue(rest, pairing).pair(same)


@given(catalogues(), keys)
def test_a_link_by_hand_survives_everything(
    items_and_pairing: tuple[dict[UUID, ItemKeys], Pairing], keys: Keys
) -> None:
    manual = Link(UUID(int=99), LinkSource.MANUAL)
    assert Catalogue(*items_and_pairing).relink(manual, keys) == manual


def test_an_item_without_ean_is_not_found_by_a_listing_without_one() -> None:
    item = ItemKeys(UUID(int=1), "a-1", None)
    catalogue = Catalogue({item.id: item}, Pairing.EAN)
    assert catalogue.pair(Keys("a-1", "")) == Unpaired("it has no EAN")
    assert catalogue.relink(Link(item.id, LinkSource.EAN), Keys("a-1", "")) == Unpaired(
        "it has no EAN"
    )


def test_a_number_is_the_same_however_its_accents_are_composed() -> None:
    composed, decomposed = (
        Keys(unicodedata.normalize(form, "Klíč-Ž1"), "") for form in ("NFC", "NFD")
    )
    assert composed != decomposed
    assert composed.number_key == decomposed.number_key


def test_problems_say_what_is_wrong() -> None:
    catalogue = Catalogue({}, Pairing.PRODUCT_NUMBER_THEN_EAN)

    def problem(number: str, ean: str) -> str:
        outcome = catalogue.pair(Keys(number, ean))
        assert isinstance(outcome, Unpaired)
        return outcome.problem

    assert problem("X", "8594001234561") == (
        "no item has the product number 'X'; EAN 8594001234561 is on no item"
    )
    assert problem("", "8594001234562") == (
        "it has no product number; EAN 8594001234562 has a wrong check digit"
    )
    assert problem("", "0000000000000").endswith("is not an EAN (8, 12, 13 or 14 digits)")
    assert problem("", "12").endswith("'12' is not an EAN (8, 12, 13 or 14 digits)")
