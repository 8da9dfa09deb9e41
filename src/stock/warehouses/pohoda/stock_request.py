"""Requests for stock cards: by page, by time of change, by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lxml import etree

from stock.warehouses.pohoda.names import add, new

MAX_FILTER_GROUPS: Final = 255

# What of a card is not wanted; its parts (stockItem) are, for sets.
_LEFT_OUT: Final = (
    "relatedFiles", "relatedLinks", "pictures", "categories", "relatedStocks",
    "alternativeStocks", "intParameters", "stockAttach", "stockSerialNumber", "stockPriceItem",
    "stockParameters",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StockFilter:
    """Which cards; what is set holds together. `since` is in the time of Pohoda's computer."""

    store: str = ""
    code: str = ""
    card_id: str = ""
    since: str = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """The page: cards with an id of at least `id_from`, at most `records` of them."""

    id_from: int
    records: int


def list_stock(filters: Sequence[StockFilter], limit: Limit | None = None) -> etree._Element:
    """One listStockRequest; several filters give the cards of each of them."""
    request = new("lStk:listStockRequest", version="2.0", stockVersion="2.0")
    for stock_filter in filters:
        if limit is not None:
            add_limit(request, "lStk:limit", limit)
        _add_filter(add(request, "lStk:requestStock"), stock_filter)
        restriction = add(request, "lStk:restrictionData")
        for name in _LEFT_OUT:
            add(restriction, f"lStk:{name}", "false")
    return request


def add_limit(request: etree._Element, name: str, limit: Limit) -> None:
    """Add the page of a list request."""
    element = add(request, name)
    add(element, "ftr:idFrom", str(limit.id_from))
    add(element, "ftr:count", str(limit.records))


def _add_filter(request: etree._Element, stock_filter: StockFilter) -> None:
    if stock_filter == StockFilter():
        return
    element = add(request, "ftr:filter")
    if stock_filter.card_id:
        add(element, "ftr:id", stock_filter.card_id)
    if stock_filter.code:
        add(element, "ftr:code", stock_filter.code)
    if stock_filter.store:
        add(add(element, "ftr:store"), "typ:ids", stock_filter.store)
    if stock_filter.since:
        add(element, "ftr:lastChanges", stock_filter.since)
