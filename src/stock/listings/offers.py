"""What a channel is offered (DESIGN §4): pure.

offered = min(maximum, percent of (agg over S of (what the warehouse system says
− holds there) − holds assigned nowhere − the item's or connection's buffer −
the channel's buffer)), rounded down to whole units unless fractions are
allowed, clamped at zero once, at the very end. S are the rule's warehouses
among those that the connection includes; all of these where the rule names
none.

Figures are integers of millionths of a unit: exact, for quantities have six
places, and quick enough to decide a change for a thousand channels.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final

from spojka.api.stock.v1.events_pb2 import StockChanged
from spojka.values import ZERO, format_decimal
from stock.domain.availability import Aggregation, ItemStock, WarehouseStock

MILLIONTHS: Final = 1_000_000
PERCENT_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class OfferRule:
    """A channel's rule. `warehouses` empty means all; `maximum` None means no limit."""

    warehouses: frozenset[str] = frozenset()
    buffer: Decimal = ZERO
    percent: int = PERCENT_MAX
    maximum: Decimal | None = None
    fractions: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """What of a connection decides about offers.

    `current` is false once another connection has taken its place: its items
    can't be delivered any more.
    """

    aggregation: Aggregation
    buffer: Decimal
    current: bool = True


def read_stock(content: StockChanged) -> ItemStock | None:
    """The figures of an item as it was last published; None of one that is removed."""
    if content.removed:
        return None
    return ItemStock(
        {
            part.warehouse: WarehouseStock(Decimal(part.erp_available), _decimal(part.held))
            for part in content.warehouses
        },
        _decimal(content.held_unassigned),
    )


def basis(
    stock: ItemStock | None,
    terms: Terms,
    item_buffer: Decimal | None,
    warehouses: frozenset[str],
) -> int:
    """What there is over the warehouses before the channel's own rule, in signed millionths."""
    if stock is None or not terms.current:
        return 0
    if warehouses:
        chosen: Mapping[str, WarehouseStock] = {
            code: part for code, part in stock.warehouses.items() if code in warehouses
        }
        stock = ItemStock(chosen, stock.held_unassigned)
    buffer = terms.buffer if item_buffer is None else item_buffer
    return _millionths(stock.balance(terms.aggregation, buffer))


def decide(bases: Sequence[int], rule: OfferRule) -> list[int]:
    """What is offered from each basis under one rule, in millionths, never below zero."""
    step = 1 if rule.fractions else MILLIONTHS
    buffer, percent, divisor = _millionths(rule.buffer), rule.percent, PERCENT_MAX * step
    if rule.maximum is None:
        return [
            units * step if (units := (basis - buffer) * percent // divisor) > 0 else 0
            for basis in bases
        ]
    most_units = _millionths(rule.maximum) // step
    most = most_units * step
    return [
        0
        if (units := (basis - buffer) * percent // divisor) <= 0
        else most
        if units > most_units
        else units * step
        for basis in bases
    ]


def decide_for_channels(
    stocks: Sequence[tuple[ItemStock | None, Decimal | None]],
    terms: Terms,
    rules: Iterable[OfferRule],
) -> dict[OfferRule, list[int]]:
    """What each rule offers of each item (its stock, and its own buffer), in millionths.

    Channels with one rule share its decision, and rules over one set of
    warehouses share what there is.
    """
    bases: dict[frozenset[str], list[int]] = {}
    decided: dict[OfferRule, list[int]] = {}
    for rule in rules:
        if rule in decided:
            continue
        if rule.warehouses not in bases:
            bases[rule.warehouses] = [
                basis(stock, terms, buffer, rule.warehouses) for stock, buffer in stocks
            ]
        decided[rule] = decide(bases[rule.warehouses], rule)
    return decided


@lru_cache(maxsize=10_000)
def format_millionths(value: int) -> str:
    """The decimal as the contracts write it."""
    return format_decimal(Decimal(value).scaleb(-6))


def _millionths(value: Decimal) -> int:
    return int(value.scaleb(6))


def _decimal(text: str) -> Decimal:
    # Our own sums, not what somebody wrote: they may have more digits than the contracts take.
    return Decimal(text) if text else ZERO
