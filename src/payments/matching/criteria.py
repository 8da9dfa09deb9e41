"""The ways to find a payment's order, one class each.

A criterion says what a payment looks for; it never sees an order. A new one is
a class here, its line in CRITERIA, and its tests.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple, Protocol

import re2

from payments.matching.names import Named, Names, Strength
from payments.matching.numbers import TEXT_CHARACTERS_MAX, number_key, valid_symbol
from payments.matching.values import Criterion, PaymentSource, Rules

KNOWN_CUSTOMERS_MAX: Final = 20
"""Customers that one account paid for; one that paid for more says nothing of whose order it is."""
REFERENCE_CHARACTERS_MAX: Final = 128
PATTERN_MEMORY_BYTES_MAX: Final = 1 << 20
_BANKS: Final = frozenset({PaymentSource.NOTIFICATION, PaymentSource.STATEMENT})
_NO_REFERENCE: Final = frozenset({"", "NOTPROVIDED", "NOT PROVIDED", "NONREF"})


class Search(NamedTuple):
    """A key that orders are looked for by."""

    kind: Criterion
    key: str
    strength: Strength
    said: str
    """Where it was read, for people."""


class Finder(Protocol):
    """One criterion."""

    @property
    def criterion(self) -> Criterion:
        """Its name in the contract."""

    def searches(self, names: Names, rules: Rules) -> Sequence[Search]:
        """What the payment looks for; a bounded number of keys."""


def _searches(kind: Criterion, named: Sequence[Named]) -> Sequence[Search]:
    return [Search(kind, key, strength, said) for key, strength, said in named]


@dataclass(frozen=True, slots=True)
class VariableSymbol:
    """The variable symbol of the order, or of its invoice."""

    criterion: Criterion

    def searches(self, names: Names, rules: Rules) -> Sequence[Search]:
        """Symbols alone: digits, at most ten."""
        del rules
        return _searches(self.criterion, names.symbols)


@dataclass(frozen=True, slots=True)
class Number:
    """The number of the order, or of its invoice; payers type it as the variable symbol, too."""

    criterion: Criterion

    def searches(self, names: Names, rules: Rules) -> Sequence[Search]:
        """Numbers with letters as well as without."""
        del rules
        return _searches(self.criterion, names.numbers)


@dataclass(frozen=True, slots=True)
class GatewayReference:
    """The gateway's identity of the payment, or a transfer's end-to-end reference that bears it."""

    criterion: Criterion = Criterion.GATEWAY_REFERENCE

    def searches(self, names: Names, rules: Rules) -> Sequence[Search]:
        """The reference as it is written; a bank's own reference is of another kind."""
        del rules
        incoming = names.incoming
        told_by_bank = incoming.source in _BANKS
        reference = "" if told_by_bank else reference_key(incoming.reference)
        end_to_end = reference_key(incoming.end_to_end)
        said = ((reference, "the reference"), (end_to_end, "the end-to-end reference"))
        return [
            Search(self.criterion, key, Strength.FIELD, f"{where} {key}")
            for key, where in said
            if key
        ]


@dataclass(frozen=True, slots=True)
class CounterAccount:
    """Open orders of the customers whose orders this account paid before."""

    criterion: Criterion = Criterion.COUNTER_ACCOUNT

    def searches(self, names: Names, rules: Rules) -> Sequence[Search]:
        """The customers, unless there are too many to say anything."""
        del rules
        customers = names.incoming.known_customers
        if len(customers) > KNOWN_CUSTOMERS_MAX:
            return []
        said = f"the payer's account {names.incoming.counter_account}".rstrip()
        return [
            Search(self.criterion, customer, Strength.PAYER, said) for customer in sorted(customers)
        ]


@dataclass(frozen=True, slots=True)
class MessagePattern:
    """What the merchant's pattern captures in the message: any symbol or number of an order."""

    criterion: Criterion = Criterion.MESSAGE_PATTERN

    def searches(self, names: Names, rules: Rules) -> Sequence[Search]:
        """What the one group captured, as every kind of name that an order has."""
        captured = capture(rules.message_pattern, names.incoming.message)
        symbol = valid_symbol(captured) if captured.isascii() and captured.isdigit() else ""
        number = number_key(captured)
        named = (
            (Criterion.INVOICE_VARIABLE_SYMBOL, symbol),
            (Criterion.ORDER_VARIABLE_SYMBOL, symbol),
            (Criterion.INVOICE_NUMBER, number),
            (Criterion.ORDER_NUMBER, number),
        )
        said = f'"{captured}" by the pattern'
        return [Search(kind, key, Strength.TEXT, said) for kind, key in named if key]


CRITERIA: Final[Mapping[Criterion, Finder]] = {
    finder.criterion: finder
    for finder in (
        VariableSymbol(Criterion.INVOICE_VARIABLE_SYMBOL),
        VariableSymbol(Criterion.ORDER_VARIABLE_SYMBOL),
        Number(Criterion.INVOICE_NUMBER),
        Number(Criterion.ORDER_NUMBER),
        GatewayReference(),
        CounterAccount(),
        MessagePattern(),
    )
}


def reference_key(text: str) -> str:
    """The form in which references compare: as written, without blanks around; empty for none."""
    key = text.strip()[:REFERENCE_CHARACTERS_MAX]
    return "" if key.upper() in _NO_REFERENCE else key


def capture(pattern: str, message: str) -> str:
    """What the pattern's group captures first; empty where nothing, or the pattern is not valid.

    RE2 takes time in proportion to the message, whatever the pattern. Which
    patterns may be set is for `payments.rules` to check.
    """
    compiled = _compiled(pattern)
    found = compiled.search(message[:TEXT_CHARACTERS_MAX]) if compiled is not None else None
    return (found[1] or "").strip() if found is not None else ""


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any | None:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = PATTERN_MEMORY_BYTES_MAX
    try:
        compiled = re2.compile(pattern, options) if pattern else None
    except re2.error:
        return None
    return compiled if compiled is not None and compiled.groups == 1 else None
