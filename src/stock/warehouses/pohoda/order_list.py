"""Received orders listed: looked up by external id, read back by id, or changed since a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from lxml import etree

from spojka.values import ZERO, parse_partner_decimal
from stock.warehouses.pohoda.envelope import not_understood
from stock.warehouses.pohoda.names import add, find, new, tag, text_at
from stock.warehouses.pohoda.settings import PohodaSettings
from stock.warehouses.pohoda.stock_request import Limit, add_limit
from stock.warehouses.port import CardKey, Document, DocumentLine

_ONE: Final = Decimal(1)
_PLACES: Final = 6


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders; exactly one of the three is set."""

    external_key: str = ""
    document_id: str = ""
    since: str = ""


def list_orders(
    filters: Sequence[OrderFilter], settings: PohodaSettings, limit: Limit | None = None
) -> etree._Element:
    """One listOrderRequest that also asks for our external ids."""
    request = new(
        "lst:listOrderRequest",
        version="2.0",
        orderType="receivedOrder",
        orderVersion="2.0",
        extSystem=settings.external_system,
    )
    for order_filter in filters:
        if limit is not None:
            add_limit(request, "lst:limit", limit)
        wanted = add(request, "lst:requestOrder")
        if order_filter != OrderFilter():
            _fill(add(wanted, "ftr:filter"), order_filter, settings)
    return request


def _fill(element: etree._Element, order_filter: OrderFilter, settings: PohodaSettings) -> None:
    if order_filter.document_id:
        add(element, "ftr:id", order_filter.document_id)
    if order_filter.external_key:
        external = add(element, "ftr:extId")
        add(external, "typ:ids", order_filter.external_key)
        add(external, "typ:exSystemName", settings.external_system)
    if order_filter.since:
        add(element, "ftr:lastChanges", order_filter.since)


def documents_in(listed: etree._Element | None, settings: PohodaSettings) -> list[Document]:
    """The orders of a list, each once. Raises Unreadable."""
    found: dict[str, Document] = {}
    for order in _orders(listed):
        document = _document(order, settings)
        found[document.document_id] = document
    return list(found.values())


def cards_in(listed: etree._Element | None) -> Iterator[CardKey]:
    """The cards that the orders of a list are about."""
    for order in _orders(listed):
        for item in order.iterfind(f"{tag('ord:orderDetail')}/{tag('ord:orderItem')}"):
            code = text_at(item, "ord:stockItem/typ:stockItem/typ:ids")
            if code:
                yield CardKey(
                    warehouse=text_at(item, "ord:stockItem/typ:store/typ:ids"),
                    product_number=code,
                    card_id=text_at(item, "ord:stockItem/typ:stockItem/typ:id") or None,
                )


def _orders(listed: etree._Element | None) -> Iterator[etree._Element]:
    if listed is not None:
        yield from listed.iterfind(tag("lst:order"))


def _document(order: etree._Element, settings: PohodaSettings) -> Document:
    header = find(order, "ord:orderHeader")
    document_id = "" if header is None else text_at(header, "ord:id")
    if header is None or not document_id:
        raise not_understood("an order has no id", etree.tostring(order, encoding="unicode"))
    ours = text_at(header, "ord:extId/typ:exSystemName") == settings.external_system
    delivered = text_at(header, "ord:isDelivered") == "true"
    try:
        lines = tuple(
            _line(item, delivered)
            for item in order.iterfind(f"{tag('ord:orderDetail')}/{tag('ord:orderItem')}")
        )
    except ValueError as error:
        fragment = etree.tostring(order, encoding="unicode")
        raise not_understood(f"order {document_id}: {error}", fragment) from error
    return Document(
        document_id=document_id,
        number=text_at(header, "ord:number/typ:numberRequested"),
        external_id=text_at(header, "ord:extId/typ:ids") or None if ours else None,
        reserved=text_at(header, "ord:isReserved") == "true",
        executed=text_at(header, "ord:isExecuted") == "true",
        cancelled=bool(text_at(header, "ord:storno") or text_at(header, "ord:dateCancellation")),
        linked=_is_linked(order),
        lines=lines,
    )


def _is_linked(order: etree._Element) -> bool:
    links = find(order, "ord:linkedDocuments")
    return links is not None and len(links) > 0


def _line(item: etree._Element, document_delivered: bool) -> DocumentLine:
    """One line in the card's base unit (quantity times coefficient)."""
    coefficient = _number(item, "ord:coefficient", _ONE)
    quantity = round(_number(item, "ord:quantity", ZERO) * coefficient, _PLACES)
    delivered = round(_number(item, "ord:delivered", ZERO) * coefficient, _PLACES)
    told = text_at(item, "ord:delivered")
    return DocumentLine(
        product_number=text_at(item, "ord:stockItem/typ:stockItem/typ:ids") or None,
        warehouse=text_at(item, "ord:stockItem/typ:store/typ:ids") or None,
        quantity=quantity,
        delivered=quantity if document_delivered and not told else delivered,
    )


def _number(item: etree._Element, path: str, default: Decimal) -> Decimal:
    text = text_at(item, path)
    return parse_partner_decimal(text) if text else default
