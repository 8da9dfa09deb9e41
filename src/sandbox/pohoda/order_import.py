"""`ord:order` to be added: the duplicity check, the look-ups, the new order."""

from dataclasses import dataclass, field, replace

from sandbox.pohoda import lookup, order_request, sales
from sandbox.pohoda.context import Context
from sandbox.pohoda.markup import element, leaf
from sandbox.pohoda.order_request import LineRequest, OrderRequest, Reference
from sandbox.pohoda.packs import Detail, ItemAnswer, PackItem, details, ext_id, state
from sandbox.pohoda.reading import BadElementError
from sandbox.pohoda.records import ZERO, ForeignCurrency, Import, Line, Order, OrderHeader, Series

UNKNOWN_VALUE_ERRNO = 108
ADJUSTED_VALUE_ERRNO = 603
_ADJUSTED = "Hodnota prvku musela být upravena."
_HEADER = "ord:orderHeader"

# The list of payment forms of a new company: the type and its name, by its id in the list.
PAYMENTS = {
    1: ("draft", "Příkazem"),
    2: ("cash", "Hotově"),
    3: ("postal", "Složenkou"),
    4: ("delivery", "Dobírka"),
    5: ("creditcard", "Plat.kartou"),
    6: ("advance", "Zálohou"),
    7: ("encashment", "Inkasem"),
    8: ("cheque", "Šekem"),
    9: ("compensation", "Zápočtem"),
}


class NumberExistsError(Exception):
    """The requested number is taken, and the importer wants no other."""


@dataclass(slots=True)
class _Findings:
    """The problems of one order, each with the place it was found at."""

    xpath: str
    details: list[Detail] = field(default_factory=list)

    def unknown(self, path: str, value: str, instead: str, *, strictness: str) -> None:
        """Note an unknown value: an error, or a warning about what was put in its place."""
        xpath = f"{self.xpath}/{path}"
        if strictness == "error":
            note, errno = "Neznámá hodnota.", UNKNOWN_VALUE_ERRNO
            self.details.append(Detail(note, xpath, value, "", errno))
        else:
            self.adjusted(path, value, instead)

    def adjusted(self, path: str, value: str, instead: str, note: str = _ADJUSTED) -> None:
        """Warn that another value was taken."""
        xpath = f"{self.xpath}/{path}"
        self.details.append(
            Detail(note, xpath, value, instead, ADJUSTED_VALUE_ERRNO, is_error=False)
        )

    @property
    def has_errors(self) -> bool:
        return any(detail.is_error for detail in self.details)


def answer(context: Context, item: PackItem) -> ItemAnswer:
    """Create the order, unless the same pack and item already made one and that is checked."""
    known = context.company.imports.find("ids", (context.pack_id, item.id))
    if known and context.checks_duplicity:
        return _duplicate(context, known)
    request = order_request.read(item.agenda)
    if request.order_type != "receivedOrder":
        raise BadElementError("ord:orderHeader/ord:orderType", "issuedOrder", "Sandbox nevede.")
    findings = _Findings(item.xpath)
    header = _header(context, request, findings)
    lines = [
        _line(context, line, f"ord:orderDetail/ord:orderItem[{place}]", findings)
        for place, line in enumerate(request.lines, start=1)
    ]
    if findings.has_errors:
        return _written(findings, None)
    try:
        number, series = _number(context, request, findings)
    except NumberExistsError:
        note = "Doklad se zadaným číslem už existuje."
        return ItemAnswer(context.settings.number_exists == "ok_with_note", note=note)
    if findings.has_errors:
        return _written(findings, None)
    is_reserved = request.is_reserved and not context.refuses_reservation
    if request.is_reserved and not is_reserved:
        note = "Zásoby objednávky nebylo možné rezervovat."
        findings.adjusted(f"{_HEADER}/ord:isReserved", "true", "false", note)
    order = sales.place(
        context.company,
        header,
        lines,
        is_reserved=is_reserved,
        number=number,
        series_id=series.id,
        ids=(context.pack_id, item.id),
    )
    return _written(findings, order)


def _duplicate(context: Context, known: list[Import]) -> ItemAnswer:
    """Tell what the same ids already made; a deleted document has no id."""
    note = "Doklad s tímto ID již byl importován."
    if context.settings.duplicity_answer == "note":
        return ItemAnswer(is_ok=False, note=note)
    found = "".join(
        element(
            "rsp:recordDuplicity",
            leaf("rsp:agendaType", "prijate_objednavky")
            + leaf("rsp:dateCreate", made.on)
            + leaf("rsp:id", made.order_id if context.company.orders.get(made.order_id) else None)
            + leaf("rsp:number", made.number),
        )
        for made in known
    )
    return ItemAnswer(is_ok=False, body=element("rsp:errorDetail", found), note=note)


def _header(context: Context, request: OrderRequest, findings: _Findings) -> OrderHeader:
    payment_type, payment = _payment(context, request, findings)
    carrier = request.carrier
    if carrier and carrier not in context.settings.carriers:
        strictness = context.settings.unknown_payment
        findings.unknown(f"{_HEADER}/ord:carrier/typ:ids", carrier, "", strictness=strictness)
        carrier = ""
    return OrderHeader(
        issued_on=request.issued_on,
        partner=request.partner,
        ship_to=request.ship_to,
        ext_id=request.ext_id,
        number_order=request.number_order,
        settle_from=request.settle_from,
        settle_by=request.settle_by,
        text=request.text,
        payment=payment,
        payment_type=payment_type,
        carrier=carrier,
        note=request.note,
        int_note=request.int_note,
        rounding=request.rounding,
        currency=_currency(context, request.currency, findings),
    )


def _payment(context: Context, request: OrderRequest, findings: _Findings) -> tuple[str, str]:
    """Find the payment form by id, else by name, else by type; the default is a transfer."""
    wanted = request.payment or Reference()
    for form_id, (kind, name) in PAYMENTS.items():
        by_type = wanted == Reference() and kind == request.payment_type
        by_name = wanted.id is None and wanted.ids == name
        if by_type or by_name or wanted.id == form_id:
            return kind, name
    default = PAYMENTS[1]
    if wanted != Reference():
        asked = ("typ:id", str(wanted.id)) if wanted.id else ("typ:ids", wanted.ids or "")
        path = f"{_HEADER}/ord:paymentType/{asked[0]}"
        strictness = context.settings.unknown_payment
        findings.unknown(path, asked[1], default[1], strictness=strictness)
    return default


def _currency(
    context: Context, wanted: ForeignCurrency | None, findings: _Findings
) -> ForeignCurrency | None:
    """Find the currency; its rate comes from the company's list where the importer gave none."""
    home = context.settings.home_currency
    if wanted is None or wanted.code == home:
        return None
    rate = dict(context.settings.rates).get(wanted.code)
    if rate is None:
        path = "ord:orderSummary/ord:foreignCurrency/typ:currency/typ:ids"
        strictness = context.settings.unknown_currency
        findings.unknown(path, wanted.code, home, strictness=strictness)
        return None
    return replace(wanted, rate=wanted.rate if wanted.rate > ZERO else rate)


def _line(context: Context, request: LineRequest, path: str, findings: _Findings) -> Line:
    """Link the line to its card; without a link it is a text line."""
    if request.stock is None:
        return request.line
    one_only = context.settings.several_cards_match == "error"
    card = lookup.find_card(context.company, request.stock, one_only=one_only)
    if isinstance(card, lookup.NotFound):
        strictness = "error" if card.is_ambiguous else context.settings.unknown_stock
        xpath = f"{path}/ord:stockItem/{card.path}"
        findings.unknown(xpath, card.value, "", strictness=strictness)
        return request.line
    line = request.line
    return replace(
        line,
        card_id=card.id,
        text=line.text or card.name,
        unit=line.unit or card.unit,
        code=card.code,
    )


def _number(context: Context, request: OrderRequest, findings: _Findings) -> tuple[str, Series]:
    """Number the order: as requested, else from the requested series, else the default one."""
    company, wanted = context.company, request.number
    series = company.default_series()
    if wanted.series is not None and wanted.number is None:
        found = (
            company.series.get(wanted.series.id)
            if wanted.series.id
            else next(iter(company.series.find("prefix", wanted.series.ids)), None)
        )
        if found is None:
            asked = str(wanted.series.id or wanted.series.ids)
            path = f"{_HEADER}/ord:number/typ:{'id' if wanted.series.id else 'ids'}"
            findings.unknown(path, asked, series.prefix, strictness="error")
            return "", series
        series = found
    if wanted.number is None:
        return sales.next_number(company, series)
    if not company.orders.find("number", wanted.number):
        return wanted.number, series
    if wanted.may_not_exist:
        raise NumberExistsError(wanted.number)
    number, series = sales.next_number(company, series)
    findings.adjusted(f"{_HEADER}/ord:number/typ:numberRequested", wanted.number, number)
    return number, series


def _written(findings: _Findings, order: Order | None) -> ItemAnswer:
    """Write what became of the order; only a created one has `rdc:producedDetails`."""
    produced = ""
    if order is not None:
        produced = (
            leaf("rdc:id", order.id)
            + leaf("rdc:number", order.number)
            + leaf("rdc:actionType", "add")
        )
        known = order.header.ext_id
        produced += ext_id("rdc:extId", known.ids, known.system) if known else ""
        produced = element("rdc:producedDetails", produced)
    is_ok = order is not None
    content = details(findings.details) + produced
    body = element("ord:orderResponse", content, version="2.0", state=state(is_ok))
    return ItemAnswer(is_ok, body)
