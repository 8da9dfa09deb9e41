"""Which documents are read back and looked up, whatever is odd about one of them."""

from collections.abc import AsyncIterator
from zoneinfo import ZoneInfo

import pytest

from spojka.database import Database
from stock.domain.imports import external_id
from stock.imports.documents import order_document
from stock.worker import connection_worker
from tests.stock.conftest import MakeMerchant
from tests.stock.import_desk import ImportDesk, StrictAboutIds, open_import_desk, scene_with
from tests.stock.scene import JOBS_MAX, Placed, Scene, begun

UNREADABLE = "stock.document_unreadable"


@pytest.fixture
async def desk(stock_database: Database) -> AsyncIterator[ImportDesk]:
    async with open_import_desk(stock_database) as desk:
        yield desk


async def imported(make_merchant: MakeMerchant) -> tuple[Scene, Placed]:
    """An order whose document stands; those that follow people put in themselves."""
    scene = await begun(await make_merchant(), A="10", B="10")
    placed = await scene.order({"1": ("A", 2)})
    await scene.settle()
    await scene.merchant.change(automatic_import=False)
    return scene, placed


async def read(scene: Scene) -> None:
    """Read in full, and work on past whatever is in trouble until nothing is due."""
    await scene.request_reading("full")
    for _ in range(JOBS_MAX):
        if not await scene.job():
            return
    raise AssertionError("the work never ends")


async def test_two_orders_that_one_document_stands_for_are_both_read_back(
    make_merchant: MakeMerchant, desk: ImportDesk
) -> None:
    scene, first = await imported(make_merchant)
    second = await scene.order({"1": ("A", 1)})
    document = scene.document(first)
    assert document is not None
    for placed in (first, second):
        await desk.call(
            scene.merchant, "SettleImport", placed.message, document_id=document.document_id
        )
    await scene.rest()
    for placed in (first, second):
        assert not (await scene.merchant.import_of(placed.message)).unread


async def test_a_document_that_is_none_keeps_no_other_from_being_read(
    make_merchant: MakeMerchant, desk: ImportDesk
) -> None:
    scene, other = await imported(make_merchant)
    merchant, document = scene.merchant, scene.document(other)
    assert document is not None
    odd = await scene.order({"1": ("B", 1)})
    # What people see of a document is its number, not its id.
    await desk.call(merchant, "SettleImport", odd.message, document_id="26OP0001")
    merchant.warehouse.deliver(document.document_id, 0, "2")
    strict = await scene_with(merchant, StrictAboutIds)
    await read(strict)
    assert (await merchant.import_of(other.message)).complete
    assert UNREADABLE in await merchant.tasks()
    assert "stock.connection_problem" not in await merchant.tasks()
    await desk.call(merchant, "SettleImport", odd.message)
    await read(strict)
    assert UNREADABLE not in await merchant.tasks()


async def test_where_no_document_can_be_read_the_system_is_in_trouble(
    make_merchant: MakeMerchant, desk: ImportDesk
) -> None:
    scene, _placed = await imported(make_merchant)
    orders = [await scene.order({"1": ("B", 1)}) for _ in range(2)]
    for place, placed in enumerate(orders):
        await desk.call(scene.merchant, "SettleImport", placed.message, document_id=f"OP{place}")
    strict = await scene_with(scene.merchant, StrictAboutIds)
    assert await strict.job()
    tasks = await scene.merchant.tasks()
    assert "stock.connection_problem" in tasks
    assert UNREADABLE not in tasks


async def test_orders_that_people_put_in_are_looked_up_in_turn(
    make_merchant: MakeMerchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_worker, "LOOKED_UP_BY_HAND_MAX", 1)
    scene, _placed = await imported(make_merchant)
    await scene.order({"1": ("B", 1)})
    second = await scene.order({"1": ("B", 1)})
    message = second.message
    made = order_document(
        message, external_id(message.id, 1), zone=ZoneInfo("Europe/Prague"), reserve=True
    )
    scene.merchant.warehouse.create(made)
    for _ in range(2):
        await scene.request_reading("full")
        await scene.rest()
    assert (await scene.merchant.import_of(message)).state == "acked"
