"""What the shops do in one scenario: drawn from the seed, whole, before anything begins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

SEED: Final = 20261122
SHOPS: Final = ("eshop", "market", "bazaar")
LINES_MAX: Final = 3
PIECES_MAX: Final = 4

Basket = Mapping[str, int]
"""Pieces by product number."""


class Fate(StrEnum):
    """What becomes of an order after it was placed."""

    KEPT = "kept"
    AMENDED = "amended at once"
    AMENDED_IN_PLACE = "amended when its document stands"
    CANCELLED = "cancelled at once"
    CANCELLED_IN_PLACE = "cancelled when its document stands"
    DELIVERED = "delivered"
    DELIVERED_IN_PART = "delivered in part"


# The first orders meet every fate, so that no scenario lacks one; then chance decides.
_EVERY: Final = (
    Fate.KEPT,
    Fate.AMENDED_IN_PLACE,
    Fate.CANCELLED,
    Fate.DELIVERED_IN_PART,
    Fate.AMENDED,
    Fate.CANCELLED_IN_PLACE,
    Fate.DELIVERED,
)


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """One order of a shop; `later` is the basket that an amendment leaves."""

    shop: str
    number: str
    basket: Basket
    fate: Fate
    later: Basket
    pause_seconds: float


def plan_orders(
    scenario: str, products: Sequence[str], count: int, seconds: float
) -> list[PlannedOrder]:
    """Plan the orders of all shops, placed over about so many seconds."""
    random = Random(f"{SEED} {scenario}")
    longest_pause = 2 * seconds * len(SHOPS) / count
    planned = []
    for place in range(count):
        basket = _basket(random, products)
        planned.append(
            PlannedOrder(
                shop=SHOPS[place % len(SHOPS)],
                number=f"{scenario}-{place + 1:02}",
                basket=basket,
                fate=_EVERY[place] if place < len(_EVERY) else random.choice(_EVERY),
                later=_changed(random, basket, products),
                pause_seconds=random.uniform(0, longest_pause),
            )
        )
    return planned


def _basket(random: Random, products: Sequence[str]) -> Basket:
    chosen = random.sample(products, random.randint(1, LINES_MAX))
    return {product: random.randint(1, PIECES_MAX) for product in chosen}


def _changed(random: Random, basket: Basket, products: Sequence[str]) -> Basket:
    """Keep one line with other pieces, drop the others, add a line of another product."""
    kept = random.choice(sorted(basket))
    pieces = random.choice([n for n in range(1, PIECES_MAX + 1) if n != basket[kept]])
    added = random.choice([product for product in products if product not in basket])
    return {kept: pieces, added: random.randint(1, PIECES_MAX)}
