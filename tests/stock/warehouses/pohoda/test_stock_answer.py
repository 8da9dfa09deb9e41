"""Answers with stock, read as a stream."""

import io
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stock.warehouses.errors import Misconfigured, Refused, Unreadable, WarehouseError
from stock.warehouses.pohoda import inspect_stock
from stock.warehouses.pohoda.stock_answer import StockAnswer
from stock.warehouses.port import Card, CardKind, Component, UnreadableCard

BASE = "http://www.stormware.cz/schema/version_2/"
# Prefixes are the sender's choice.
OPEN_PACK = (
    f'<?xml version="1.0" encoding="Windows-1250"?>\n<a:responsePack xmlns:a="{BASE}response.xsd" '
    f'xmlns:l="{BASE}list_stock.xsd" xmlns:s="{BASE}stock.xsd" xmlns:typ="{BASE}type.xsd" '
    f'xmlns:rdc="{BASE}documentresponse.xsd" version="2.0" '
)
FULL_CARD = (
    "<l:stock><s:stockHeader><s:id>132</s:id><s:stockType>card</s:stockType><s:code> Z220 </s:code>"
    "<s:EAN>8591234567890</s:EAN><s:name>Židle Z220</s:name><s:unit>ks</s:unit><s:storage>"
    "<typ:id>7</typ:id><typ:ids>/HLAVNI/Židle</typ:ids></s:storage><s:count>25.5</s:count>"
    "<s:countReceivedOrders>3.0</s:countReceivedOrders><s:reservation>5.0</s:reservation>"
    "<s:note>note of a person</s:note></s:stockHeader></l:stock>"
)


def card(**fields: str) -> str:
    """A card whose header has these fields besides an id and a storage."""
    given_fields = {"id": "1", "code": "A", "count": "1.0", **fields}
    body = "".join(f"<s:{name}>{text}</s:{name}>" for name, text in given_fields.items() if text)
    storage = "<s:storage><typ:ids>HLAVNI</typ:ids></s:storage>"
    return f"<l:stock><s:stockHeader>{body}{storage}</s:stockHeader></l:stock>"


def document(
    content: str, *, pack: str = 'state="ok" note="stock page"', item: str = 'state="ok"'
) -> bytes:
    """An answer with one item."""
    text = f'{OPEN_PACK} id="x" {pack}><a:responsePackItem id="p1" {item}>{content}'
    return f"{text}</a:responsePackItem></a:responsePack>".encode("cp1250")


def stock_list(cards: str, attributes: str = 'state="ok"') -> str:
    """A list of stock."""
    return f'<l:listStock dateTimeStamp="2026-01-15T10:00:07" {attributes}>{cards}</l:listStock>'


def read(body: bytes) -> list[Card]:
    """The cards, as the command line reads them."""
    return list(inspect_stock(io.BytesIO(body)))


def test_a_card_is_read_with_all_that_counts() -> None:
    assert read(document(stock_list(FULL_CARD))) == [
        Card(
            card_id="132",
            warehouse="HLAVNI",
            product_number="Z220",
            ean="8591234567890",
            name="Židle Z220",
            unit="ks",
            kind=CardKind.GOODS,
            on_hand=Decimal("25.5"),
            reserved=Decimal(5),
            ordered=Decimal(3),
        )
    ]


@pytest.mark.parametrize(
    ("stock_type", "kind"),
    [
        ("card", CardKind.GOODS),
        ("product", CardKind.GOODS),
        ("text", CardKind.SERVICE),
        ("service", CardKind.SERVICE),
        ("set", CardKind.SET),
        ("package", CardKind.SET),
    ],
)
def test_kinds(stock_type: str, kind: CardKind) -> None:
    assert read(document(stock_list(card(stockType=stock_type))))[0].kind is kind


def test_a_set_has_its_parts() -> None:
    parts = (
        "<s:stockDetail><s:stockItem><s:code>LEG</s:code><s:quantity>4.0</s:quantity></s:stockItem>"
        "<s:stockItem><s:code>TOP</s:code><s:quantity>1.0</s:quantity></s:stockItem></s:stockDetail>"
    )
    body = card(stockType="set", count="").replace("</l:stock>", parts + "</l:stock>")
    (found,) = read(document(stock_list(body)))
    assert found.components == (Component("LEG", Decimal(4)), Component("TOP", Decimal(1)))
    assert found.on_hand == 0


def test_negative_and_fractional_quantities() -> None:
    found = read(document(stock_list(card(count="-3.25", reservation="1e1"))))[0]
    assert (found.on_hand, found.reserved) == (Decimal("-3.25"), Decimal(10))


@pytest.mark.parametrize(
    "content", [stock_list(""), "", "<!-- nothing -->"], ids=["list", "item", "comment"]
)
def test_an_empty_answer_has_no_cards(content: str) -> None:
    assert read(document(content)) == []


def test_a_pack_without_items_has_no_cards() -> None:
    assert read(f'{OPEN_PACK} id="x" state="ok" note=""></a:responsePack>'.encode()) == []


DETAIL = (
    "<rdc:importDetails><rdc:detail><rdc:state>error</rdc:state><rdc:errno>101</rdc:errno>"
    "<rdc:note>Nedostatečná práva.</rdc:note></rdc:detail></rdc:importDetails>"
)
NO_RIGHT = 'state="error" note="Uživatel není oprávněn importovat XML soubory."'
WRONG_ICO = 'state="error" note="IČO 1 nesouhlasí s IČO účetní jednotky."'


@pytest.mark.parametrize(
    ("body", "error", "words", "advice"),
    [
        (document("", pack=NO_RIGHT), Misconfigured, "není oprávněn", "Datová komunikace"),
        (document("", pack=WRONG_ICO), Misconfigured, "IČO 1", "must be that of"),
        (document("", item='state="error" note="Něco je zle."'), Refused, "Něco je zle", "retry"),
        (document(stock_list(DETAIL, 'state="error"')), Misconfigured, "Nedostatečná", "rights"),
        (document("", item='state="ok" note="Nelze."'), Unreadable, "Nelze", "Zásoby"),
    ],
    ids=["pack", "ico", "item", "list", "note in place of a list"],
)
def test_a_refused_list_never_looks_empty(
    body: bytes, error: type[WarehouseError], words: str, advice: str
) -> None:
    with pytest.raises(error, match=words) as raised:
        read(body)
    assert advice in raised.value.advice


def test_an_error_stands_before_any_card() -> None:
    body = document(stock_list(FULL_CARD), item='state="error" note="Něco je zle."')
    with pytest.raises(Refused):
        next(iter(inspect_stock(io.BytesIO(body))))


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"code": ""}, "no code"),
        ({"id": ""}, "no id"),
        ({"count": ""}, "no quantity"),
        ({"count": "many"}, "not a number"),
        ({"stockType": "hologram"}, "unknown type"),
    ],
)
def test_a_card_that_cannot_be_read_spoils_no_other(fields: dict[str, str], problem: str) -> None:
    body = document(stock_list(card(**fields) + FULL_CARD))
    first, second = StockAnswer().read([body], "windows-1250")
    assert isinstance(first, UnreadableCard)
    assert problem in first.problem
    assert "stockHeader" in first.fragment
    assert isinstance(second, Card)
    with pytest.raises(Unreadable, match=problem):
        read(body)


@pytest.mark.parametrize(
    "body",
    [
        b"<html><body>Bad gateway</body></html>",
        b"",
        b"not XML",
        document(stock_list(FULL_CARD))[:-40],
        document("<typ:another/>"),
        b'<!DOCTYPE a [<!ENTITY x "y">]>' + document(stock_list(card(code="&x;"))).split(b"?>")[1],
        b'<?xml version="1.0"?><!DOCTYPE a SYSTEM "http://example.com/a.dtd">'
        + document(stock_list(FULL_CARD)).split(b"?>")[1],
    ],
    ids=["web page", "nothing", "text", "cut off", "another list", "entity", "external DTD"],
)
def test_what_is_no_answer_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read(body)


def test_an_entity_is_not_expanded() -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    body = f'<!DOCTYPE a [<!ENTITY e0 "lol">{entities}]>'.encode()
    with pytest.raises(Unreadable):
        read(body + document(stock_list(card(code="&e9;"))).split(b"?>")[1])


def pieces(body: bytes, cuts: list[int]) -> Iterator[bytes]:
    """The body cut at these places."""
    places = [0, *sorted(place % (len(body) + 1) for place in cuts), len(body)]
    for start, end in pairwise(places):
        yield body[start:end]


@given(st.lists(st.integers(min_value=0), max_size=40))
def test_where_the_stream_is_cut_makes_no_difference(cuts: list[int]) -> None:
    body = document(stock_list(FULL_CARD + card(code="Ř", EAN="1") + card(count="") + FULL_CARD))
    whole = StockAnswer()
    expected = list(whole.read([body], "windows-1250"))
    cut_up = StockAnswer()
    assert list(cut_up.read(pieces(body, cuts), "windows-1250")) == expected
    assert (cut_up.stamp, cut_up.totals) == (whole.stamp, whole.totals)


def test_every_single_cut() -> None:
    body = document(stock_list(FULL_CARD))
    expected = list(StockAnswer().read([body], "windows-1250"))
    for place in range(len(body)):
        found = StockAnswer().read([body[:place], body[place:]], "windows-1250")
        assert list(found) == expected, place


def test_totals_count_every_record_and_the_highest_id() -> None:
    stock = StockAnswer({"p1": "POBOCKA"})
    body = document(stock_list(card(id="9") + card(id="30", code="") + card(id="12")))
    found = list(stock.read([body], "windows-1250"))
    assert [one.warehouse for one in found if isinstance(one, Card)] == ["POBOCKA", "POBOCKA"]
    assert (stock.totals["p1"].records, stock.totals["p1"].highest_id) == (3, 30)
    assert stock.stamp == "2026-01-15T10:00:07"


def test_the_reference_documents(reference_dir: Path) -> None:
    body = (reference_dir / "examples" / "11_stock_response.xml").read_bytes()
    assert [(one.product_number, one.warehouse, one.on_hand) for one in read(body)] == [
        ("Z220", "HLAVNI", Decimal(25)),
        ("KONF11", "HLAVNI", Decimal(0)),
    ]
    assert read((reference_dir / "examples" / "12_stock_response_empty.xml").read_bytes()) == []
    assert read((reference_dir / "samples" / "export_response_pack_empty.xml").read_bytes()) == []
    denied = reference_dir / "samples" / "mserver_response_xml_import_denied.xml"
    with pytest.raises(Misconfigured, match="oprávn"):
        read(denied.read_bytes())
