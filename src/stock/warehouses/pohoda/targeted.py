"""A targeted reading: the named cards, in as few lists as the installation understands."""

from collections.abc import Sequence

from stock.warehouses.pohoda.charset import holds
from stock.warehouses.pohoda.envelope import RequestItem
from stock.warehouses.pohoda.settings import PohodaSettings
from stock.warehouses.pohoda.stock_request import MAX_FILTER_GROUPS, StockFilter, list_stock
from stock.warehouses.port import CardKey


def named_items(
    keys: Sequence[CardKey], settings: PohodaSettings
) -> tuple[list[RequestItem], dict[str, str]]:
    """The lists to ask for, and the store that each is about.

    Cards are named by store and code; their ids change when a new accounting
    unit is set up and serve only where there is no code. A code that the
    encoding can't hold names no card of Pohoda's.
    """
    if len(keys) > MAX_FILTER_GROUPS:
        raise ValueError(f"{len(keys)} cards named; at most {MAX_FILTER_GROUPS} are allowed")
    by_store: dict[str, list[StockFilter]] = {}
    for key in dict.fromkeys(keys):
        wanted = _filter(key, settings)
        if wanted is not None:
            by_store.setdefault(wanted.store, []).append(wanted)
    items: list[RequestItem] = []
    stores: dict[str, str] = {}
    at_once = MAX_FILTER_GROUPS if settings.targeted_filters == "groups" else 1
    for store, filters in by_store.items():
        for start in range(0, len(filters), at_once):
            item_id = f"k{len(items)}"
            items.append(RequestItem(item_id, list_stock(filters[start : start + at_once])))
            stores[item_id] = store
    return items, stores


def _filter(key: CardKey, settings: PohodaSettings) -> StockFilter | None:
    if not holds(key.product_number + key.warehouse, settings.encoding):
        return None
    if key.product_number:
        return StockFilter(store=key.warehouse, code=key.product_number)
    if key.card_id and key.card_id.isascii() and key.card_id.isdecimal():
        return StockFilter(card_id=key.card_id)
    return None
