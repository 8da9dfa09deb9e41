"""Every other request is valid against the vendor's schema and asks for what it should."""

from collections.abc import Callable, Sequence

import pytest
from lxml import etree

from stock.warehouses.pohoda.envelope import RequestItem, write_pack
from stock.warehouses.pohoda.names import tag, text_at
from stock.warehouses.pohoda.order_list import OrderFilter, list_orders
from stock.warehouses.pohoda.probing import ProbeCursor, probe_items
from stock.warehouses.pohoda.reading import Position, page_items
from stock.warehouses.pohoda.settings import PohodaSettings
from stock.warehouses.pohoda.stores import list_stores
from stock.warehouses.pohoda.targeted import named_items
from stock.warehouses.port import CardKey

MakeSettings = Callable[..., PohodaSettings]
CURSOR = "2026-01-15T10:00:07"
KEYS = [
    CardKey("HLAVNI", "Z220", "132"),
    CardKey("", "KONF/11 *Ř", None),
    CardKey("POBOCKA", "", "7"),
    CardKey("POBOCKA", "", None),
    CardKey("HLAVNI", "Ж", None),
]
REQUESTS: list[Callable[[PohodaSettings], Sequence[RequestItem]]] = [
    lambda s: page_items(Position.start([]).page(1), s, None),
    lambda s: page_items(Position.start(["HLAVNI", "POBOCKA"]).page(9), s, CURSOR),
    lambda s: named_items(KEYS, s)[0],
    lambda s: named_items([CardKey("HLAVNI", f"Z{n}") for n in range(255)], s)[0],
    lambda _: list_stores(),
    lambda s: probe_items(None, s),
    lambda s: probe_items(ProbeCursor(CURSOR), s),
    lambda s: probe_items(ProbeCursor(CURSOR, 88100), s),
    lambda s: [RequestItem("o", list_orders([OrderFilter(external_key="eshop1:1")], s))],
    lambda s: [
        RequestItem("o", list_orders([OrderFilter(document_id=str(n + 1)) for n in range(255)], s))
    ],
]


@pytest.mark.parametrize(
    "changes",
    [{}, {"paging": "none", "targeted_filters": "items", "probe_movements": "false"}],
    ids=["defaults", "others"],
)
@pytest.mark.parametrize("items", REQUESTS)
def test_valid(
    request_schema: etree.XMLSchema,
    make_settings: MakeSettings,
    items: Callable[[PohodaSettings], Sequence[RequestItem]],
    changes: dict[str, str],
) -> None:
    connection = make_settings(**changes)
    body = write_pack(connection, "x-1", "note", items(connection))
    assert request_schema.validate(etree.fromstring(body)), str(request_schema.error_log)


def test_a_page_asks_for_ids_from_its_position(make_settings: MakeSettings) -> None:
    (item,) = page_items([("HLAVNI", 501)], make_settings(page_records="500"), None)
    assert text_at(item.content, "lStk:limit/ftr:idFrom") == "501"
    assert text_at(item.content, "lStk:limit/ftr:count") == "500"
    assert text_at(item.content, "lStk:requestStock/ftr:filter/ftr:store/typ:ids") == "HLAVNI"
    left_out = {etree.QName(flag).localname for flag in item.content[2]}
    assert "pictures" in left_out
    assert "stockItem" not in left_out, "sets need their parts"


def test_without_paging_all_cards_are_asked_for_at_once(make_settings: MakeSettings) -> None:
    (item,) = page_items([("", 1)], make_settings(paging="none"), None)
    assert [child.tag for child in item.content] == [
        tag("lStk:requestStock"),
        tag("lStk:restrictionData"),
    ]


def test_named_cards_are_grouped_by_store(make_settings: MakeSettings) -> None:
    items, stores = named_items([*KEYS, KEYS[0]], make_settings())
    assert [stores[item.item_id] for item in items] == ["HLAVNI", ""]
    assert len(list(items[0].content.iterfind(tag("lStk:requestStock")))) == 1
    last = list(items[1].content.iterfind(tag("lStk:requestStock")))[-1]
    assert text_at(last, "ftr:filter/ftr:id") == "7"


def test_named_cards_one_by_one(make_settings: MakeSettings) -> None:
    items, stores = named_items(KEYS, make_settings(targeted_filters="items"))
    assert len(items) == len(stores) == 3


def test_too_many_named_cards(make_settings: MakeSettings) -> None:
    with pytest.raises(ValueError, match="at most 255"):
        named_items([CardKey("HLAVNI", f"Z{n}") for n in range(256)], make_settings())


def test_a_probe_is_one_pack_of_movements_and_orders(make_settings: MakeSettings) -> None:
    movements, orders = probe_items(ProbeCursor(CURSOR, 88100), make_settings())
    assert text_at(movements.content, "lst:limit/ftr:idFrom") == "88101"
    assert text_at(movements.content, "lst:requestMovement/ftr:filter/ftr:dateFrom") == ""
    since = text_at(orders.content, "lst:requestOrder/ftr:filter/ftr:lastChanges")
    assert since == "2026-01-15T09:58:07"


def test_a_probe_that_knows_no_movement_yet_looks_a_day_back(make_settings: MakeSettings) -> None:
    movements, _ = probe_items(ProbeCursor(CURSOR), make_settings())
    day = text_at(movements.content, "lst:requestMovement/ftr:filter/ftr:dateFrom")
    assert day == "2026-01-14"
