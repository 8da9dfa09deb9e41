"""An answer with stock cards, read as a stream: memory stays flat whatever its size."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Final, cast

from lxml import etree

from spojka.values import ZERO, parse_partner_decimal
from stock.warehouses.errors import Unreadable
from stock.warehouses.pohoda.envelope import check_item, check_list, check_pack, not_understood
from stock.warehouses.pohoda.names import tag, text_at
from stock.warehouses.port import Card, CardKind, Component, UnreadableCard

MAX_FRAGMENT_CHARACTERS: Final = 2_000
MAX_CACHED_NUMBERS: Final = 8_192

# The sets of the data sheet: "set" (komplet) and "package" (souprava) are put together from
# other cards when sold and have no quantity of their own; a "product" (výrobek) is made
# beforehand and lies in the warehouse like any card.
_KINDS: Final = {
    "": CardKind.GOODS,
    "card": CardKind.GOODS,
    "product": CardKind.GOODS,
    "text": CardKind.SERVICE,
    "service": CardKind.SERVICE,
    "set": CardKind.SET,
    "package": CardKind.SET,
}

_STOCK: Final = tag("lStk:stock")
_LIST: Final = tag("lStk:listStock")
_ITEM: Final = tag("rsp:responsePackItem")
_PACK: Final = tag("rsp:responsePack")
_HEADER: Final = tag("stk:stockHeader")
_ID: Final = tag("stk:id")
_TYPE: Final = tag("stk:stockType")
_CODE: Final = tag("stk:code")
_EAN: Final = tag("stk:EAN")
_NAME: Final = tag("stk:name")
_UNIT: Final = tag("stk:unit")
_COUNT: Final = tag("stk:count")
_RESERVATION: Final = tag("stk:reservation")
_RECEIVED_ORDERS: Final = tag("stk:countReceivedOrders")
_STORAGE: Final = tag("stk:storage")
_PATH: Final = tag("typ:ids")
_Fields = Mapping[str, "etree._Element"]  # noqa: SLF001 - lxml's only name for it


@dataclass(slots=True)
class ListTotals:
    """What one list of the answer amounted to, readable or not."""

    records: int = 0
    highest_id: int = 0


@dataclass(slots=True)
class StockAnswer:
    """Reads one answer.

    `stores` says which store was asked for in which item of the request; a
    card from another item is placed by the path it is filed under. `pack_id` is
    the request's, where it is known. `stamp` and `totals` (per item) are complete
    when the last card has been read.
    """

    stores: Mapping[str, str] = field(default_factory=dict)
    pack_id: str = ""
    stamp: str | None = None
    totals: dict[str, ListTotals] = field(default_factory=dict)

    def read(self, chunks: Iterable[bytes], charset: str) -> Iterator[Card | UnreadableCard]:
        """Yield the cards as they come.

        Raises what the errors of the three levels stand for, and Unreadable
        where the answer isn't what was asked for.
        """
        parser = etree.XMLPullParser(
            events=("end",),
            tag=(_STOCK, _LIST, _ITEM, _PACK),
            encoding=charset,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        chunk = b""
        try:
            for chunk in chunks:
                parser.feed(chunk)
                yield from self._finished(parser)
            root = parser.close()
        except etree.XMLSyntaxError as error:
            fragment = chunk[:MAX_FRAGMENT_CHARACTERS].decode(charset, "replace")
            raise not_understood(str(error), fragment) from error
        yield from self._finished(parser)
        if root.tag != _PACK:
            raise not_understood(f"it begins with {root.tag}")

    def _finished(self, parser: etree.XMLPullParser) -> Iterator[Card | UnreadableCard]:
        current: etree._Element | None = None
        store = ""
        totals = ListTotals()
        for _, ended in parser.read_events():
            element = cast("etree._Element", ended)  # noqa: SLF001 - lxml's only name for it
            name = element.tag
            if name != _STOCK:
                self._end_of_level(name, element)
                continue
            parent = element.getparent()
            if parent is not current and parent is not None:
                current = parent
                store, totals = self._enter(parent)
            card = _read_card(element, store)
            totals.records += 1
            if card.card_id and card.card_id.isdecimal():
                totals.highest_id = max(totals.highest_id, int(card.card_id))
            yield card
            _free(element)

    def _enter(self, stock_list: etree._Element) -> tuple[str, ListTotals]:
        """Check all levels above a list; say its store and its totals."""
        item = stock_list.getparent()
        if stock_list.tag != _LIST or item is None or item.tag != _ITEM:
            raise not_understood("cards stand outside of a list of stock")
        pack = item.getparent()
        if pack is not None:
            check_pack(pack, self.pack_id)
        check_item(item)
        check_list(stock_list)
        item_id = item.get("id", "")
        return self.stores.get(item_id, ""), self.totals.setdefault(item_id, ListTotals())

    def _end_of_level(self, name: str, element: etree._Element) -> None:
        """At the end of a list, an item and the pack: check it, even where it has no cards."""
        if name == _LIST:
            self._enter(element)
            self.stamp = self.stamp or element.get("dateTimeStamp")
        elif name == _ITEM:
            check_item(element)
            if len(element) == 0 and element.get("note"):
                raise Unreadable(
                    f"Pohoda sent a note in place of the stock: {element.get('note')}",
                    "Check the rights of Pohoda's user for the agenda Zásoby.",
                )
            for child in element:
                if child.tag != _LIST:
                    raise not_understood(f"{child.tag} came in place of a list of stock")
            element.clear()
        else:
            check_pack(element, self.pack_id)


def unreadable_cards(cards: Sequence[UnreadableCard]) -> Unreadable:
    """The error for cards that can't be read, where there is no place to report them by one."""
    first = cards[0]
    return Unreadable(
        f"{len(cards)} cards of Pohoda's answer can't be read; the first (id {first.card_id}): "
        f"{first.problem}",
        "Mend the card in Pohoda, or send the kept part of the answer to support.",
        first.fragment,
    )


def _read_card(stock: etree._Element, store: str) -> Card | UnreadableCard:
    # All fields in one pass: looking for them one by one takes three times as long.
    fields = {child.tag: child for child in _header(stock)}
    try:
        return _to_card(fields, store or _store_of(_filed_under(fields)), stock)
    except ValueError as error:
        return UnreadableCard(
            card_id=_text(fields.get(_ID)) or None,
            problem=str(error),
            fragment=etree.tostring(stock, encoding="unicode")[:MAX_FRAGMENT_CHARACTERS],
        )


def _header(stock: etree._Element) -> Iterable[etree._Element]:
    for child in stock:
        if child.tag == _HEADER:
            return child
    return ()


def _filed_under(fields: _Fields) -> str:
    """The path of store and branches that the card is filed under."""
    for child in fields.get(_STORAGE, ()):
        if child.tag == _PATH:
            return child.text or ""
    return ""


def _to_card(fields: _Fields, store: str, stock: etree._Element) -> Card:
    get = fields.get
    card_id = _text(get(_ID))
    code = _text(get(_CODE))
    if not card_id or not code or not store:
        missing = "code" if card_id and not code else "store" if card_id else "id"
        raise ValueError(f"the card has no {missing}")
    kind = _KINDS.get(_text(get(_TYPE)))
    if kind is None:
        raise ValueError(f"the card is of an unknown type, {_text(get(_TYPE))!r}")
    count = _text(get(_COUNT))
    if not count and kind is CardKind.GOODS:
        raise ValueError("the card says no quantity (count)")
    return Card(
        card_id,
        store,
        code,
        _text(get(_EAN)) or None,
        _text(get(_NAME)),
        _text(get(_UNIT)),
        kind,
        _quantity(count),
        _quantity(_text(get(_RESERVATION))),
        _quantity(_text(get(_RECEIVED_ORDERS))),
        _components(stock) if kind is CardKind.SET else (),
    )


def _text(element: etree._Element | None) -> str:
    return "" if element is None else (element.text or "").strip()


def _components(stock: etree._Element) -> tuple[Component, ...]:
    parts = tuple(
        Component(text_at(part, "stk:code"), _quantity(text_at(part, "stk:quantity")))
        for part in stock.iterfind(f"{tag('stk:stockDetail')}/{tag('stk:stockItem')}")
    )
    if any(not part.product_number or part.quantity <= 0 for part in parts):
        raise ValueError("the set has a part without a code or a quantity")
    return parts


@lru_cache(MAX_CACHED_NUMBERS)
def _quantity(text: str) -> Decimal:
    return parse_partner_decimal(text) if text else ZERO


@lru_cache(MAX_CACHED_NUMBERS)
def _store_of(path: str) -> str:
    """The first step of the path a card is filed under; some installations lead with a slash."""
    return next((step.strip() for step in path.split("/") if step.strip()), "")


def _free(element: etree._Element) -> None:
    """Let go of a card that has been read, and of those before it."""
    element.clear()
    parent = element.getparent()
    if parent is not None:
        while element.getprevious() is not None:
            del parent[0]
