"""Which item a listing or an order line is (DESIGN §4): pure.

Product numbers are compared trimmed, case-folded and with accents composed,
EANs as GTIN-14 with a right check digit, in the order that the connection's
pairing names. An established link survives as long as its item is there and
its key still matches; a person's link survives everything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from spojka.values import gtin_key, product_number_key

_EAN_LENGTHS: Final = frozenset({8, 12, 13, 14})


class Pairing(StrEnum):
    """The keys by which items pair, in order; stored in `connection.pairing`."""

    PRODUCT_NUMBER = "product_number"
    EAN = "ean"
    PRODUCT_NUMBER_THEN_EAN = "product_number_then_ean"
    EAN_THEN_PRODUCT_NUMBER = "ean_then_product_number"

    @property
    def sources(self) -> tuple["LinkSource", ...]:
        """The keys to try, first choice first."""
        return _SOURCES[self]


class LinkSource(StrEnum):
    """How a listing was linked; stored in `listing.link_source`."""

    PRODUCT_NUMBER = "product_number"
    EAN = "ean"
    MANUAL = "manual"


_SOURCES: Final = {
    Pairing.PRODUCT_NUMBER: (LinkSource.PRODUCT_NUMBER,),
    Pairing.EAN: (LinkSource.EAN,),
    Pairing.PRODUCT_NUMBER_THEN_EAN: (LinkSource.PRODUCT_NUMBER, LinkSource.EAN),
    Pairing.EAN_THEN_PRODUCT_NUMBER: (LinkSource.EAN, LinkSource.PRODUCT_NUMBER),
}


@dataclass(frozen=True, slots=True)
class Keys:
    """What a listing or an order line says of itself, as it was written."""

    product_number: str
    ean: str

    @property
    def number_key(self) -> str:
        """The form in which the number is compared; empty where there is none."""
        return product_number_key(self.product_number)

    @property
    def gtin(self) -> str | None:
        """The form in which the EAN is compared; None where there is none that is right."""
        return gtin_key(self.ean)


@dataclass(frozen=True, slots=True)
class ItemKeys:
    """The keys of an item that is there, in the forms in which they are compared."""

    id: UUID
    number_key: str
    gtin: str | None


@dataclass(frozen=True, slots=True)
class Link:
    """The item that was found, and how."""

    item_id: UUID
    source: LinkSource


@dataclass(frozen=True, slots=True)
class Unpaired:
    """No item was found; `problem` says why, for people."""

    problem: str


class Catalogue:
    """The items that may be found: those of one connection that are not removed."""

    def __init__(self, items: Mapping[UUID, ItemKeys], pairing: Pairing) -> None:
        """Index the items by each key; a connection has each key once."""
        self._items = items
        self._pairing = pairing
        self._found: Mapping[LinkSource, Mapping[str | None, UUID]] = {
            LinkSource.PRODUCT_NUMBER: {item.number_key: item.id for item in items.values()},
            LinkSource.EAN: {item.gtin: item.id for item in items.values()},
        }

    def pair(self, keys: Keys) -> Link | Unpaired:
        """The item by the first key that finds one, or the problem of each key."""
        problems = []
        for source in self._pairing.sources:
            key = keys.number_key if source is LinkSource.PRODUCT_NUMBER else keys.gtin
            item_id = self._found[source].get(key) if key else None
            if item_id is not None:
                return Link(item_id, source)
            problems.append(
                _number_problem(keys) if source is LinkSource.PRODUCT_NUMBER else _ean_problem(keys)
            )
        return Unpaired("; ".join(problems))

    def has(self, item_id: UUID) -> bool:
        """Whether the item may be found."""
        return item_id in self._items

    def relink(self, established: Link | None, keys: Keys) -> Link | Unpaired:
        """What a listing is linked to after its keys, or items, may have changed."""
        if established is not None and self._stands(established, keys):
            return established
        return self.pair(keys)

    def _stands(self, link: Link, keys: Keys) -> bool:
        if link.source is LinkSource.MANUAL:
            return True
        item = self._items.get(link.item_id)
        if item is None:
            return False
        if link.source is LinkSource.PRODUCT_NUMBER:
            return item.number_key == keys.number_key
        return item.gtin is not None and item.gtin == keys.gtin


def _number_problem(keys: Keys) -> str:
    if not keys.number_key:
        return "it has no product number"
    return f"no item has the product number {keys.product_number.strip()!r}"


def _ean_problem(keys: Keys) -> str:
    ean = keys.ean.strip()
    if not ean:
        return "it has no EAN"
    if keys.gtin is not None:
        return f"EAN {ean} is on no item"
    digits = "".join(ean.split()).replace("-", "")
    if digits.isascii() and digits.isdigit() and len(digits) in _EAN_LENGTHS and int(digits):
        return f"EAN {ean} has a wrong check digit"
    return f"{ean!r} is not an EAN (8, 12, 13 or 14 digits)"
