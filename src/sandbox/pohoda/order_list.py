"""`lst:listOrderRequest`: received orders read back, with what was delivered and made of them."""

from lxml import etree

from sandbox.pohoda import pricing, queries, reading
from sandbox.pohoda.context import Context, list_answer
from sandbox.pohoda.markup import element, leaf
from sandbox.pohoda.packs import ItemAnswer, PackItem, ext_id
from sandbox.pohoda.queries import OrderFilter
from sandbox.pohoda.reading import BadElementError
from sandbox.pohoda.records import Line, Order


def answer(context: Context, item: PackItem) -> ItemAnswer:
    """List the orders of all groups, each once; no issued orders are kept here."""
    order_type = item.agenda.get("orderType")
    if order_type not in ("receivedOrder", "issuedOrder"):
        raise BadElementError("@orderType", order_type or "", "Chybí typ objednávky.")
    rows: dict[int, str] = {}
    for limit, wanted, restriction in reading.restricted_groups(item.agenda, "requestOrder"):
        shows_documents = restriction is None or (
            reading.boolean(restriction, "lst:documents") is not False
        )
        for order in queries.orders(context.company, _filter(wanted), reading.page(limit)):
            if order_type == "receivedOrder" and order.id not in rows:
                rows[order.id] = _order(
                    context, order, item.agenda.get("extSystem"), shows_documents=shows_documents
                )
    return list_answer(context, "lst:listOrder", "".join(rows.values()))


def _filter(request: etree._Element) -> OrderFilter:
    reading.refuse_foreign_filters(request)
    found = reading.child(request, "ftr:filter")
    if found is None:
        return OrderFilter()
    return OrderFilter(
        id=reading.integer(found, "ftr:id"),
        ext_id=reading.ext_id(found, "ftr:extId"),
        numbers=_texts(found, "ftr:selectedNumbers/ftr:number/typ:numberRequested"),
        companies=_texts(found, "ftr:selectedCompanys/ftr:company"),
        icos=_texts(found, "ftr:selectedIco/ftr:ico"),
        date_from=reading.day(found, "ftr:dateFrom"),
        date_till=reading.day(found, "ftr:dateTill"),
        changed_since=reading.moment(found, "ftr:lastChanges"),
    )


def _texts(parent: etree._Element, path: str) -> frozenset[str] | None:
    """The texts of a list of values; None where the list is not part of the filter."""
    if reading.child(parent, path.partition("/")[0]) is None:
        return None
    return frozenset(found.text or "" for found in reading.children(parent, path))


def _order(context: Context, order: Order, ext_system: str | None, *, shows_documents: bool) -> str:
    lines = "".join(_line(context, order, line) for line in order.lines)
    content = element("ord:orderHeader", _header(context, order, ext_system))
    if lines:
        content += element("ord:orderDetail", lines)
    content += element("ord:orderSummary", _summary(order))
    if order.documents and shows_documents:
        content += element("ord:linkedDocuments", _documents(order))
    return element("lst:order", content, version="2.0")


def _header(context: Context, order: Order, ext_system: str | None) -> str:
    """Write the header; external ids of the one system asked for, of none without a wish."""
    header = order.header
    shown = header.ext_id if header.ext_id and header.ext_id.system == ext_system else None
    series = context.company.series[order.series_id]
    number = leaf("typ:id", series.id) + leaf("typ:ids", series.prefix)
    payment = leaf("typ:ids", header.payment) + leaf("typ:paymentType", header.payment_type)
    return "".join(
        (
            leaf("ord:id", order.id),
            ext_id("ord:extId", shown.ids, shown.system) if shown else "",
            leaf("ord:orderType", "receivedOrder"),
            leaf("ord:storno", "cancelledDocument" if order.cancelled_on else None),
            element("ord:number", number + leaf("typ:numberRequested", order.number)),
            leaf("ord:numberOrder", header.number_order or None),
            leaf("ord:date", header.issued_on),
            leaf("ord:dateFrom", header.settle_from),
            leaf("ord:dateTo", header.settle_by),
            leaf("ord:text", header.text or None),
            element("ord:partnerIdentity", _partner(order)),
            element("ord:paymentType", payment) if payment else "",
            leaf("ord:isExecuted", order.is_executed),
            leaf("ord:isDelivered", order.is_delivered),
            leaf("ord:isReserved", order.is_reserved),
            leaf("ord:dateCancellation", order.cancelled_on),
            leaf("ord:permanentDocument", "false"),
            leaf("ord:note", header.note or None),
            element("ord:carrier", leaf("typ:ids", header.carrier)) if header.carrier else "",
            leaf("ord:intNote", header.int_note or None),
            leaf("ord:markRecord", "true"),
        )
    )


def _partner(order: Order) -> str:
    written = element("typ:address", _address(order.header.partner))
    if order.header.ship_to:
        written += element("typ:shipToAddress", _address(order.header.ship_to))
    return written


def _address(fields: dict[str, str]) -> str:
    return "".join(
        element("typ:country", leaf("typ:ids", value))
        if name == "country"
        else leaf(f"typ:{name}", value)
        for name, value in fields.items()
    )


def _line(context: Context, order: Order, line: Line) -> str:
    price = pricing.price(line, order.header.currency)
    foreign = pricing.foreign_price(line) if order.header.currency else None
    written = "".join(
        (
            leaf("ord:id", line.id),
            leaf("ord:text", line.text),
            leaf("ord:quantity", line.quantity),
            leaf("ord:delivered", line.delivered),
            leaf("ord:unit", line.unit),
            "<ord:coefficient>1.0</ord:coefficient>",
            leaf("ord:payVAT", line.pays_vat),
            element("ord:rateVAT", line.vat_rate, value=str(line.vat_rate.percent)),
            leaf("ord:discountPercentage", line.discount_percent),
            element("ord:homeCurrency", _price(price)),
            element("ord:foreignCurrency", _price(foreign)) if foreign else "",
            leaf("ord:note", line.note or None),
            leaf("ord:code", line.code or None),
            _stock(context, line),
            leaf("ord:PDP", "false"),
        )
    )
    return element("ord:orderItem", written)


def _price(price: pricing.Price) -> str:
    return (
        leaf("typ:unitPrice", price.unit)
        + leaf("typ:price", price.without_vat)
        + leaf("typ:priceVAT", price.vat)
        + leaf("typ:priceSum", price.with_vat)
    )


def _stock(context: Context, line: Line) -> str:
    card = context.company.cards.get(line.card_id)
    if card is None:
        return ""
    store = context.company.stores[card.store_id]
    written = leaf("typ:id", card.id) + leaf("typ:ids", card.code) + leaf("typ:EAN", card.ean)
    where = leaf("typ:id", store.id) + leaf("typ:ids", store.name)
    return element("ord:stockItem", element("typ:store", where) + element("typ:stockItem", written))


def _summary(order: Order) -> str:
    written = leaf("ord:roundingDocument", order.header.rounding)
    currency = order.header.currency
    if currency is None:
        return written
    total = sum(pricing.foreign_price(line).with_vat for line in order.lines)
    return written + element(
        "ord:foreignCurrency",
        element("typ:currency", leaf("typ:ids", currency.code))
        + leaf("typ:rate", currency.rate)
        + leaf("typ:amount", currency.amount)
        + leaf("typ:priceSum", total),
    )


def _documents(order: Order) -> str:
    return "".join(
        element(
            "typ:link",
            leaf("typ:sourceAgenda", document.agenda)
            + element(
                "typ:sourceDocument",
                leaf("typ:id", document.id) + leaf("typ:number", document.number),
            ),
        )
        for document in order.documents
    )
