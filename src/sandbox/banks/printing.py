"""Amounts as Czech and Slovak banks print them."""

from decimal import Decimal
from typing import Final

NBSP: Final = "\u00a0"


def printed(amount: Decimal, blank: str = " ", *, signed: bool = False) -> str:
    """Print an amount such as `1 249,00`; a minus always, a plus where `signed`."""
    whole, _, hundredths = f"{abs(amount):,.2f}".partition(".")
    digits = f"{whole.replace(',', blank)},{hundredths}"
    if amount < 0:
        return f"-{digits}"
    return f"+{digits}" if signed else digits
