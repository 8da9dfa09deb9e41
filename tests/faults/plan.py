"""What the shops do in one scenario: drawn from the seed, whole, before anything begins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from random import Random
from typing import Final
from zlib import crc32

SEED: Final = 20261122
SHOPS: Final = ("eshop", "market", "bazaar")
LINES_MAX: Final = 3
PIECES_MAX: Final = 4
UNIT_PRICE: Final = Decimal("99.90")
"""Of every product, in CZK."""

FIRST_SYMBOL: Final = 1_000_000_000
SYMBOLS: Final = 1_000_000_000

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


class Paying(StrEnum):
    """How the customer pays what was ordered first, and how the bank tells of it."""

    NOT = "on delivery"
    ONCE = "in one transfer"
    DELIVERED_TWICE = "in one transfer whose mail comes through both doors"
    TOLD_TWICE = "in one transfer of which the bank writes two mails"
    IN_PARTS = "in two transfers"


# As many as have no common measure with the fates: every fate meets every way to pay.
_EVERY_WAY: Final = (
    Paying.ONCE,
    Paying.IN_PARTS,
    Paying.DELIVERED_TWICE,
    Paying.NOT,
    Paying.TOLD_TWICE,
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
    paying: Paying

    @property
    def symbol(self) -> str:
        """The variable symbol that the customer is told."""
        return str(FIRST_SYMBOL + crc32(self.number.encode()) % SYMBOLS)


def price(basket: Mapping[str, int | Decimal]) -> Decimal:
    """What a basket costs."""
    return sum((pieces * UNIT_PRICE for pieces in basket.values()), Decimal(0))


def plan_orders(
    scenario: str, products: Sequence[str], count: int, seconds: float, seed: int = SEED
) -> list[PlannedOrder]:
    """Plan the orders of all shops, placed over about so many seconds."""
    random = Random(f"{seed} {scenario}")
    shift = random.randrange(len(_EVERY_WAY))
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
                paying=_EVERY_WAY[(place + shift) % len(_EVERY_WAY)],
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
