"""Reading an `ord:order` to be added: what it says, its references not yet looked up."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from lxml import etree

from sandbox.pohoda import reading
from sandbox.pohoda.lookup import StockReference
from sandbox.pohoda.reading import BadElementError
from sandbox.pohoda.records import ZERO, ExtId, ForeignCurrency, Line, VatRate

# Limits of `typ:addressType` in characters; `country` is a reference and handled apart.
_ADDRESS_CHARACTERS_MAX = {
    "company": 255,
    "division": 32,
    "name": 64,
    "city": 45,
    "street": 64,
    "zip": 15,
    "ico": 15,
    "dic": 18,
    "icDph": 18,
    "phone": 40,
    "mobilPhone": 24,
    "fax": 24,
    "email": 98,
}
_COUNTRY_CHARACTERS_MAX = 19
LINES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference to a list that people keep, by id or by name."""

    id: int | None = None
    ids: str | None = None


@dataclass(frozen=True, slots=True)
class LineRequest:
    """A line, and the card that it names; None for a text line."""

    line: Line
    stock: StockReference | None


@dataclass(frozen=True, slots=True)
class NumberRequest:
    """The number that the importer wants; with nothing given, the default series."""

    number: str | None = None
    may_not_exist: bool = True
    series: Reference | None = None


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order as it came."""

    order_type: str
    number: NumberRequest
    issued_on: date
    partner: dict[str, str]
    ship_to: dict[str, str]
    ext_id: ExtId | None
    number_order: str
    settle_from: date | None
    settle_by: date | None
    text: str
    payment: Reference | None
    payment_type: str | None
    carrier: str
    is_reserved: bool
    note: str
    int_note: str
    rounding: str
    currency: ForeignCurrency | None
    lines: tuple[LineRequest, ...]


def read(order: etree._Element) -> OrderRequest:
    """Read the order; `BadElementError` names the element that breaks the schema's limits."""
    header = reading.child(order, "ord:orderHeader")
    if header is None:
        raise BadElementError("ord:orderHeader", "", "Chybí hlavička objednávky.")
    issued_on = reading.day(header, "ord:date")
    if issued_on is None:
        raise BadElementError("ord:orderHeader/ord:date", "", "Chybí datum.")
    order_type = reading.text(header, "ord:orderType")
    if order_type not in ("receivedOrder", "issuedOrder"):
        raise BadElementError("ord:orderHeader/ord:orderType", order_type or "", "Chybí typ.")
    partner = _address(header, "ord:partnerIdentity/typ:address")
    if not partner:
        raise BadElementError("ord:orderHeader/ord:partnerIdentity", "", "Chybí adresa.")
    items = reading.children(order, "ord:orderDetail/ord:orderItem")
    if len(items) > LINES_MAX:
        raise BadElementError("ord:orderDetail", "", f"Více než {LINES_MAX} položek.")
    rounding = reading.text(order, "ord:orderSummary/ord:roundingDocument")
    return OrderRequest(
        order_type=order_type,
        number=_number(header),
        issued_on=issued_on,
        partner=partner,
        ship_to=_address(header, "ord:partnerIdentity/typ:shipToAddress"),
        ext_id=reading.ext_id(header, "ord:extId"),
        number_order=reading.text(header, "ord:numberOrder", characters_max=32) or "",
        settle_from=reading.day(header, "ord:dateFrom"),
        settle_by=reading.day(header, "ord:dateTo"),
        text=reading.text(header, "ord:text", characters_max=240) or "",
        payment=_reference(header, "ord:paymentType", characters_max=32),
        payment_type=reading.text(header, "ord:paymentType/typ:paymentType"),
        carrier=reading.text(header, "ord:carrier/typ:ids", characters_max=20) or "",
        is_reserved=reading.boolean(header, "ord:isReserved") or False,
        note=reading.text(header, "ord:note") or "",
        int_note=reading.text(header, "ord:intNote") or "",
        rounding=rounding or "none",
        currency=_currency(order),
        lines=tuple(_line(item) for item in items),
    )


def _number(header: etree._Element) -> NumberRequest:
    wanted = reading.child(header, "ord:number/typ:numberRequested")
    series = _reference(header, "ord:number", characters_max=19)
    if wanted is None:
        return NumberRequest(series=series)
    number = reading.text(header, "ord:number/typ:numberRequested", characters_max=32)
    if not number:
        raise BadElementError("ord:number/typ:numberRequested", "", "Číslo je prázdné.")
    return NumberRequest(number, wanted.get("checkDuplicity", "true") == "true", series)


def _reference(parent: etree._Element, path: str, *, characters_max: int) -> Reference | None:
    found = reading.child(parent, path)
    if found is None:
        return None
    ids = reading.text(found, "typ:ids", characters_max=characters_max)
    reference = Reference(reading.integer(found, "typ:id"), ids)
    return None if reference == Reference() else reference


def _address(header: etree._Element, path: str) -> dict[str, str]:
    found = reading.child(header, path)
    if found is None:
        return {}
    fields = {
        name: reading.text(found, f"typ:{name}", characters_max=limit)
        for name, limit in _ADDRESS_CHARACTERS_MAX.items()
    }
    fields["country"] = reading.text(
        found, "typ:country/typ:ids", characters_max=_COUNTRY_CHARACTERS_MAX
    )
    return {name: value for name, value in fields.items() if value}


def _currency(order: etree._Element) -> ForeignCurrency | None:
    found = reading.child(order, "ord:orderSummary/ord:foreignCurrency")
    if found is None:
        return None
    code = reading.text(found, "typ:currency/typ:ids", characters_max=19)
    rate = reading.decimal(found, "typ:rate")
    return ForeignCurrency(code or "", rate or ZERO, reading.integer(found, "typ:amount") or 1)


def _line(item: etree._Element) -> LineRequest:
    rate = reading.text(item, "ord:rateVAT") or VatRate.NONE
    if rate not in set(VatRate):
        raise BadElementError("ord:rateVAT", rate, "Tuto sazbu DPH sandbox nevede.")
    price = reading.decimal(item, "ord:foreignCurrency/typ:unitPrice")
    if price is None:
        price = reading.decimal(item, "ord:homeCurrency/typ:unitPrice")
    line = Line(
        id=0,
        text=reading.text(item, "ord:text", characters_max=90) or "",
        quantity=_or_zero(reading.decimal(item, "ord:quantity")),
        code=reading.text(item, "ord:code", characters_max=64) or "",
        unit=reading.text(item, "ord:unit", characters_max=10) or "",
        pays_vat=reading.boolean(item, "ord:payVAT") or False,
        vat_rate=VatRate(rate),
        discount_percent=_or_zero(reading.decimal(item, "ord:discountPercentage")),
        unit_price=_or_zero(price),
        note=reading.text(item, "ord:note", characters_max=90) or "",
    )
    return LineRequest(line, _stock(item))


def _or_zero(value: Decimal | None) -> Decimal:
    return ZERO if value is None else value


def _stock(item: etree._Element) -> StockReference | None:
    found = reading.child(item, "ord:stockItem")
    if found is None:
        return None
    store = _reference(found, "typ:store", characters_max=19) or Reference()
    return StockReference(
        id=reading.integer(found, "typ:stockItem/typ:id"),
        code=reading.text(found, "typ:stockItem/typ:ids", characters_max=64),
        ext_id=reading.ext_id(found, "typ:stockItem/typ:extId"),
        ean=reading.text(found, "typ:stockItem/typ:EAN", characters_max=20),
        plu=reading.integer(found, "typ:stockItem/typ:PLU"),
        store_id=store.id,
        store_name=store.ids,
    )
