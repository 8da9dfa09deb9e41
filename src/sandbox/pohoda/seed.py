"""A stock to start with: the same for the same seed, with what real stocks are like.

The same code in several stores, missing and duplicate EANs, gaps in the ids, branches, text and
service cards, fractions, and negative states where a store allows them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from sandbox.pohoda import goods
from sandbox.pohoda.goods import CardEntry
from sandbox.pohoda.model import Company
from sandbox.pohoda.records import CardKind, Sequence

ITEMS_MAX = 200_000
_KINDS_OF_GOODS = ("Židle", "Stůl", "Lampa", "Police", "Křeslo", "Skříň", "Koberec", "Zrcadlo")
_ADJECTIVES = ("dubová", "bílá", "černá", "skládací", "dětská", "kancelářská", "zahradní")
_TEXTS = {"HLAVNI": "Hlavní sklad", "POBOCKA": "Prodejna Brno", "ESHOP": "Sklad e-shopu"}
_NEGATIVE_STORE = "POBOCKA"


@dataclass(frozen=True, slots=True)
class Seed:
    """What to sow: so many items, each in some of the stores."""

    items: int = 500
    stores: tuple[str, ...] = ("HLAVNI", "POBOCKA")
    seed: int = 1

    def __post_init__(self) -> None:
        """ValueError says what makes no sense."""
        if not 0 <= self.items <= ITEMS_MAX:
            raise ValueError(f"items must be 0 to {ITEMS_MAX}")
        if not self.stores:
            raise ValueError("name at least one store")


def sow(company: Company, seed: Seed) -> int:
    """Add the stores and cards; returns how many cards there are. Sown twice, it adds nothing."""
    for name in seed.stores:
        negative = name == _NEGATIVE_STORE
        goods.put_store(company, name, _TEXTS.get(name, name), allow_negative=negative)
    random, gaps = Random(seed.seed), Random(seed.seed)
    for place in range(1, seed.items + 1):
        for entry in _item(random, place, seed.stores):
            if not _is_known(company, entry):
                _skip_ids(company, gaps)
                goods.put_card(company, entry)
    return len(company.cards)


def _is_known(company: Company, entry: CardEntry) -> bool:
    (store,) = company.stores.find("name", entry.store)
    return goods.find_card(company, store.id, entry.code) is not None


def _skip_ids(company: Company, random: Random) -> None:
    """Deleted cards leave gaps."""
    if random.random() < 0.1:  # noqa: PLR2004 - one id in ten is missing
        company.next_id(Sequence.CARD)


def _item(random: Random, place: int, stores: tuple[str, ...]) -> Iterator[CardEntry]:
    """One item: its cards in the first store and, mostly, in the others."""
    kind = random.choice(_KINDS_OF_GOODS)
    name = f"{kind} {random.choice(_ADJECTIVES)} {place}"
    card_kind = _card_kind(place)
    price = Decimal(random.randrange(50, 20_000))
    ean = _ean(place - 1 if place % 97 == 0 else place) if place % 13 else None
    for position, store in enumerate(stores):
        count = _count(random, place, store)
        is_missing = position > 0 and random.random() < 0.3  # noqa: PLR2004 - not sold everywhere
        if not is_missing:
            yield CardEntry(
                store=store,
                code=f"Z{place:05}",
                name=name,
                count=count if card_kind.has_quantity else Decimal(0),
                branch=kind,
                ean=ean,
                kind=card_kind,
                is_internet=place % 11 != 0,
                selling_price=price,
                purchase_price=(price * Decimal("0.6")).quantize(Decimal("0.01")),
                pictures=(f"z{place:05}.jpg",),
            )


def _card_kind(place: int) -> CardKind:
    if place % 101 == 0:
        return CardKind.SERVICE
    return CardKind.TEXT if place % 103 == 0 else CardKind.CARD


def _count(random: Random, place: int, store: str) -> Decimal:
    count = Decimal(random.randrange(200))
    if place % 17 == 0:
        count += Decimal("0.5")
    if place % 29 == 0 and store == _NEGATIVE_STORE:
        count = Decimal(-3)
    return count


def _ean(place: int) -> str:
    """An EAN-13 with its check digit, from the range for use within a company."""
    digits = f"29{place:010}"
    weighted = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(digits))
    return f"{digits}{-weighted % 10}"
