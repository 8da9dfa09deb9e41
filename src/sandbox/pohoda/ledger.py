"""The ledger: everything the company knows, as JSON for a test or a demo to compare."""

from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter

from sandbox.pohoda.installation import Installation
from sandbox.pohoda.journal import Entry
from sandbox.pohoda.records import Card, Movement, Order, Store

_STORES = TypeAdapter(list[Store])
_CARDS = TypeAdapter(list[Card])
_ORDERS = TypeAdapter(list[Order])
_MOVEMENTS = TypeAdapter(list[Movement])
_ENTRIES = TypeAdapter(list[Entry])

Json = Any


def _stores(installation: Installation) -> Json:
    return _STORES.dump_python(list(installation.company.stores), mode="json")


def _cards(installation: Installation) -> Json:
    """Cards as they are, and the names of their store and branch."""
    company = installation.company
    cards = list(company.cards)
    return [
        {
            **written,
            "store": company.stores[card.store_id].name,
            "branch": company.branches[card.branch_id].path,
        }
        for card, written in zip(cards, _CARDS.dump_python(cards, mode="json"), strict=True)
    ]


def _orders(installation: Installation) -> Json:
    """Orders as they are, and what follows from them."""
    orders = list(installation.company.orders)
    return [
        {**written, "is_open": order.is_open, "is_delivered": order.is_delivered}
        for order, written in zip(orders, _ORDERS.dump_python(orders, mode="json"), strict=True)
    ]


def _movements(installation: Installation) -> Json:
    return _MOVEMENTS.dump_python(list(installation.company.movements), mode="json")


def _requests(installation: Installation) -> Json:
    return _ENTRIES.dump_python(list(installation.journal.entries), mode="json")


def _counters(installation: Installation) -> Json:
    """Counts since the company began; the memory of imports outlives the orders."""
    company = installation.company
    return {
        "cards": len(company.cards),
        "orders_created": len(company.imports),
        "orders_kept": len(company.orders),
        "orders_deleted": len(company.imports) - len(company.orders),
        "movements": len(company.movements),
        "requests": len(installation.journal.entries),
    }


PARTS: dict[str, Callable[[Installation], Json]] = {
    "stores": _stores,
    "cards": _cards,
    "orders": _orders,
    "movements": _movements,
    "requests": _requests,
    "counters": _counters,
}


def write(installation: Installation, parts: list[str]) -> dict[str, Json]:
    """Write the parts asked for, or all."""
    return {part: PARTS[part](installation) for part in parts or PARTS}
