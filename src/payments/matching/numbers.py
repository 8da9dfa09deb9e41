"""Order and invoice numbers and symbols as people write them, in the form in which they compare."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final, NamedTuple

from spojka.values import symbol_key

SYMBOL_DIGITS_MAX: Final = 10
TEXT_CHARACTERS_MAX: Final = 1000
"""Of a message; the longest that banks carry has 4 × 35 of them."""
NUMBER_CHARACTERS_MAX: Final = 32
NAMED_MAX: Final = 40
"""Numbers taken from one text: far above what anyone writes into a message."""
PLAIN_DIGITS_MIN: Final = 4
"""A shorter number is more likely a date or a house."""
JOINED_WORDS_MAX: Final = 3
PREFIX_LETTERS_MAX: Final = 8
FOLLOWING_WORDS_MAX: Final = 8
"""Looked at for what continues a number, words that say nothing included."""

# What stands before a number and says what the number is.
_MARKS: Final = frozenset(
    {
        *("FAKTURA", "FAKTURY", "FAKTURU", "FAKTURE", "FAKT", "FAK", "FA", "FACT", "FACTURA"),
        *("INVOICE", "INV", "ORDER", "COMANDA"),
        *("OBJ", "OBJEDNAVKA", "OBJEDNAVKY", "OBJEDNAVKU", "OBJEDNAVKE"),
    }
)
# What may stand before or within a number and says nothing.
_DROPPED: Final = _MARKS | {"CV", "PLATA", "C", "NR", "NO", "SERIA", "CISLO"}
_UNDECOMPOSED: Final = str.maketrans("łŁđĐøØ", "lLdDoO")
_ACCENTS: Final = re.compile("[\u0300-\u036f]+")
_RUNS: Final = re.compile(r"[A-Z]+|[0-9]+")
# A word of a text; signs within it hold it together: FCT-2026/0147.
_WORD: Final = re.compile(r"[A-Z0-9]+(?:[-/._][A-Z0-9]+)*")
_DIGIT: Final = re.compile(r"[0-9]")
_HELD: Final = re.compile(r"[-/._]")
_CANONICAL: Final = re.compile(r"([A-Z]*)0*([0-9][A-Z0-9]*)\Z")
_SYMBOL_IN_TEXT: Final = re.compile(
    r"(?<![A-Z0-9])(?:V ?\.? ?S|VARIAB[A-Z]*(?: SYMBOL[A-Z]*)?)[ .:/#=-]{0,3}([0-9]{1,20})(?![0-9])"
)
# 26000901+902: the second differs in its last digits alone.
_ABBREVIATED: Final = re.compile(r"(?<![A-Z0-9])([0-9]{5,10}) ?[+&] ?([0-9]{1,4})(?![A-Z0-9])")
# ISO 11649: RF, two check digits, and the reference.
_CREDITOR: Final = re.compile(r"RF[0-9]{2}([A-Z0-9]{1,21})\Z")


class NamedNumber(NamedTuple):
    """A number that a text names."""

    key: str
    """In the form in which numbers compare."""
    marked: bool
    """Whether a word, a sign or letters of its own say that it is a number of this kind."""


def fold(text: str) -> str:
    """Upper case without accents."""
    if text.isascii():
        return text.upper()
    plain = unicodedata.normalize("NFKD", text.translate(_UNDECOMPOSED))
    return _ACCENTS.sub("", plain).upper()


def readable(text: str) -> str:
    """A text as the others here read it: folded, single blanks, cut; empty without a digit."""
    folded = fold(text[:TEXT_CHARACTERS_MAX])
    return " ".join(folded.replace("C/V", " ").split()) if _DIGIT.search(folded) else ""


def valid_symbol(text: str) -> str:
    """A symbol without leading zeros; empty where there is none or it is longer than 10 digits."""
    symbol = text.lstrip("0") if text.isascii() and text.isdigit() else symbol_key(text)
    return symbol if len(symbol) <= SYMBOL_DIGITS_MAX else ""


def number_key(number: str) -> str:
    """The form in which an order's or invoice's number compares; empty where it has no digit.

    Letters and digits alone, upper case, without words such as "faktura" and
    "č.", and without zeros before the first digits: "FV-2026-0042" is FV20260042,
    "seria ABC nr 000123" is ABC123.
    """
    if number.isascii() and number.isdigit():
        return _canonical(number)
    runs = _RUNS.findall(fold(number))
    return _canonical("".join(run for run in runs if run not in _DROPPED))


def _canonical(joined: str) -> str:
    found = _CANONICAL.match(joined)
    if found is None or len(joined) > NUMBER_CHARACTERS_MAX:
        return ""
    return found[1] + found[2]


def named_symbols(text: str) -> tuple[str, ...]:
    """The variable symbols that a readable text names as such: "VS 123", "v.s.123", "/VS0123"."""
    found = (valid_symbol(symbol) for symbol in _SYMBOL_IN_TEXT.findall(text))
    return tuple(dict.fromkeys(symbol for symbol in found if symbol))[:NAMED_MAX]


def named_numbers(text: str) -> tuple[NamedNumber, ...]:
    """The numbers that a readable text names, in its order, at most NAMED_MAX."""
    found: dict[str, bool] = {}
    for key, marked in _numbers(text):
        if len(found) == NAMED_MAX and key not in found:
            break
        found[key] = marked or found.get(key, False)
    return tuple(NamedNumber(key, marked) for key, marked in found.items())


def _numbers(text: str) -> Iterator[tuple[str, bool]]:
    words = [_Word.of(found) for found in _WORD.findall(text)]
    for place, word in enumerate(words):
        if not word.joined:
            continue
        marked = word.marked or _mark_before(words, place)
        if not word.joined.isalpha():
            yield from _strong_enough(word.joined, marked=marked or word.joined[0].isalpha())
        for part in word.parts:
            yield from _strong_enough(part, marked=False)
        for joined in _continued(words, place):
            yield from _strong_enough(joined, marked=marked or joined[0].isalpha())
        if word.joined.startswith("RF") and (reference := _CREDITOR.match(word.joined)):
            yield from _strong_enough(reference[1], marked=True)
    for first, ending in _ABBREVIATED.findall(text):
        yield from _strong_enough(first[: -len(ending)] + ending, marked=False)


class _Word(NamedTuple):
    joined: str
    """Letters and digits without what says nothing; empty where nothing is left."""
    parts: tuple[str, ...]
    """The runs of digits that signs hold together with others."""
    marked: bool
    """Whether it bears a mark, or is one."""

    @classmethod
    def of(cls, text: str) -> "_Word":
        if text.isdigit():
            return cls(text, (), marked=False)
        if text.isalpha():
            return cls("" if text in _DROPPED else text, (), marked=text in _MARKS)
        runs = _RUNS.findall(text)
        kept = [run for run in runs if run not in _DROPPED]
        pieces = _HELD.split(text)
        parts = tuple(piece for piece in pieces if piece.isdigit()) if len(pieces) > 1 else ()
        return cls("".join(kept), parts, marked=any(run in _MARKS for run in runs))


def _mark_before(words: list[_Word], place: int) -> bool:
    """Whether a mark stands before, with nothing but words that say nothing between."""
    while place and not words[place - 1].joined:
        place -= 1
        if words[place].marked:
            return True
    return False


def _continued(words: list[_Word], place: int) -> Iterator[str]:
    """What blanks may have broken: letters and digits after them, or groups of digits."""
    joined = words[place].joined
    if not joined.isdigit() and (not joined.isalpha() or len(joined) > PREFIX_LETTERS_MAX):
        return
    following = (
        word.joined for word in words[place + 1 : place + 1 + FOLLOWING_WORDS_MAX] if word.joined
    )
    for _, further in zip(range(JOINED_WORDS_MAX - 1), following, strict=False):
        if not further.isdigit():
            return
        joined += further
        yield joined


def _strong_enough(joined: str, *, marked: bool) -> Iterator[tuple[str, bool]]:
    key = _canonical(joined)
    if not key:
        return
    if len(key) >= PLAIN_DIGITS_MIN and (
        key.isdigit() or len(_DIGIT.findall(key)) >= PLAIN_DIGITS_MIN
    ):
        yield key, marked
    elif marked:
        # Named, but so short that it counts only where the amount agrees, too.
        yield key, False
