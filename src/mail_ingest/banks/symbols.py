"""Variable, constant and specific symbols: in the bank's fields and in the payer's text."""

import re
from dataclasses import dataclass
from typing import Final

from stdnum import iso11649

from mail_ingest.banks.doubts import Doubts
from mail_ingest.banks.reading import SymbolSource
from mail_ingest.message.text import fold

SYMBOL_DIGITS_MAX: Final = 10
CONSTANT_DIGITS_MAX: Final = 4

_DIGITS = re.compile(r"[0-9]*")
_IN_REFERENCE = re.compile(r"/(VS|SS|KS)([0-9]*)")
# A number that goes on behind a blank or a mark is none that we may cut.
_IN_TEXT = re.compile(
    r"(?<![a-z0-9])(?:v\.? ?s\.?|variab[a-z]{0,8}\.?(?: s[a-z]{2,5}\.?)?)"
    r"[ :.,#=-]{0,3}([0-9]++)(?! ?[-/.,+]? ?[0-9])"
)
_CREDITOR_REFERENCE = re.compile(r"\(CdtrRefInf\).{0,200}?\(Ref\)([A-Za-z0-9 ]{1,35})\(/Ref\)")


def symbol(text: str) -> str | None:
    """Bring a variable or specific symbol to its key: no leading zeros; None for none.

    Raises ValueError for other than digits and for more than 10 that count;
    a symbol is never cut.
    """
    return _key(text, SYMBOL_DIGITS_MAX)


def constant_symbol(text: str) -> str | None:
    """Bring a constant symbol to four digits; None for none. Raises ValueError."""
    key = _key(text, CONSTANT_DIGITS_MAX)
    return None if key is None else key.rjust(CONSTANT_DIGITS_MAX, "0")


def _key(text: str, digits_max: int) -> str | None:
    stripped = text.strip()
    if _DIGITS.fullmatch(stripped) is None:
        raise ValueError(f"{text!r} is not made of digits")
    key = stripped.lstrip("0")
    if len(key) > digits_max:
        raise ValueError(f"{text!r} has more than {digits_max} digits")
    return key or None


@dataclass(frozen=True, slots=True)
class ReferenceSymbols:
    """The symbols of a SEPA reference, as printed; None where the part is missing."""

    vs: str | None = None
    ss: str | None = None
    ks: str | None = None


def reference_symbols(reference: str) -> ReferenceSymbols:
    """Read `/VS…/SS…/KS…` in any order, as the Slovak banks' rule for SEPA has it.

    Raises ValueError when one of them stands twice with other digits.
    """
    found: dict[str, str] = {}
    for name, digits in _IN_REFERENCE.findall(reference):
        if found.setdefault(name, digits) != digits:
            raise ValueError(f"{reference!r} has two different {name}")
    return ReferenceSymbols(found.get("VS"), found.get("SS"), found.get("KS"))


def symbol_in_text(text: str) -> str | None:
    """Read the variable symbol that a payer wrote behind a mark such as "VS:" or "/VS".

    None when there is none, or several different ones: nobody may choose then.
    """
    keys = set()
    for digits in _IN_TEXT.findall(fold(text)):
        key = digits.lstrip("0")
        if 0 < len(key) <= SYMBOL_DIGITS_MAX:
            keys.add(key)
    return keys.pop() if len(keys) == 1 else None


def creditor_reference_symbol(text: str) -> str | None:
    """Read the symbol of a structured creditor reference (ISO 11649 or bare digits)."""
    match = _CREDITOR_REFERENCE.search(text)
    if match is None:
        return None
    reference = match[1].replace(" ", "")
    if iso11649.is_valid(reference):
        reference = reference[4:]
    try:
        return symbol(reference)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Symbols:
    """The symbols of one movement, in the form in which movements have them."""

    vs: str | None
    vs_raw: str | None
    vs_source: SymbolSource | None
    ks: str | None
    ss: str | None


def symbols_of(doubts: Doubts, *, vs: str, ks: str, ss: str, message: str) -> Symbols:
    """Read a bank's symbol fields; the payer's text is asked only where the VS field is empty.

    A field that is no symbol is a doubt, and the text is not asked then.
    """
    key = doubts.read("variable symbol", symbol, vs)
    source = SymbolSource.FIELD if key else None
    if key is None and not vs.strip("0"):
        key = symbol_in_text(message) or creditor_reference_symbol(message)
        source = SymbolSource.MESSAGE if key else None
    return Symbols(
        vs=key,
        vs_raw=vs or None,
        vs_source=source,
        ks=doubts.read("constant symbol", constant_symbol, ks),
        ss=doubts.read("specific symbol", symbol, ss),
    )
