"""Amounts as banks print them."""

import re
from decimal import Decimal
from typing import Final

# A printed amount with or without its currency, in folded text.
MONEY: Final = r"[+\-−]? ?[0-9][0-9 .,]{0,24}(?:(?<=[0-9,. ])(?:[a-z]{3}|kc|€))?"

_NUMBER = re.compile(
    r"[0-9]{1,15}(?:[.,][0-9]{2})?"
    r"|[0-9]{1,3}(?: [0-9]{3}){1,4}(?:[.,][0-9]{2})?"
    r"|[0-9]{1,3}(?:\.[0-9]{3}){1,4}(?:,[0-9]{2})?"
    r"|[0-9]{1,3}(?:,[0-9]{3}){1,4}(?:\.[0-9]{2})?"
)
_MONEY = re.compile(r"([+\-−]?) ?([0-9][0-9 .,]*?) ?([^\W\d_]{2,3}|€|)[ .]*")
_CURRENCIES: Final = {
    "KČ": "CZK", "KC": "CZK", "€": "EUR", "LEI": "RON", "LEU": "RON", "978": "EUR", "203": "CZK",
    "946": "RON", "840": "USD", "826": "GBP", "985": "PLN", "348": "HUF",
}  # fmt: skip
_ISO = re.compile(r"[A-Z]{3}")


def parse_number(text: str) -> Decimal:
    """Read an unsigned amount. Raises ValueError for what fits no convention.

    Where both marks occur the last is the decimal one; a single mark is decimal
    before two digits and groups before three. Nothing is guessed.
    """
    stripped = text.strip()
    if _NUMBER.fullmatch(stripped) is None:
        raise ValueError(f"{text!r} is not an amount")
    digits = stripped.replace(" ", "")
    if digits[-3:-2] in {".", ","}:
        whole, cents = digits[:-3], digits[-2:]
    else:
        whole, cents = digits, "00"
    return Decimal(f"{whole.replace('.', '').replace(',', '')}.{cents}")


def parse_money(text: str) -> tuple[Decimal, str | None]:
    """Read an amount with its sign, and its currency where one is printed.

    Raises ValueError for what is no amount.
    """
    match = _MONEY.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not an amount")
    sign, number, currency = match.groups()
    amount = parse_number(number)
    return (amount if sign in {"", "+"} else -amount), parse_currency(currency)


def is_signed(text: str) -> bool:
    """Tell whether a printed amount carries its own sign."""
    return text.lstrip()[:1] in {"+", "-", "−"}


def parse_currency(text: str) -> str | None:
    """Read a currency by its code, number or sign; None for none. Raises ValueError."""
    name = text.strip().upper()
    if not name:
        return None
    known = _CURRENCIES.get(name, name)
    if _ISO.fullmatch(known) is None:
        raise ValueError(f"{text!r} is not a currency")
    return known
