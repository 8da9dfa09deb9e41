"""Which items an unlinked listing may be, best first, each with the reason: pure."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from spojka.values import gtin_key
from stock.listings.pairing import Keys

SUGGESTIONS_MAX: Final = 10
WORDS_MAX: Final = 8
LEAST_SIMILARITY: Final = 0.4

_NOT_ALPHANUMERIC: Final = re.compile(r"[^0-9a-z]+")
_WORD: Final = re.compile(r"[0-9a-z]{2,}")
_GTIN_DATA_LENGTHS: Final = (7, 11, 12, 13)
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


def fold(text: str) -> str:
    """Lower case without diacritics."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def loose_number(text: str) -> str:
    """A product number without case, diacritics, separators and leading zeros."""
    return _NOT_ALPHANUMERIC.sub("", fold(text)).lstrip("0")


def loose_gtins(ean: str) -> list[str]:
    """The GTINs that an EAN may stand for which lacks its check digit or has more or fewer zeros.

    Source: GS1 General Specifications, section 7.9 (check digit).
    """
    digits = "".join(letter for letter in ean if letter in "0123456789")
    bare = digits.lstrip("0")
    forms = [bare.rjust(length, "0") for length in _GTIN_LENGTHS if len(bare) <= length]
    # The check digit is that which one of ten forms has right.
    if len(digits) in _GTIN_DATA_LENGTHS:
        forms += [f"{digits}{check}" for check in "0123456789"]
    found = (gtin_key(form) for form in forms)
    return sorted({gtin for gtin in found if gtin is not None})


def words(name: str) -> list[str]:
    """The telling words of a name, longest first, each once, at most WORDS_MAX."""
    distinct = dict.fromkeys(_WORD.findall(fold(name)))
    return sorted(distinct, key=lambda word: (-len(word), word))[:WORDS_MAX]


def suggest(keys: Keys, name: str, candidates: Iterable[Candidate]) -> list[Suggestion]:
    """The candidates that resemble a listing, best first, at most SUGGESTIONS_MAX."""
    gtins = frozenset(loose_gtins(keys.ean))
    number, wanted = loose_number(keys.product_number), words(name)
    ranked: list[tuple[float, str, Suggestion]] = []
    for candidate in candidates:
        score, reason = _resemblance(keys, number, gtins, wanted, candidate)
        if reason:
            ranked.append((-score, candidate.product_number, Suggestion(candidate, reason)))
    ranked.sort(key=lambda entry: entry[:2])
    return [suggestion for _score, _number, suggestion in ranked[:SUGGESTIONS_MAX]]


def _resemblance(
    keys: Keys, number: str, gtins: frozenset[str], wanted: Sequence[str], candidate: Candidate
) -> tuple[float, str]:
    # A key that agrees outweighs any name; a name on top of it tells two such apart.
    shared, share = _shared_words(wanted, words(candidate.name))
    reasons = []
    score = share
    if number and number == loose_number(candidate.product_number):
        score += 4
        reasons.append(
            f"the product numbers {keys.product_number.strip()!r} and"
            f" {candidate.product_number!r} differ only in case, separators or leading zeros"
        )
    if gtins & set(loose_gtins(candidate.ean)):
        score += 2
        reasons.append(
            f"the EANs {keys.ean.strip()} and {candidate.ean} differ only in a check digit or zeros"
        )
    if share >= LEAST_SIMILARITY:
        reasons.append(f"the names have {shared} of {len(wanted)} words in common")
    return score, "; ".join(reasons)


def _shared_words(wanted: Sequence[str], present: Sequence[str]) -> tuple[int, float]:
    # Long words tell more than short ones.
    if not wanted or not present:
        return 0, 0.0
    common = set(wanted) & set(present)
    union = set(wanted) | set(present)
    return len(common), sum(map(len, common)) / sum(map(len, union))
