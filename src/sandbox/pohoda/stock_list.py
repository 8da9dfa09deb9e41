"""`lStk:listStockRequest`: cards with their counters."""

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from sandbox.pohoda import queries, reading
from sandbox.pohoda.context import Context, list_answer
from sandbox.pohoda.markup import element, leaf, number
from sandbox.pohoda.packs import ItemAnswer, PackItem, ext_id
from sandbox.pohoda.queries import Page, StockFilter
from sandbox.pohoda.records import ZERO, Card

_RESTRICTABLE = ("pictures", "categories", "stockPriceItem")
"""The flags of `restrictionData` for which cards here have data; the others leave out nothing."""


@dataclass(frozen=True, slots=True)
class _Group:
    """One filter of the request, which may repeat them; the list is their union."""

    page: Page
    filter: StockFilter
    left_out: frozenset[str]


def answer(context: Context, item: PackItem) -> ItemAnswer:
    """List the cards of all groups, each card once."""
    rows: dict[int, str] = {}
    for group in _groups(item.agenda):
        for card in queries.cards(context.company, group.filter, group.page):
            if card.id not in rows:
                rows[card.id] = _stock(context, card, group.left_out)
    return list_answer(context, "lStk:listStock", "".join(rows.values()))


def _groups(request: etree._Element) -> Iterator[_Group]:
    for limit, wanted, restriction in reading.restricted_groups(request, "requestStock"):
        left_out = _left_out(restriction) if restriction is not None else frozenset()
        yield _Group(reading.page(limit), _filter(wanted), left_out)


def _filter(request: etree._Element) -> StockFilter:
    reading.refuse_foreign_filters(request)
    found = reading.child(request, "ftr:filter")
    if found is None:
        return StockFilter()
    return StockFilter(
        id=reading.integer(found, "ftr:id"),
        ext_id=reading.ext_id(found, "ftr:extId"),
        code=reading.text(found, "ftr:code", characters_max=64),
        ean=reading.text(found, "ftr:EAN"),
        plu=reading.integer(found, "ftr:PLU"),
        name=reading.text(found, "ftr:name"),
        branch=reading.reference(found, "ftr:storage"),
        store=reading.reference(found, "ftr:store"),
        internet=reading.boolean(found, "ftr:internet"),
        changed_since=reading.moment(found, "ftr:lastChanges"),
    )


def _left_out(restriction: etree._Element) -> frozenset[str]:
    flags = {name: reading.boolean(restriction, f"lStk:{name}") for name in _RESTRICTABLE}
    return frozenset(name for name, wanted in flags.items() if wanted is False)


def _stock(context: Context, card: Card, left_out: frozenset[str]) -> str:
    levels = "" if "stockPriceItem" in left_out else _price_levels(card)
    header = element("stk:stockHeader", _header(context, card, left_out))
    return f'<lStk:stock version="2.0">{header}{levels}</lStk:stock>'


def _header(context: Context, card: Card, left_out: frozenset[str]) -> str:
    """Write the header in the order that real exports use."""
    branch = context.company.branches[card.branch_id]
    slash = "/" if context.settings.leading_slash_in_storage else ""
    percent = str(card.vat_rate.percent)
    is_issuable = context.settings.has_count_issue and card.kind.has_quantity
    return "".join(
        (
            leaf("stk:id", card.id),
            *(ext_id("stk:extId", known.ids, known.system) for known in card.ext_ids[:1]),
            leaf("stk:stockType", card.kind),
            leaf("stk:code", card.code),
            leaf("stk:EAN", card.ean),
            leaf("stk:PLU", card.plu),
            leaf("stk:isSales", "true"),
            leaf("stk:isInternet", card.is_internet),
            element("stk:purchasingRateVAT", card.vat_rate, value=percent),
            element("stk:sellingRateVAT", card.vat_rate, value=percent),
            leaf("stk:name", card.name),
            leaf("stk:unit", card.unit),
            element(
                "stk:storage", leaf("typ:id", branch.id) + leaf("typ:ids", slash + branch.path)
            ),
            element("stk:typePrice", "<typ:id>1</typ:id><typ:ids>SK</typ:ids>"),
            leaf("stk:weightedPurchasePrice", card.purchase_price),
            element("stk:sellingPrice", number(card.selling_price), payVAT="false"),
            leaf("stk:count", card.count),
            leaf("stk:countIssue", card.count - card.reservation) if is_issuable else "",
            leaf("stk:countReceivedOrders", card.count_received_orders),
            leaf("stk:reservation", card.reservation),
            leaf("stk:reclamation", ZERO),
            leaf("stk:service", ZERO),
            leaf("stk:orderQuantity", ZERO),
            leaf("stk:countIssuedOrders", card.count_issued_orders),
            "" if "pictures" in left_out else _pictures(card),
            "" if "categories" in left_out else _categories(card),
            leaf("stk:markRecord", "true"),
        )
    )


def _pictures(card: Card) -> str:
    pictures = "".join(
        element("stk:picture", leaf("stk:filepath", file), default=str(place == 0).lower())
        for place, file in enumerate(card.pictures)
    )
    return element("stk:pictures", pictures) if pictures else ""


def _categories(card: Card) -> str:
    categories = "".join(leaf("stk:idCategory", category) for category in card.categories)
    return element("stk:categories", categories) if categories else ""


def _price_levels(card: Card) -> str:
    levels = "".join(
        element("stk:stockPrice", leaf("typ:ids", name) + leaf("typ:price", price))
        for name, price in card.price_levels
    )
    return element("stk:stockPriceItem", levels) if levels else ""
