"""A person's word on imports, over gRPC, beside amendments, read-backs, tasks and other orders."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from spojka.database import Database
from spojka.errors import FailedPrecondition
from stock.imports.store import ImportRow
from stock.warehouses.port import Document, DocumentLine, Meaning
from tests.stock.conftest import MakeMerchant, Merchant
from tests.stock.import_desk import (
    ImportDesk,
    LateRequests,
    findings,
    open_import_desk,
    scene_with,
)
from tests.stock.scene import Lines, Placed, Scene, begun


@pytest.fixture
async def desk(stock_database: Database) -> AsyncIterator[ImportDesk]:
    async with open_import_desk(stock_database) as desk:
        yield desk


async def begin(make_merchant: MakeMerchant, *products: str) -> Scene:
    return await begun(await make_merchant(), **dict.fromkeys(products, "10"))


def by_hand(scene: Scene, document_id: str, lines: Lines) -> None:
    """A person makes a reserved document of these goods; it says nothing of an order."""
    warehouse = scene.merchant.warehouse
    parts = tuple(
        DocumentLine(number, "MAIN", Decimal(quantity), Decimal(0))
        for number, quantity in lines.values()
    )
    document = Document(
        document_id,
        f"OP{document_id}",
        None,
        reserved=True,
        executed=False,
        cancelled=False,
        linked=False,
        lines=parts,
    )
    warehouse.documents[document_id] = document
    warehouse._count(document, 1)


def deliver_all(scene: Scene, document_id: str) -> None:
    for place, line in enumerate(scene.merchant.warehouse.documents[document_id].lines):
        scene.merchant.warehouse.deliver(document_id, place, str(line.quantity))


async def live(scene: Scene, placed: Placed) -> list[int]:
    return [int(hold.live) for hold in await scene.merchant.holds(placed.message)]


def document_of(scene: Scene, placed: Placed) -> Document:
    document = scene.document(placed)
    assert document is not None
    return document


# Which document stands for an order.


async def test_what_an_amended_order_grew_by_is_netted_by_the_document_a_person_mended(
    make_merchant: MakeMerchant, desk: ImportDesk
) -> None:
    scene = await begin(make_merchant, "A", "B")
    warehouse = scene.merchant.warehouse
    placed = await scene.order({"1": ("A", 2)})
    await scene.settle()
    document_id = document_of(scene, placed).document_id
    warehouse.deliver(document_id, 0, "1")
    await scene.amend(placed, {"1": ("A", 3), "2": ("B", 1)})
    await scene.settle()
    assert "stock.cannot_amend" in await scene.merchant.tasks()
    # As the task advises, and then what stands for the order is said.
    warehouse.delete(document_id)
    by_hand(scene, document_id, {"1": ("A", 3), "2": ("B", 1)})
    await desk.call(scene.merchant, "SettleImport", placed.message, document_id=document_id)
    deliver_all(scene, document_id)
    await scene.settle()
    assert (await scene.merchant.import_of(placed.message)).complete
    assert await live(scene, placed) == [0, 0]
    assert await findings(scene.merchant) == []


async def test_a_line_linked_after_a_person_put_the_order_in_holds_nothing_any_more(
    make_merchant: MakeMerchant, desk: ImportDesk
) -> None:
    scene = await begin(make_merchant, "A")
    merchant = scene.merchant
    placed = await scene.order({"1": ("A", 2), "2": ("X", 1)})
    assert (await merchant.import_of(placed.message)).state == "blocked"
    merchant.warehouse.put("X", on_hand="10")
    by_hand(scene, "D9", {"1": ("A", 2), "2": ("X", 1)})
    await desk.call(merchant, "SettleImport", placed.message, document_id="D9")
    await scene.settle()
    deliver_all(scene, "D9")
    await scene.settle()
    assert (await merchant.import_of(placed.message)).complete
    assert [await merchant.available(name) for name in "AX"] == [8, 9]


async def test_the_number_of_a_document_that_a_person_named_is_known_once_it_is_read(
    make_merchant: MakeMerchant, desk: ImportDesk
) -> None:
    scene = await begin(make_merchant, "A")
    await scene.merchant.change(automatic_import=False)
    placed = await scene.order({"1": ("A", 2)})
    by_hand(scene, "D9", {"1": ("A", 2)})
    await desk.call(scene.merchant, "SettleImport", placed.message, document_id="D9")
    await scene.rest()
    told = await desk.call(scene.merchant, "GetImport", placed.message)
    assert getattr(told, "import").document_number == "OPD9"


# Tasks end with what they are about.


async def test_the_task_to_mend_a_document_ends_with_the_persons_word(
    make_merchant: MakeMerchant, desk: ImportDesk
) -> None:
    scene = await begin(make_merchant, "A")
    placed = await scene.order({"1": ("A", 2)})
    await scene.settle()
    document_id = document_of(scene, placed).document_id
    scene.merchant.warehouse.deliver(document_id, 0, "1")
    await scene.amend(placed, {"1": ("A", 3)})
    await scene.settle()
    assert "stock.cannot_amend" in await scene.merchant.tasks()
    await desk.call(scene.merchant, "SettleImport", placed.message, document_id=document_id)
    await scene.settle()
    assert "stock.cannot_amend" not in await scene.merchant.tasks()


@pytest.mark.parametrize(("lost", "word"), [("delete", "cancelled"), ("cancel", "settled")])
async def test_the_task_of_a_lost_document_ends_with_what_it_advises(
    make_merchant: MakeMerchant, desk: ImportDesk, lost: str, word: str
) -> None:
    scene = await begin(make_merchant, "A")
    placed = await scene.order({"1": ("A", 2)})
    await scene.settle()
    getattr(scene.merchant.warehouse, lost)(document_of(scene, placed).document_id)
    await scene.settle()
    assert await scene.merchant.tasks() & {"stock.document_gone", "stock.document_cancelled"}
    if word == "cancelled":
        await scene.cancel(placed)
    else:
        await desk.call(scene.merchant, "SettleImport", placed.message)
    await scene.settle()
    assert await live(scene, placed) == [0]
    assert not await scene.merchant.tasks() & {"stock.document_gone", "stock.document_cancelled"}
    assert await findings(scene.merchant) == []


# Beside a request that is under way.


async def on_its_way(make_merchant: MakeMerchant) -> tuple[Merchant, Placed, ImportRow]:
    """An order whose request got no answer, and its import."""
    merchant = (await begin(make_merchant, "A")).merchant
    scene = await scene_with(merchant, LateRequests)
    placed = await scene.order({"1": ("A", 2)})
    await scene.rest()
    found = await merchant.import_of(placed.message)
    assert found.state == "unknown"
    return merchant, placed, found


async def test_tried_again_an_order_on_its_way_keeps_the_time_of_its_look_up(
    make_merchant: MakeMerchant, desk: ImportDesk
) -> None:
    merchant, placed, before = await on_its_way(make_merchant)
    await desk.call(merchant, "RetryImport", placed.message)
    after = await merchant.import_of(placed.message)
    # The request may still be running: a look-up before then proves nothing.
    assert after.next_attempt_time == before.next_attempt_time


async def test_an_order_on_its_way_is_not_settled_and_nothing_of_it_changes(
    make_merchant: MakeMerchant, desk: ImportDesk
) -> None:
    merchant, placed, before = await on_its_way(make_merchant)
    for document_id in ("", "D9"):
        with pytest.raises(FailedPrecondition, match="look-up"):
            await desk.call(merchant, "SettleImport", placed.message, document_id=document_id)
    assert await merchant.import_of(placed.message) == before
    assert await merchant.available("A") == 8


@pytest.mark.parametrize("named", [False, True])
async def test_a_word_said_while_the_outdated_document_is_read_is_the_last_one(
    make_merchant: MakeMerchant, desk: ImportDesk, *, named: bool
) -> None:
    scene = await begin(make_merchant, "A")
    merchant = scene.merchant
    placed = await scene.order({"1": ("A", 2)})
    await scene.settle()
    standing = document_of(scene, placed).document_id
    await scene.amend(placed, {"1": ("A", 3)})

    async def settle() -> None:
        document_id = standing if named else ""
        await desk.call(merchant, "SettleImport", placed.message, document_id=document_id)

    scene.next_request(settle, answered=True)
    assert await scene.job()
    assert not scene.observer.after
    await scene.settle()
    state = (await merchant.import_of(placed.message)).state
    assert state == ("acked" if named else "withdrawn")
    # None is made beside it, and what a person said stands, or said nothing of, is not deleted.
    assert list(merchant.warehouse.documents) == [standing]
    assert await live(scene, placed) == [1 if named else 0]


async def test_a_document_named_for_an_order_settled_as_none_is_followed_again(
    make_merchant: MakeMerchant, desk: ImportDesk
) -> None:
    scene = await begun(await make_merchant(Meaning.PHYSICAL), A="10")
    await scene.merchant.change(automatic_import=False)
    placed = await scene.order({"1": ("A", 2)})
    await desk.call(scene.merchant, "SettleImport", placed.message)
    by_hand(scene, "D9", {"1": ("A", 2)})
    await desk.call(scene.merchant, "SettleImport", placed.message, document_id="D9")
    await scene.settle()
    # Two units in the warehouse are those of a document that stands: nobody else may have them.
    assert await scene.merchant.available("A") == 8
    deliver_all(scene, "D9")
    await scene.settle()
    assert (await scene.merchant.import_of(placed.message)).complete
    assert await scene.merchant.available("A") == 8
    assert await findings(scene.merchant) == []
