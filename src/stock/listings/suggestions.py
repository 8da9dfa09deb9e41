"""Which items an unlinked listing may be, best first, each with the reason: pure."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from spojka.values import gtin_key
from stock.listings.pairing import Keys

SUGGESTIONS_MAX: Final = 10
LEAST_LIKENESS: Final = 0.4

_DIACRITICS: Final = re.compile("[\u0300-\u036f]")
_SEPARATORS: Final = re.compile(r"[\W_]+")
_WORD: Final = re.compile(r"[^\W_]{2,}")
_GTIN_DATA_LENGTHS: Final = frozenset({7, 11, 12, 13})
_GTIN_LENGTHS: Final = (8, 12, 13, 14)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item that may be it."""

    item_id: UUID
    product_number: str
    ean: str
    name: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An item with the reason why it is suggested."""

    candidate: Candidate
    reason: str


class Search:
    """Goes through a catalogue in parts and keeps the items that resemble a listing most."""

    def __init__(self, keys: Keys, name: str) -> None:
        """Take what the listing says of itself."""
        self._keys = keys
        self._number = loose_number(keys.product_number)
        self._eans = loose_eans(keys.ean)
        self._words = _words(name)
        self._best: list[tuple[float, str, Candidate]] = []

    def consider(self, candidates: Iterable[Candidate]) -> None:
        """Look at a part of the catalogue."""
        for candidate in candidates:
            score = self._score(candidate)
            if score:
                self._best.append((-score, candidate.product_number, candidate))
        self._best.sort(key=lambda entry: entry[:2])
        del self._best[SUGGESTIONS_MAX:]

    def suggestions(self) -> list[Suggestion]:
        """The best of those that were considered, at most SUGGESTIONS_MAX."""
        return [
            Suggestion(candidate, "; ".join(self._reasons(candidate)))
            for _score, _number, candidate in self._best
        ]

    def _score(self, candidate: Candidate) -> float:
        # A key that agrees outweighs any name; a name on top of it tells two such apart.
        keys = 4 * self._same_number(candidate) + 2 * self._same_ean(candidate)
        likeness = self._likeness(candidate)
        return keys + likeness if keys or likeness >= LEAST_LIKENESS else 0

    def _reasons(self, candidate: Candidate) -> Iterator[str]:
        number, ean = self._keys.product_number.strip(), self._keys.ean.strip()
        if self._same_number(candidate):
            yield (
                f"both have the product number {number!r}"
                if number == candidate.product_number
                else f"the product numbers {number!r} and {candidate.product_number!r} differ only"
                " in case, separators or leading zeros"
            )
        if self._same_ean(candidate):
            yield (
                f"both have the EAN {ean}"
                if ean == candidate.ean
                else f"the EANs {ean} and {candidate.ean} differ only in a check digit or zeros"
            )
        if self._likeness(candidate) >= LEAST_LIKENESS:
            common = len(self._words & _words(candidate.name))
            yield f"the names have {common} of {len(self._words)} words in common"

    def _same_number(self, candidate: Candidate) -> bool:
        return bool(self._number) and self._number == loose_number(candidate.product_number)

    def _same_ean(self, candidate: Candidate) -> bool:
        return bool(self._eans and candidate.ean) and _bare_digits(candidate.ean) in self._eans

    def _likeness(self, candidate: Candidate) -> float:
        # The share of letters in common words: long words tell more than short ones.
        if not self._words:
            return 0.0
        present = _words(candidate.name)
        common = sum(map(len, self._words & present))
        return common / sum(map(len, self._words | present)) if common else 0.0


def fold(text: str) -> str:
    """Lower case without diacritics."""
    if text.isascii():
        return text.lower()
    return _DIACRITICS.sub("", unicodedata.normalize("NFKD", text.casefold()))


def loose_number(text: str) -> str:
    """A product number without case, diacritics, separators and leading zeros."""
    return _SEPARATORS.sub("", fold(text)).lstrip("0")


def loose_eans(ean: str) -> frozenset[str]:
    """How an item's EAN may be written, without leading zeros, that is the one meant by `ean`.

    Either of the two may lack its check digit, or have more or fewer zeros.
    Source: GS1 General Specifications, section 7.9 (check digit).
    """
    digits = "".join(letter for letter in ean if letter in "0123456789")
    bare = digits.lstrip("0")
    forms = [bare.rjust(length, "0") for length in _GTIN_LENGTHS if len(bare) <= length]
    # The check digit is the one of ten that is right.
    if len(digits) in _GTIN_DATA_LENGTHS:
        forms += [f"{digits}{check}" for check in "0123456789"]
    gtins = {gtin for form in forms if (gtin := gtin_key(form)) is not None}
    whole = {gtin.lstrip("0") for gtin in gtins}
    return frozenset(whole | {gtin[:-1].lstrip("0") for gtin in gtins})


def _bare_digits(ean: str) -> str:
    return "".join(letter for letter in ean if letter in "0123456789").lstrip("0")


def _words(name: str) -> set[str]:
    return set(_WORD.findall(fold(name)))
