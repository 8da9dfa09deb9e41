"""Orders read back, and what a probe makes of an answer."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from stock.warehouses.errors import Refused, Unreadable
from stock.warehouses.pohoda.envelope import Answer, list_in, read_pack
from stock.warehouses.pohoda.order_list import documents_in
from stock.warehouses.pohoda.probing import MAX_MOVEMENTS, ProbeCursor, first_probe, read_probe
from stock.warehouses.pohoda.settings import PohodaSettings
from stock.warehouses.pohoda.stores import stores_in
from stock.warehouses.port import CardKey, Document, DocumentLine

MakeSettings = Callable[..., PohodaSettings]
BASE = "http://www.stormware.cz/schema/version_2/"
NAMES = " ".join(
    f'xmlns:{prefix}="{BASE}{name}.xsd"'
    for prefix, name in {
        "rsp": "response",
        "lst": "list",
        "ord": "order",
        "typ": "type",
        "mov": "movement",
        "sto": "store",
    }.items()
)
STAMP = 'dateTimeStamp="2026-01-15T10:05:00" state="ok"'


def answer(**items: str) -> Answer:
    """An answer with these items."""
    body = "".join(
        f'<rsp:responsePackItem id="{name}" state="ok">{content}</rsp:responsePackItem>'
        for name, content in items.items()
    )
    text = f'<rsp:responsePack {NAMES} id="x" state="ok" note="">{body}</rsp:responsePack>'
    return read_pack(text.encode(), "utf-8")


def line(code: str = "Z220", **fields: str) -> str:
    """A line; empty `code` makes it one of text."""
    given = {"quantity": "2.0", "delivered": "0.0", **fields}
    body = "".join(f"<ord:{name}>{text}</ord:{name}>" for name, text in given.items() if text)
    card = (
        "<ord:stockItem><typ:store><typ:ids>HLAVNI</typ:ids></typ:store>"
        f"<typ:stockItem><typ:id>132</typ:id><typ:ids>{code}</typ:ids></typ:stockItem>"
        "</ord:stockItem>"
    )
    return f"<ord:orderItem>{body}{card if code else ''}</ord:orderItem>"


def order(header: str = "", lines: str = "", more: str = "") -> str:
    """An order with the id 1574."""
    return (
        "<lst:order><ord:orderHeader><ord:id>1574</ord:id><ord:number><typ:numberRequested>31"
        f"</typ:numberRequested></ord:number>{header}</ord:orderHeader>"
        f"<ord:orderDetail>{lines}</ord:orderDetail>{more}</lst:order>"
    )


def orders(*listed: str) -> str:
    """A list of orders."""
    return f"<lst:listOrder {STAMP}>{''.join(listed)}</lst:listOrder>"


def read(connection: PohodaSettings, *listed: str) -> list[Document]:
    found = list_in(answer(o=orders(*listed)), "o", "lst:listOrder")
    return documents_in(found, connection)


def test_an_order_as_it_stands(make_settings: MakeSettings) -> None:
    header = (
        "<ord:extId><typ:ids>eshop1:1</typ:ids><typ:exSystemName>spojka</typ:exSystemName></ord:extId>"
        "<ord:isReserved>true</ord:isReserved><ord:isExecuted>false</ord:isExecuted>"
    )
    assert read(make_settings(), order(header, line(delivered="1.5") + line(""))) == [
        Document(
            document_id="1574",
            number="31",
            external_id="eshop1:1",
            reserved=True,
            executed=False,
            cancelled=False,
            linked=False,
            lines=(
                DocumentLine("Z220", "HLAVNI", Decimal(2), Decimal("1.5")),
                DocumentLine(None, None, Decimal(2), Decimal(0)),
            ),
        )
    ]


@pytest.mark.parametrize(
    ("header", "more", "flag"),
    [
        ("<ord:isExecuted>true</ord:isExecuted>", "", "executed"),
        ("<ord:storno>cancelledDocument</ord:storno>", "", "cancelled"),
        ("<ord:dateCancellation>2026-01-16</ord:dateCancellation>", "", "cancelled"),
        ("", "<ord:linkedDocuments><typ:link/></ord:linkedDocuments>", "linked"),
        ("<ord:isReserved>true</ord:isReserved>", "", "reserved"),
    ],
)
def test_states(make_settings: MakeSettings, header: str, more: str, flag: str) -> None:
    (found,) = read(make_settings(), order(header, more=more))
    states = {
        name: getattr(found, name) for name in ("executed", "cancelled", "linked", "reserved")
    }
    assert states == {**dict.fromkeys(states, False), flag: True}


def test_an_external_id_of_another_system_is_not_ours(make_settings: MakeSettings) -> None:
    header = "<ord:extId><typ:ids>1</typ:ids><typ:exSystemName>other</typ:exSystemName></ord:extId>"
    assert read(make_settings(), order(header))[0].external_id is None


def test_quantities_are_in_the_card_s_unit(make_settings: MakeSettings) -> None:
    lines = line(quantity="2.0", delivered="1.0", coefficient="12.0")
    assert read(make_settings(), order(lines=lines))[0].lines[0] == DocumentLine(
        "Z220", "HLAVNI", Decimal(24), Decimal(12)
    )


def test_a_delivered_order_whose_lines_are_silent(make_settings: MakeSettings) -> None:
    header = "<ord:isDelivered>true</ord:isDelivered>"
    (found,) = read(make_settings(), order(header, line(delivered="")))
    assert found.lines[0].delivered == 2


def test_an_order_twice_in_a_list_is_one(make_settings: MakeSettings) -> None:
    assert len(read(make_settings(), order(), order())) == 1


@pytest.mark.parametrize("listed", ["<lst:order/>", order(lines=line(quantity="two"))])
def test_an_order_that_cannot_be_read(make_settings: MakeSettings, listed: str) -> None:
    with pytest.raises(Unreadable) as raised:
        read(make_settings(), listed)
    assert "order" in raised.value.fragment


def movement(movement_id: int, code: str = "Z220") -> str:
    """A movement of a card."""
    card = f"<typ:stockItem><typ:id>132</typ:id><typ:ids>{code}</typ:ids></typ:stockItem>"
    storage = "<typ:storage><typ:ids>HLAVNI/A</typ:ids></typ:storage>"
    named = f"<mov:stockItem>{storage}{card}</mov:stockItem>"
    return (
        f"<lst:movement><mov:movementHeader><mov:id>{movement_id}</mov:id>"
        f"{named if code else ''}</mov:movementHeader></lst:movement>"
    )


def movements(*listed: str) -> str:
    """A list of movements."""
    return f"<lst:listMovement {STAMP}>{''.join(listed)}</lst:listMovement>"


CURSOR = ProbeCursor("2026-01-15T10:00:00", 10)


def test_a_probe_names_each_card_once_and_goes_on(make_settings: MakeSettings) -> None:
    found = read_probe(
        answer(
            m=movements(movement(12), movement(14), movement(13, "B")),
            o=orders(order(lines=line())),
        ),
        CURSOR,
        make_settings(),
    )
    assert found.cards == (CardKey("HLAVNI", "Z220", "132"), CardKey("HLAVNI", "B", "132"))
    assert found.document_ids == ("1574",)
    assert ProbeCursor.decode(found.cursor) == ProbeCursor("2026-01-15T10:05:00", 14)
    assert not found.incomplete


def test_nothing_moved(make_settings: MakeSettings) -> None:
    found = read_probe(answer(m=movements(), o=orders()), CURSOR, make_settings())
    assert (found.cards, found.document_ids, found.incomplete) == ((), (), False)
    assert ProbeCursor.decode(found.cursor) == ProbeCursor("2026-01-15T10:05:00", 10)


def test_an_answer_without_lists_moves_no_cursor(make_settings: MakeSettings) -> None:
    found = read_probe(answer(), CURSOR, make_settings())
    assert ProbeCursor.decode(found.cursor) == CURSOR


@pytest.mark.parametrize(
    "moved",
    [
        movements(*(movement(n) for n in range(11, 11 + MAX_MOVEMENTS))),
        movements(movement(11, "")),
    ],
    ids=["too many", "not named"],
)
def test_a_probe_that_can_not_name_all_says_so(make_settings: MakeSettings, moved: str) -> None:
    assert read_probe(answer(m=moved, o=orders()), CURSOR, make_settings()).incomplete


def test_a_probe_without_a_time_learns_nothing() -> None:
    with pytest.raises(Unreadable):
        first_probe(answer())


def test_stores_by_the_list_or_by_the_tree() -> None:
    store = "<lst:store><sto:name>HLAVNI</sto:name><sto:text>Hlavní sklad</sto:text></lst:store>"
    tree = f'<lst:listStorage {STAMP}><lst:itemStorage code="B" name=""/></lst:listStorage>'
    both = answer(stores=f"<lst:listStore {STAMP}>{store}</lst:listStore>", storages=tree)
    assert [(one.code, one.name) for one in stores_in(both)] == [("HLAVNI", "Hlavní sklad")]
    assert [(one.code, one.name) for one in stores_in(answer(storages=tree))] == [("B", "B")]
    refused = f"<lst:listStore {STAMP.replace('ok', 'error')}/>"
    assert [one.code for one in stores_in(answer(stores=refused, storages=tree))] == ["B"]
    with pytest.raises(Refused):
        stores_in(answer(stores=refused))


def test_the_reference_document(reference_dir: Path, make_settings: MakeSettings) -> None:
    body = (reference_dir / "examples" / "52_order_list_response.xml").read_bytes()
    connection = make_settings(external_system="shopbridge-eshop1")
    listed = list_in(read_pack(body, "windows-1250"), "l1", "lst:listOrder")
    (found,) = documents_in(listed, connection)
    assert (found.number, found.external_id, found.reserved) == (
        "262100031",
        "eshop1:100200143",
        True,
    )
