"""What a payment's own words say, read once for all criteria."""

from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import NamedTuple

from payments.matching.numbers import (
    PLAIN_DIGITS_MIN,
    SYMBOL_DIGITS_MAX,
    named_numbers,
    named_symbols,
    readable,
    valid_symbol,
)
from payments.matching.values import Incoming, SymbolSource


class Strength(IntEnum):
    """How firmly a payment names what it names."""

    PAYER = 0
    """Not at all: its payer paid such orders before."""
    BARE = 1
    """A number in the payer's text; it counts only where the amount agrees."""
    TEXT = 2
    """Marked as such in the payer's text."""
    FIELD = 3
    """In the bank's or gateway's own field."""


class Named(NamedTuple):
    """A symbol or number that a payment names, in the form in which it compares."""

    key: str
    strength: Strength
    said: str
    """Where it was read, for people."""

    @property
    def symbol(self) -> bool:
        """Whether it can be a variable symbol."""
        return len(self.key) <= SYMBOL_DIGITS_MAX and self.key.isdigit()


class Names(NamedTuple):
    """What a payment says of its order."""

    incoming: Incoming
    numbers: Sequence[Named]
    """Symbols and numbers, each once, as firmly as it is named anywhere; the firmest first."""
    symbols: Sequence[Named]
    """Those that can be variable symbols."""


def names_of(incoming: Incoming) -> Names:
    """Read the payment. Its text is the message and the end-to-end reference."""
    strongest: dict[str, Named] = {}
    for named in _read(incoming):
        known = strongest.setdefault(named.key, named)
        if known.strength < named.strength:
            strongest[named.key] = named
    numbers = tuple(strongest.values())
    return Names(incoming, numbers, tuple(named for named in numbers if named.symbol))


def _read(incoming: Incoming) -> Iterator[Named]:
    """The bank's field first, then the payer's text."""
    symbol = valid_symbol(incoming.variable_symbol)
    if symbol and incoming.symbol_source is not SymbolSource.MESSAGE:
        yield Named(symbol, _firmness(symbol, Strength.FIELD), f"the variable symbol {symbol}")
        symbol = ""
    text = readable(f"{incoming.message}\n{incoming.end_to_end}")
    if symbol:
        yield Named(symbol, _firmness(symbol, Strength.TEXT), f"VS {symbol} in the payer's text")
    for key in named_symbols(text):
        yield Named(key, _firmness(key, Strength.TEXT), f"VS {key} in the payer's text")
    for number in named_numbers(text):
        strength = Strength.TEXT if number.marked else Strength.BARE
        yield Named(number.key, strength, f"{number.key} in the payer's text")


def _firmness(symbol: str, strength: Strength) -> Strength:
    """A symbol below 4 digits may be a constant symbol: the amount must agree, too."""
    return strength if len(symbol) >= PLAIN_DIGITS_MIN else Strength.BARE
