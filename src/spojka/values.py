"""Values that several services speak: quantities, money, product keys and payment symbols."""

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

ZERO: Final = Decimal(0)
_DECIMAL: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?\Z")
_GTIN_LENGTHS: Final = frozenset({8, 12, 13, 14})


def parse_decimal(text: str) -> Decimal:
    """Read a decimal as the contracts write it: at most 15 digits, a point, 6 digits.

    Raises ValueError with what was read.
    """
    if not _DECIMAL.match(text):
        raise ValueError(
            f"{text!r} is not a decimal number (at most 15 digits before the point, 6 after)"
        )
    return Decimal(text)


def parse_partner_decimal(text: str) -> Decimal:
    """Read a decimal as partners write it: blanks, a decimal comma and an exponent are understood.

    The result is rounded to 6 places. Raises ValueError with what was read.
    """
    cleaned = text.strip().replace("\u00a0", "").replace(" ", "").replace(",", ".")
    try:
        value = Decimal(cleaned)
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is not a number") from error
    if not value.is_finite() or value.adjusted() > 14:  # noqa: PLR2004 - 15 digits, as in the contracts
        raise ValueError(f"{text!r} is out of range")
    return round(value, 6)


def format_decimal(value: Decimal) -> str:
    """Write a decimal plainly: no exponent, no trailing zeros, no negative zero."""
    text = str(value)
    if "E" in text:
        text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency (ISO 4217)."""

    currency: str
    amount: Decimal

    def __add__(self, other: "Money") -> "Money":
        """Add; both must be of one currency."""
        if other.currency != self.currency:
            raise ValueError(f"can't add {other.currency} to {self.currency}")
        return Money(self.currency, self.amount + other.amount)

    def __str__(self) -> str:
        return f"{format_decimal(self.amount)} {self.currency}"


def product_number_key(text: str) -> str:
    """The form in which product numbers are compared: trimmed, case-folded, accents composed."""
    return unicodedata.normalize("NFC", " ".join(text.split()).casefold())


def gtin_key(text: str) -> str | None:
    """The form in which EANs are compared: a GTIN-14 with a right check digit, else None.

    Source: GS1 General Specifications, section 7.9 (check digit).
    """
    digits = "".join(text.split()).replace("-", "")
    if not digits.isascii() or not digits.isdigit() or len(digits) not in _GTIN_LENGTHS:
        return None
    gtin = digits.rjust(14, "0")
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(gtin[:13]))
    if (total + int(gtin[13])) % 10 or gtin == "0" * 14:
        return None
    return gtin


def symbol_key(text: str) -> str:
    """A variable, constant or specific symbol without leading zeros; empty when it has no digit."""
    digits = "".join(character for character in text if character in "0123456789")
    return digits.lstrip("0")
