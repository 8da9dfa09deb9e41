"""Answers to imports and deletions: what counts as done, refused, unknown."""

from pathlib import Path

import pytest

from stock.warehouses.errors import (
    Misconfigured,
    OutcomeUnknown,
    Refused,
    Unavailable,
    WarehouseError,
)
from stock.warehouses.pohoda.envelope import read_pack
from stock.warehouses.pohoda.order_answer import (
    acknowledge,
    confirm_deleted,
    unknown_unless_clear,
)
from stock.warehouses.port import Acknowledgement, OrderDocument

BASE = "http://www.stormware.cz/schema/version_2/"
KEY = "k"
PRODUCED = (
    "<rdc:producedDetails><rdc:id>1574</rdc:id><rdc:number>31</rdc:number></rdc:producedDetails>"
)


def detail(
    note: str, *, state: str = "error", errno: int | None = None, xpath: str = "", value: str = ""
) -> str:
    """One entry of importDetails."""
    number = f"<rdc:errno>{errno}</rdc:errno>" if errno else ""
    place = f"<rdc:XPath>{xpath}</rdc:XPath><rdc:valueRequested>{value}</rdc:valueRequested>"
    return (
        f"<rdc:detail><rdc:state>{state}</rdc:state>{number}<rdc:note>{note}</rdc:note>"
        f"{place if xpath else ''}</rdc:detail>"
    )


def response(content: str, state: str = "ok") -> str:
    """An order's response."""
    return f'<ord:orderResponse version="2.0" state="{state}">{content}</ord:orderResponse>'


def details(*entries: str) -> str:
    """The entries of importDetails."""
    return f"<rdc:importDetails>{''.join(entries)}</rdc:importDetails>"


def pack(content: str, item: str = 'state="ok"', *, item_id: str = KEY) -> bytes:
    """An answer with one item."""
    return (
        f'<rsp:responsePack xmlns:rsp="{BASE}response.xsd" xmlns:rdc="{BASE}documentresponse.xsd" '
        f'xmlns:ord="{BASE}order.xsd" id="x" state="ok" note="">'
        f'<rsp:responsePackItem id="{item_id}" {item}>{content}</rsp:responsePackItem>'
        "</rsp:responsePack>"
    ).encode()


def line_path(place: int) -> str:
    """Where Pohoda points at a line."""
    return (
        "dat:dataPack/dat:dataPackItem[1]/ord:order/ord:orderDetail/"
        f"ord:orderItem[{place}]/ord:stockItem/typ:stockItem/typ:ids"
    )


def duplicate(number: str, document_id: str = "", agenda: str = "prijate_objednavky") -> str:
    """What Pohoda remembers of an earlier import."""
    held = f"<rsp:id>{document_id}</rsp:id>" if document_id else ""
    return (
        "<rsp:errorDetail><rsp:recordDuplicity>"
        f"<rsp:agendaType>{agenda}</rsp:agendaType>{held}<rsp:number>{number}</rsp:number>"
        "</rsp:recordDuplicity></rsp:errorDetail>"
    )


def judge(body: bytes, order: OrderDocument) -> Acknowledgement:
    return acknowledge(read_pack(body, "utf-8"), order, KEY)


def test_done_says_the_document(order: OrderDocument) -> None:
    assert judge(pack(response(PRODUCED)), order) == Acknowledgement("1574", "31")


def test_warnings_do_not_stop_it_and_are_passed_on(order: OrderDocument) -> None:
    warning = detail("Hodnota prvku musela být upravena.", state="warning", errno=603)
    done = judge(pack(response(details(warning) + PRODUCED)), order)
    assert (done.document_id, done.warnings) == ("1574", ("Hodnota prvku musela být upravena.",))


def test_a_recorded_duplicate_is_the_document(order: OrderDocument) -> None:
    body = pack(duplicate("31", "1574"), 'state="error" note="Již byl importován."')
    assert judge(body, order) == Acknowledgement("1574", "31")


def test_a_duplicate_that_was_deleted_is_refused_with_the_reason(order: OrderDocument) -> None:
    with pytest.raises(Refused, match="31 was deleted"):
        judge(pack(duplicate("31"), 'state="error"'), order)


LOST_ID = response("")
BUSY = details(detail("Záznam je právě upravován jiným uživatelem."))
RIGHT = details(detail("Nedostatečná práva.", errno=101))
CLOSED = details(detail("Období je uzavřeno.", errno=103))
SEVERAL = details(detail("Existuje více záznamů.", xpath=line_path(1), value="Z220"))
EXISTS = details(detail("Doklad se zadaným číslem už existuje."))


@pytest.mark.parametrize(
    ("body", "error", "advice"),
    [
        (
            pack("", 'state="ok" note="Doklad se zadaným číslem už existuje."'),
            OutcomeUnknown,
            "look",
        ),
        (
            pack("", 'state="error" note="Doklad s tímto ID již byl importován."'),
            OutcomeUnknown,
            "l",
        ),
        (pack("", 'state="ok"'), OutcomeUnknown, "looked up"),
        (pack(LOST_ID), OutcomeUnknown, "looked up"),
        (pack(response(PRODUCED, "error")), OutcomeUnknown, "looked up"),
        (pack(response(PRODUCED), 'state="error"'), OutcomeUnknown, "looked up"),
        (pack(response(PRODUCED), item_id="another"), OutcomeUnknown, "looked up"),
        (pack(response(EXISTS, "error")), OutcomeUnknown, "looked up"),
        (pack(duplicate("7", "9", "vydane_faktury"), 'state="error" note="Ne."'), Refused, "retry"),
        (pack("", 'state="error" note="Něco."'), Refused, "retry"),
        (pack(response(BUSY, "error"), 'state="error"'), Unavailable, "tried again"),
        (pack(response(RIGHT, "error"), 'state="error"'), Misconfigured, "rights"),
        (pack(response(CLOSED, "error"), 'state="error"'), Refused, "closed"),
        (pack(response(SEVERAL, "error"), 'state="error"'), Refused, "retry"),
    ],
)
def test_what_is_not_clearly_done(
    order: OrderDocument, body: bytes, error: type[WarehouseError], advice: str
) -> None:
    with pytest.raises(error) as raised:
        judge(body, order)
    assert type(raised.value) is error
    assert advice in raised.value.advice


def test_lines_to_blame_are_named(order: OrderDocument) -> None:
    entries = details(
        detail("Neznámá hodnota.", errno=108, xpath=line_path(2), value="X"),
        detail("Upraveno.", state="warning", errno=603, xpath=line_path(1)),
        detail("Neznámá hodnota.", errno=108, xpath=line_path(2), value="X"),
        detail("Neznámá hodnota.", errno=108, xpath=line_path(9), value="X"),
    )
    with pytest.raises(Refused, match="Neznámá hodnota") as raised:
        judge(pack(response(entries, "error"), 'state="error"'), order)
    assert raised.value.line_ids == ("b",)
    assert "'X'" in raised.value.message


@pytest.mark.parametrize(
    ("note", "error"),
    [
        ("Uživatel není oprávněn importovat XML soubory.", Misconfigured),
        ("Používateľ nie je oprávnený importovať XML súbory.", Misconfigured),
        ("Přihlášení uživatele se nezdařilo.", Misconfigured),
        ("Účetní jednotku je třeba nejprve převést do aktuální verze (převeden).", Misconfigured),
        ("IČO 1 nesouhlasí.", Misconfigured),
        ("Vypršela doba pro aktivaci.", Misconfigured),
        ("Databázi nelze otevřít.", OutcomeUnknown),
        ("Chyba při zpracování, zkuste to znovu.", OutcomeUnknown),
        ("Něco jiného.", Refused),
    ],
)
def test_a_refused_pack_of_an_import(note: str, error: type[WarehouseError]) -> None:
    body = f'<rsp:responsePack xmlns:rsp="{BASE}response.xsd" id="" state="error" note="{note}"/>'
    with pytest.raises(WarehouseError) as raised:
        read_pack(body.encode(), "utf-8")
    assert type(unknown_unless_clear(raised.value)) is error


@pytest.mark.parametrize("body", [b"", b"<html/>", b"<a", pack(LOST_ID)[:-20]])
def test_an_answer_that_is_not_understood_leaves_the_outcome_unknown(body: bytes) -> None:
    with pytest.raises(WarehouseError) as raised:
        read_pack(body, "utf-8")
    assert isinstance(unknown_unless_clear(raised.value), OutcomeUnknown)


@pytest.mark.parametrize(
    "body",
    [
        pack(response(PRODUCED)),
        pack(response("")),
        pack(response(details(detail("Neznámá hodnota.", errno=108)), "error"), 'state="error"'),
        pack("", 'state="error" note="Záznam nebyl nalezen."'),
    ],
)
def test_a_document_is_gone(body: bytes) -> None:
    confirm_deleted(read_pack(body, "utf-8"), "1574", KEY)


LINKED = details(detail("Doklad má vazby."))


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (pack(""), OutcomeUnknown),
        (pack(response(LINKED, "error"), 'state="error"'), Refused),
        (pack(response(BUSY, "error"), 'state="error"'), Unavailable),
        (pack("", 'state="error" note="Nelze."'), Refused),
    ],
)
def test_a_document_that_is_not_gone(body: bytes, error: type[WarehouseError]) -> None:
    with pytest.raises(error):
        confirm_deleted(read_pack(body, "utf-8"), "1574", KEY)


@pytest.mark.parametrize(
    ("name", "key", "expected"),
    [
        ("41_order_import_response_ok", "143", "1574"),
        ("42_order_import_response_warning", "143", "1575"),
        ("43_order_import_response_unknown_stock", "145", Refused),
        ("44_order_import_response_batch_duplicate", "143", "1574"),
        ("45_order_import_response_number_exists_no_document", "146", OutcomeUnknown),
        ("46_pack_error_no_import_right", "", Misconfigured),
    ],
)
def test_the_reference_documents(
    reference_dir: Path,
    order: OrderDocument,
    name: str,
    key: str,
    expected: str | type[WarehouseError],
) -> None:
    body = (reference_dir / "examples" / f"{name}.xml").read_bytes()
    found: str | type[WarehouseError]
    try:
        found = acknowledge(
            read_pack(body, "windows-1250"), order, f"ord-eshop1-100200{key}"
        ).document_id
    except WarehouseError as error:
        found = type(error)
    assert found == expected
