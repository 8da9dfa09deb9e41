"""The keys by which payments and orders find each other.

Two sides of one index: an order is stored under `order_keys`, a payment looks
for `payment_keys`. A verdict's status depends on the orders that share one of
these with the payment, and on no others; its suggestions depend on those that
share one of `payer_keys`, or bear one of `near_symbols`, too.
"""

from itertools import islice
from typing import Final

from payments.matching.criteria import CRITERIA, KNOWN_CUSTOMERS_MAX, reference_key
from payments.matching.names import names_of
from payments.matching.numbers import NAMED_MAX, SYMBOL_DIGITS_MAX, number_key, valid_symbol
from payments.matching.values import Criterion, Incoming, Payable, Rules

Key = tuple[Criterion, str]

PAYMENT_KEYS_MAX: Final = 4 * (2 * NAMED_MAX + 1) + 2 + KNOWN_CUSTOMERS_MAX + 4
"""Two kinds of symbol and two of number, each from the field and from the text."""
NEAR_DIGITS_MIN: Final = 4
"""Shorter symbols are near to too many."""
NEAR_SYMBOLS_MAX: Final = 10 * 9 + 10 + 11 * 10 + 9
"""Of ten digits: one changed, one too many, one missing, two swapped."""
SYMBOL_KINDS: Final = frozenset(
    {
        Criterion.INVOICE_VARIABLE_SYMBOL,
        Criterion.ORDER_VARIABLE_SYMBOL,
        Criterion.INVOICE_NUMBER,
        Criterion.ORDER_NUMBER,
    }
)
"""What a payer may type as the variable symbol."""


def order_keys(order: Payable) -> frozenset[Key]:
    """What an order may be named by, whatever its state: at most six keys.

    Under COUNTER_ACCOUNT stands its customer; of these only open orders need
    to be found.
    """
    references = order.references
    keys = (
        (Criterion.INVOICE_VARIABLE_SYMBOL, valid_symbol(references.invoice_variable_symbol)),
        (Criterion.ORDER_VARIABLE_SYMBOL, valid_symbol(references.variable_symbol)),
        (Criterion.INVOICE_NUMBER, number_key(references.invoice_number)),
        (Criterion.ORDER_NUMBER, number_key(order.number)),
        (Criterion.GATEWAY_REFERENCE, reference_key(references.gateway_reference)),
        (Criterion.COUNTER_ACCOUNT, order.customer_key),
    )
    return frozenset(key for key in keys if key[1])


def payment_keys(incoming: Incoming, rules: Rules) -> set[Key]:
    """What a payment looks for under these rules, at most PAYMENT_KEYS_MAX."""
    names = names_of(incoming)
    return {
        (search.kind, search.key)
        for criterion in rules.criteria
        for search in CRITERIA[criterion].searches(names, rules)
    }


def payer_keys(incoming: Incoming) -> set[Key]:
    """The customers whose orders the payer paid before, at most KNOWN_CUSTOMERS_MAX."""
    customers = islice(sorted(incoming.known_customers), KNOWN_CUSTOMERS_MAX)
    return {(Criterion.COUNTER_ACCOUNT, customer) for customer in customers}


def near_symbols(symbol: str) -> frozenset[str]:
    """The symbols that one slip of the payer's makes of this one, or this one of them.

    At most NEAR_SYMBOLS_MAX.
    """
    if len(symbol) < NEAR_DIGITS_MIN:
        return frozenset()
    digits = "0123456789"
    places = range(len(symbol))
    changed = (symbol[:at] + digit + symbol[at + 1 :] for at in places for digit in digits)
    shorter = (symbol[:at] + symbol[at + 1 :] for at in places)
    longer = (
        symbol[:at] + digit + symbol[at:] for at in range(len(symbol) + 1) for digit in digits
    )
    swapped = (symbol[:at] + symbol[at + 1] + symbol[at] + symbol[at + 2 :] for at in places[:-1])
    found = {near.lstrip("0") for nears in (changed, shorter, longer, swapped) for near in nears}
    return frozenset(near for near in found if near and len(near) <= SYMBOL_DIGITS_MAX) - {symbol}
