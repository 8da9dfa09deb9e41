"""What a thousand channels are offered of two thousand items that changed.

Measured: `decide_for_channels`, every channel with a rule of its own (another
buffer, share and limit), over four sets of warehouses, on stocks with three
warehouses each. No ceiling: the figure is absolute.
"""

import time
from decimal import Decimal
from statistics import median
from typing import Final

from bench.result import Result, absolute
from bench.stage import Stage
from stock.domain.availability import Aggregation, ItemStock, WarehouseStock
from stock.listings.offers import OfferRule, Terms, decide_for_channels

ITEMS: Final = 2_000
CHANNELS: Final = 1_000
ROUNDS: Final = 5
_SETS: Final = (
    frozenset[str](),
    frozenset({"PRAHA"}),
    frozenset({"PRAHA", "BRNO"}),
    frozenset({"BRNO", "OSTRAVA"}),
)


async def decide(_stage: Stage) -> list[Result]:
    """Decide every item for every channel; the median of a few rounds."""
    terms = Terms(Aggregation.SUM, Decimal(1))
    seconds = []
    for turn in range(ROUNDS):
        stocks = [(_stock(number + turn), None) for number in range(ITEMS)]
        rules = [_rule(number) for number in range(CHANNELS)]
        start = time.perf_counter()
        decided = decide_for_channels(stocks, terms, rules)
        seconds.append(time.perf_counter() - start)
        assert len(decided) == CHANNELS
    what = f"{ITEMS:,} changed items decided for {CHANNELS:,} channels"
    return [absolute(what, median(seconds), "s", below=1)]


def _stock(number: int) -> ItemStock:
    return ItemStock(
        {
            code: WarehouseStock(Decimal(number % (50 * place)), Decimal(number % 3))
            for place, code in enumerate(("PRAHA", "BRNO", "OSTRAVA"), 1)
        },
        Decimal(number % 2),
    )


def _rule(number: int) -> OfferRule:
    return OfferRule(
        warehouses=_SETS[number % len(_SETS)],
        buffer=Decimal(number) / 10,
        percent=50 + number % 50,
        maximum=Decimal(number) if number % 2 else None,
    )
