"""The request that imports an order. The same document always gives the same bytes."""

from typing import Final

from lxml import etree

from spojka.values import format_decimal
from stock.warehouses.errors import Refused
from stock.warehouses.pohoda.charset import holds
from stock.warehouses.pohoda.envelope import RequestItem, write_pack
from stock.warehouses.pohoda.names import add, new
from stock.warehouses.pohoda.parties import add_partner
from stock.warehouses.pohoda.settings import VAT_BY_EDITION, PohodaSettings
from stock.warehouses.pohoda.texts import Texts, cut, document_key
from stock.warehouses.port import LineKind, OrderDocument, OrderLine, PaymentMethod

# Lengths of type.xsd and order.xsd.
MAX_ORDER_NUMBER: Final = 32
MAX_ORDER_TEXT: Final = 240
MAX_LINE_TEXT: Final = 90
MAX_UNIT: Final = 10
MAX_CODE: Final = 64
MAX_EAN: Final = 20
MAX_PAYMENT_NAME: Final = 32
MAX_CARRIER: Final = 20
MAX_STORE: Final = 19
MAX_PACK_NOTE: Final = 100

_PAYMENT_KINDS: Final = frozenset(
    {
        "draft", "cash", "postal", "delivery", "creditcard", "advance", "encashment", "cheque",
        "compensation",
    }
)  # fmt: skip
_PAYMENT_BY_METHOD: Final = {
    PaymentMethod.BANK_TRANSFER: "draft",
    PaymentMethod.GATEWAY: "creditcard",
    PaymentMethod.CASH_ON_DELIVERY: "delivery",
    PaymentMethod.MARKETPLACE: "compensation",
    PaymentMethod.CASH: "cash",
}


def write_order(document: OrderDocument, settings: PohodaSettings) -> bytes:
    """Write the request.

    Raises Refused with the lines that can't be sent at all.
    """
    key = document_key(document.external_id)
    texts = Texts(settings.encoding)
    order = new("ord:order", version="2.0")
    header = add(order, "ord:orderHeader")
    detail = _detail(document, settings, texts)
    _fill_header(header, document, settings, texts)
    if len(detail):
        order.append(detail)
    _add_summary(order, document, settings)
    note = texts.line("order", f"Order {document.number}", MAX_PACK_NOTE)
    return write_pack(settings, key, note, [RequestItem(key, order)])


def _fill_header(
    header: etree._Element, document: OrderDocument, settings: PohodaSettings, texts: Texts
) -> None:
    external = add(header, "ord:extId")
    add(external, "typ:ids", document_key(document.external_id))
    add(external, "typ:exSystemName", settings.external_system)
    add(header, "ord:orderType", "receivedOrder")
    if settings.number_series:
        add(add(header, "ord:number"), "typ:ids", settings.number_series)
    number = texts.line("order number", document.number, MAX_ORDER_NUMBER)
    add(header, "ord:numberOrder", number)
    add(header, "ord:date", document.order_date.isoformat())
    add(header, "ord:dateFrom", document.order_date.isoformat())
    add(header, "ord:text", texts.line("text", _order_text(document, settings), MAX_ORDER_TEXT))
    add_partner(header, document.billing, document.shipping, settings, texts)
    _add_payment(header, document, settings, texts)
    reserve = document.reserve and settings.reserve
    add(header, "ord:isReserved", "true" if reserve else "false")
    if document.note.strip():
        add(header, "ord:note", texts.lines(document.note))
    carrier = settings.carriers.get(document.shipping_method.strip().casefold())
    if carrier:
        add(add(header, "ord:carrier"), "typ:ids", texts.line("carrier", carrier, MAX_CARRIER))
    add(header, "ord:intNote", _internal_note(document, texts))


def _order_text(document: OrderDocument, settings: PohodaSettings) -> str:
    text = settings.order_text
    values = {
        "number": document.number,
        "channel": document.channel,
        "shipping": document.shipping_method,
        "payment": document.payment_method_name or document.payment_method.value,
    }
    parts = text.split("{")
    filled = [parts[0]]
    for part in parts[1:]:
        name, _, rest = part.partition("}")
        filled += [values[name], rest]
    return "".join(filled)


def _add_payment(
    header: etree._Element, document: OrderDocument, settings: PohodaSettings, texts: Texts
) -> None:
    """By the method's name, else by the method, as the connection maps them."""
    chosen = (
        settings.payment_types.get(document.payment_method_name.strip().casefold())
        or settings.payment_types.get(document.payment_method.value)
        or _PAYMENT_BY_METHOD[document.payment_method]
    )
    payment = add(header, "ord:paymentType")
    if chosen in _PAYMENT_KINDS:
        add(payment, "typ:paymentType", chosen)
    else:
        add(payment, "typ:ids", texts.line("payment type", chosen, MAX_PAYMENT_NAME))


def _internal_note(document: OrderDocument, texts: Texts) -> str:
    lines = [f"Spojka {document.external_id}"]
    if document.shipping_method:
        lines.append(f"shipping: {document.shipping_method}")
    if document.payment_method_name:
        lines.append(f"payment: {document.payment_method_name}")
    return texts.lines("\n".join([*lines, *texts.misfits]))


def _detail(document: OrderDocument, settings: PohodaSettings, texts: Texts) -> etree._Element:
    detail = new("ord:orderDetail")
    foreign = document.currency != settings.currency_home
    for line in document.lines:
        item = add(detail, "ord:orderItem")
        add(item, "ord:text", texts.line(f"line {line.line_id}", line.text, MAX_LINE_TEXT))
        add(item, "ord:quantity", format_decimal(line.quantity))
        if line.unit:
            add(item, "ord:unit", texts.line("unit", line.unit, MAX_UNIT))
        add(item, "ord:payVAT", "true" if document.prices_include_vat else "false")
        _add_vat(item, line, settings)
        prices = add(item, "ord:foreignCurrency" if foreign else "ord:homeCurrency")
        add(prices, "typ:unitPrice", format_decimal(line.unit_price))
        if line.kind is LineKind.GOODS:
            _add_card(item, line, settings)
    return detail


def _add_vat(item: etree._Element, line: OrderLine, settings: PohodaSettings) -> None:
    if line.vat_rate is None:
        add(item, "ord:rateVAT", settings.default_vat)
        return
    rate = VAT_BY_EDITION[settings.edition].get(line.vat_rate)
    if rate is not None:
        add(item, "ord:rateVAT", rate)
        return
    percent = format_decimal(line.vat_rate)
    if settings.other_vat_rates == "refuse":
        raise Refused(
            f"The line “{line.text}” has a VAT rate of {percent} %, which Pohoda's edition "
            f"“{settings.edition}” doesn't have.",
            "Mend the rate in the shop; or allow historical rates in Pohoda's global settings and "
            "set “Other VAT rates” of the connection to percent.",
            (line.line_id,),
        )
    add(item, "ord:rateVAT", "historyHigh")
    add(item, "ord:percentVAT", percent)


def _add_card(item: etree._Element, line: OrderLine, settings: PohodaSettings) -> None:
    """Link the line to its card: by code, else by EAN, else by id, in its store.

    Codes are never adapted to the encoding: another code would be another card.
    """
    link = add(item, "ord:stockItem")
    store = line.warehouse or settings.default_store or _only(settings.stores)
    if store:
        add(add(link, "typ:store"), "typ:ids", _key(line, "store", store, MAX_STORE, settings))
    card = add(link, "typ:stockItem")
    if line.product_number:
        code = _key(line, "product number", line.product_number, MAX_CODE, settings)
        add(card, "typ:ids", code)
    elif line.ean:
        add(card, "typ:EAN", _key(line, "EAN", line.ean, MAX_EAN, settings))
    elif line.card_id and line.card_id.isascii() and line.card_id.isdecimal():
        add(card, "typ:id", line.card_id)
    else:
        raise Refused(
            f"The line “{line.text}” names no card.",
            "Link the listing to an item of the warehouse.",
            (line.line_id,),
        )


def _key(
    line: OrderLine, what: str, text: str, max_characters: int, settings: PohodaSettings
) -> str:
    if len(text) > max_characters or not holds(text, settings.encoding):
        raise Refused(
            f"The {what} “{cut(text, MAX_LINE_TEXT)}” of the line “{line.text}” can't be a {what} "
            f"in Pohoda: it is longer than {max_characters} characters or has characters that "
            f"{settings.encoding} lacks.",
            "Link the listing to an item of the warehouse.",
            (line.line_id,),
        )
    return text


def _only(stores: tuple[str, ...]) -> str:
    return stores[0] if len(stores) == 1 else ""


def _add_summary(order: etree._Element, document: OrderDocument, settings: PohodaSettings) -> None:
    """Pohoda computes the totals itself; a foreign currency's rate is from its own list."""
    summary = add(order, "ord:orderSummary")
    if document.currency == settings.currency_home:
        add(summary, "ord:roundingDocument", settings.rounding)
        return
    add(summary, "ord:roundingDocument", "none")
    foreign = add(summary, "ord:foreignCurrency")
    add(add(foreign, "typ:currency"), "typ:ids", document.currency)
