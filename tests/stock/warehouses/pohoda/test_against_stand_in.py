"""The client against a running stand-in of an mServer, with what goes wrong in life."""

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from sandbox.pohoda import goods, sales
from sandbox.pohoda.faults import Effect, Fault
from sandbox.pohoda.packs import Kind
from sandbox.pohoda.records import CardKind as Kinds
from stock.warehouses.errors import (
    Misconfigured,
    OutcomeUnknown,
    Refused,
    Unavailable,
    Unreadable,
    WarehouseError,
)
from stock.warehouses.port import Card, CardKey, CardKind, OrderDocument, WarehouseClient

if TYPE_CHECKING:
    from tests.stock.warehouses.pohoda.conftest import StandIn

IMPORT = frozenset({Kind.IMPORT})
DELETE = frozenset({Kind.DELETE})


async def read_all(client: WarehouseClient, stores: list[str]) -> tuple[list[Card], int, str]:
    """A full reading: its cards, how many pages it took, its cursor."""
    cards: list[Card] = []
    position, pages = None, 0
    while True:
        page = await client.read_full(position, stores)
        cards += page.cards
        pages += 1
        position = page.next_position
        if position is None:
            assert page.cursor
            return cards, pages, page.cursor


async def test_who_it_is_and_its_stores(stand_in: "StandIn") -> None:
    client = stand_in.open()
    info = await client.test()
    assert "14000.1" in info.summary
    assert "HLAVNI, POBOCKA" in info.summary
    assert {store.code for store in await client.warehouses()} == {"HLAVNI", "POBOCKA"}


@pytest.mark.parametrize(
    ("settings", "credentials", "words"),
    [
        ({"ico": "99999999"}, {}, "99999999"),
        ({}, {"password": "wrong"}, "401"),
        ({}, {"username": "guest", "password": "guest"}, "403"),
    ],
)
async def test_a_wrong_connection_says_what_to_do(
    stand_in: "StandIn", settings: dict[str, str], credentials: dict[str, str], words: str
) -> None:
    with pytest.raises(Misconfigured, match=words) as raised:
        await stand_in.open(settings, credentials).test()
    assert raised.value.advice


@pytest.mark.parametrize("empty", ["list", "item", "pack"])
async def test_an_empty_store_in_each_of_its_forms(stand_in: "StandIn", empty: str) -> None:
    stand_in.behave(empty_list=empty)
    goods.put_store(stand_in.running.installation.company, "PRAZDNY")
    page = await stand_in.open().read_full(None, ["PRAZDNY"])
    assert (page.cards, page.unreadable, page.next_position) == ([], [], None)


async def test_a_full_reading_in_pages_sees_every_card_once(stand_in: "StandIn") -> None:
    for place in range(25):
        stand_in.put(store="POBOCKA", code=f"P{place}", name="Židle", count=Decimal(place))
    stand_in.put(store="HLAVNI", code="SERVIS", name="Montáž", kind=Kinds.SERVICE)
    client = stand_in.open({"page_records": "10"})
    cards, pages, _ = await read_all(client, ["HLAVNI", "POBOCKA"])
    assert pages == 1 + 3
    by_store = {(card.warehouse, card.product_number): card for card in cards}
    assert len(by_store) == len(cards) == 2 + 1 + 1 + 25
    assert by_store["POBOCKA", "P7"].on_hand == 7
    assert by_store["HLAVNI", "Z220"].on_hand == 25
    assert by_store["HLAVNI", "SERVIS"].kind is CardKind.SERVICE
    everywhere, _, _ = await read_all(client, [])
    assert {(card.warehouse, card.product_number) for card in everywhere} == set(by_store)


async def test_only_what_changed(stand_in: "StandIn") -> None:
    client = stand_in.open({"overlap_seconds": "0"})
    _, _, cursor = await read_all(client, ["HLAVNI", "POBOCKA"])
    stand_in.put(store="POBOCKA", code="Z220", name="Židle", count=Decimal(9))
    page = await client.read_changes(cursor, None, ["HLAVNI", "POBOCKA"])
    changed = {(card.warehouse, card.product_number): card.on_hand for card in page.cards}
    assert changed["POBOCKA", "Z220"] == 9
    assert page.cursor is not None
    assert page.cursor >= cursor


@pytest.mark.parametrize("targeted", ["groups", "items"])
async def test_named_cards(stand_in: "StandIn", targeted: str) -> None:
    client = stand_in.open({"targeted_filters": targeted})
    keys = [CardKey("HLAVNI", "Z220"), CardKey("POBOCKA", "Z220"), CardKey("HLAVNI", "NENI")]
    found = await client.read_cards(keys)
    assert {(card.warehouse, card.on_hand) for card in found} == {
        ("HLAVNI", Decimal(25)),
        ("POBOCKA", Decimal(4)),
    }
    assert await client.read_cards([]) == []


async def test_wrong_bytes_are_read_all_the_same(stand_in: "StandIn") -> None:
    stand_in.put(store="HLAVNI", code="ŘÍP", name="Příliš žluťoučký", count=Decimal(1))
    stand_in.running.installation.faults.add(Fault(Effect.CHARSET))
    (card,) = await stand_in.open().read_cards([CardKey("HLAVNI", "ŘÍP")])
    assert (card.product_number, card.name) == ("ŘÍP", "Příliš žluťoučký")


async def test_a_probe_names_what_moved(stand_in: "StandIn", order: OrderDocument) -> None:
    client = stand_in.open({"overlap_seconds": "0"})
    cursor = (await client.probe(None)).cursor
    cursor = (await client.probe(cursor)).cursor
    stand_in.put(store="POBOCKA", code="Z220", name="Židle", count=Decimal(3))
    moved = await client.probe(cursor)
    assert ("POBOCKA", "Z220") in {(key.warehouse, key.product_number) for key in moved.cards}
    done = await client.create_document(order, resend=False)
    changed = await client.probe(moved.cursor)
    assert done.document_id in changed.document_ids
    assert ("HLAVNI", "Z220") in {(key.warehouse, key.product_number) for key in changed.cards}


async def test_an_order_is_imported_reserved_and_read_back(
    stand_in: "StandIn", order: OrderDocument
) -> None:
    client = stand_in.open({"carriers": "PPL = PPL"})
    done = await client.create_document(order, resend=False)
    (document,) = await client.read_documents([done.document_id, "999999"])
    assert (document.number, document.external_id) == (done.number, order.external_id)
    assert document.reserved
    assert not document.executed
    assert [(line.product_number, line.quantity) for line in document.lines] == [
        ("Z220", Decimal(2)),
        (None, Decimal(1)),
    ]
    (card,) = await client.read_cards([CardKey("HLAVNI", "Z220")])
    assert [card.on_hand, card.reserved, card.ordered] == [25, 2, 2]
    company = stand_in.running.installation.company
    sales.deliver(company, int(done.document_id))
    (document,) = await client.read_documents([done.document_id])
    assert document.lines[0].delivered == 2
    assert document.linked


@pytest.mark.parametrize("currency", ["EUR", "CZK"])
async def test_the_schema_of_the_stand_in_takes_every_order(
    stand_in: "StandIn", order: OrderDocument, currency: str
) -> None:
    strange = replace(order, currency=currency, note="Ж😀\r\n\x01 ș", payment_method_name="Bitcoin")
    done = await stand_in.open().create_document(strange, resend=False)
    assert done.document_id


@pytest.mark.parametrize(
    "fault",
    [
        Fault(Effect.DROP, IMPORT, after_commit=True),
        Fault(Effect.STATUS, IMPORT, after_commit=True, status=503),
        Fault(Effect.STATUS, IMPORT, after_commit=True, status=408),
        Fault(Effect.CUT, IMPORT),
    ],
    ids=["dropped", "503", "408", "cut"],
)
@pytest.mark.parametrize("duplicity_answer", ["record", "note"])
async def test_a_lost_answer_is_found_and_never_doubled(
    stand_in: "StandIn", order: OrderDocument, fault: Fault, duplicity_answer: str
) -> None:
    stand_in.behave(duplicity_answer=duplicity_answer)
    stand_in.running.installation.faults.add(fault)
    client = stand_in.open()
    with pytest.raises(OutcomeUnknown):
        await client.create_document(order, resend=False)
    found = await client.find_document(order.external_id, order.number)
    assert found is not None
    if duplicity_answer == "record":
        again = await client.create_document(order, resend=True)
        assert (again.document_id, again.number) == (found.document_id, found.number)
    else:
        with pytest.raises(OutcomeUnknown, match="importován"):
            await client.create_document(order, resend=True)
    assert stand_in.order_count == 1


async def test_the_answer_about_another_order_proves_nothing(
    stand_in: "StandIn", order: OrderDocument
) -> None:
    client = stand_in.open()
    other = replace(order, external_id="eshop1:100200199:1", number="100200199")
    await client.create_document(other, resend=False)
    stand_in.running.installation.faults.add(Fault(Effect.REPEATED, IMPORT))
    with pytest.raises(OutcomeUnknown):
        await client.create_document(order, resend=False)
    assert await client.find_document(order.external_id, order.number) is not None
    assert stand_in.order_count == 2


async def test_a_repeated_answer_is_not_what_stands_now(stand_in: "StandIn") -> None:
    client, keys = stand_in.open(), [CardKey("HLAVNI", "Z220")]
    await client.read_cards(keys)
    cursor = (await client.probe((await client.probe(None)).cursor)).cursor
    stand_in.put(store="HLAVNI", code="Z220", name="Židle", count=Decimal(1))
    faults = stand_in.running.installation.faults
    faults.add(Fault(Effect.REPEATED, frozenset({Kind.STOCK_LIST})))
    with pytest.raises(Unreadable, match="another request"):
        await client.read_cards(keys)
    faults.add(Fault(Effect.REPEATED, frozenset({Kind.MOVEMENT_LIST})))
    with pytest.raises(Unreadable, match="another request"):
        await client.probe(cursor)
    (card,) = await client.read_cards(keys)
    assert card.on_hand == 1


async def test_a_time_out_after_the_commit_is_unknown(
    stand_in: "StandIn", order: OrderDocument
) -> None:
    hang = Fault(Effect.HANG, IMPORT, after_commit=True, seconds=1.5)
    stand_in.running.installation.faults.add(hang)
    client = stand_in.open({"read_timeout_seconds": "1"})
    with pytest.raises(OutcomeUnknown, match="time-out"):
        await client.create_document(order, resend=False)
    patient = stand_in.open()
    assert await patient.find_document(order.external_id, order.number) is not None
    assert stand_in.order_count == 1


async def test_an_order_that_never_arrived_is_not_found(
    stand_in: "StandIn", order: OrderDocument
) -> None:
    stand_in.running.installation.faults.add(Fault(Effect.DROP, IMPORT))
    client = stand_in.open()
    with pytest.raises(OutcomeUnknown):
        await client.create_document(order, resend=False)
    assert await client.find_document(order.external_id, order.number) is None
    await client.create_document(order, resend=True)
    assert stand_in.order_count == 1


async def test_another_order_s_id_is_not_taken_for_this_one(
    stand_in: "StandIn", order: OrderDocument
) -> None:
    client = stand_in.open()
    await client.create_document(order, resend=False)
    assert await client.find_document("eshop1:100200143:2", order.number) is None
    other = stand_in.open({"external_system": "another"})
    assert await other.find_document(order.external_id, order.number) is None


async def test_an_order_that_was_deleted_is_not_made_again(
    stand_in: "StandIn", order: OrderDocument
) -> None:
    client = stand_in.open()
    done = await client.create_document(order, resend=False)
    await client.delete_document(done.document_id)
    await client.delete_document(done.document_id)
    assert await client.read_documents([done.document_id]) == []
    with pytest.raises(Refused, match="was deleted"):
        await client.create_document(order, resend=True)
    assert stand_in.order_count == 0


async def test_a_deletion_whose_answer_is_lost(stand_in: "StandIn", order: OrderDocument) -> None:
    client = stand_in.open()
    done = await client.create_document(order, resend=False)
    stand_in.running.installation.faults.add(Fault(Effect.DROP, DELETE, after_commit=True))
    with pytest.raises(OutcomeUnknown):
        await client.delete_document(done.document_id)
    await client.delete_document(done.document_id)
    assert stand_in.order_count == 0


async def test_an_unknown_card_blocks_the_order_and_names_the_line(
    stand_in: "StandIn", order: OrderDocument
) -> None:
    bad = replace(order.lines[0], line_id="c", product_number="NENI")
    document = replace(order, lines=(*order.lines, bad))
    with pytest.raises(Refused, match="NENI") as raised:
        await stand_in.open().create_document(document, resend=False)
    assert raised.value.line_ids == ("c",)
    assert stand_in.order_count == 0


async def test_an_installation_that_replaces_what_it_does_not_know_warns(
    stand_in: "StandIn", order: OrderDocument
) -> None:
    client = stand_in.open({"payment_types": "Dobírka = Bitcoin"})
    done = await client.create_document(order, resend=False)
    assert any("Bitcoin" in warning for warning in done.warnings)


async def test_a_reservation_that_is_refused_shows(
    stand_in: "StandIn", order: OrderDocument
) -> None:
    stand_in.running.installation.faults.add(Fault(Effect.RESERVATION_REFUSED, IMPORT))
    client = stand_in.open()
    done = await client.create_document(order, resend=False)
    assert done.warnings
    (document,) = await client.read_documents([done.document_id])
    assert not document.reserved


@pytest.mark.parametrize(
    ("fault", "read", "change"),
    [
        (Fault(Effect.STATUS, status=503, times=2), Unavailable, OutcomeUnknown),
        (Fault(Effect.DROP, times=2), Unavailable, OutcomeUnknown),
        (Fault(Effect.RIGHTS, times=2), Misconfigured, Misconfigured),
        (Fault(Effect.PASSWORD, times=2), Misconfigured, Misconfigured),
        (Fault(Effect.LOCKED, times=2), Unavailable, Unavailable),
    ],
    ids=["503", "drop", "rights", "password", "locked"],
)
async def test_faults(
    stand_in: "StandIn",
    order: OrderDocument,
    fault: Fault,
    read: type[WarehouseError],
    change: type[WarehouseError],
) -> None:
    stand_in.running.installation.faults.add(fault)
    client = stand_in.open()
    for expected, call in (
        (read, client.read_full(None, ["HLAVNI"])),
        (change, client.create_document(order, resend=False)),
    ):
        with pytest.raises(WarehouseError) as raised:
            await call
        assert type(raised.value) is expected
        assert raised.value.advice
    assert stand_in.order_count == 0
