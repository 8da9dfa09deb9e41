"""Imports whose order changes while a request is under way, or that a person settles."""

from functools import partial
from zoneinfo import ZoneInfo

from stock.domain.imports import external_id
from stock.imports.by_hand import stands_nowhere
from stock.imports.documents import order_document
from stock.imports.unsent import resolve_unsent
from stock.warehouses.port import Document, Meaning
from tests.stock.conftest import MakeMerchant, Merchant
from tests.stock.scene import Scene, begun

LAST_SECOND = 253402300799
"""Of the year 9999 in UTC: in Prague there is no such day."""


async def begin(make_merchant: MakeMerchant, *products: str) -> Scene:
    merchant = await make_merchant(Meaning.NET_OF_ORDERS)
    return await begun(merchant, **dict.fromkeys(products, "10"))


async def test_an_order_cancelled_while_its_document_is_refused_ends(
    make_merchant: MakeMerchant,
) -> None:
    scene = await begin(make_merchant, "A")
    card = scene.merchant.warehouse.card("A")
    placed = await scene.order({"1": ("A", 2)})
    del scene.merchant.warehouse.cards[card.card_id]
    scene.next_request(partial(scene.cancel, placed), answered=False)
    await scene.job()
    row = await scene.merchant.import_of(placed.message)
    assert (row.state, row.complete) == ("withdrawn", True)
    assert [hold.live for hold in await scene.merchant.holds(placed.message)] == [0]
    assert await scene.merchant.available("A") == 10


async def test_an_order_cancelled_while_the_system_is_away_ends(
    make_merchant: MakeMerchant,
) -> None:
    scene = await begin(make_merchant, "A")
    placed = await scene.order({"1": ("A", 2)})
    scene.merchant.warehouse.refuse_connections = 1
    scene.next_request(partial(scene.cancel, placed), answered=False)
    await scene.job()
    assert (await scene.merchant.import_of(placed.message)).state == "withdrawn"
    assert await scene.merchant.available("A") == 10


async def test_an_order_mended_while_it_is_refused_goes_on(make_merchant: MakeMerchant) -> None:
    scene = await begin(make_merchant, "A", "B")
    card = scene.merchant.warehouse.card("A")
    placed = await scene.order({"1": ("A", 2)})
    del scene.merchant.warehouse.cards[card.card_id]
    scene.next_request(partial(scene.amend, placed, {"1": ("B", 2)}), answered=False)
    await scene.job()
    assert (await scene.merchant.import_of(placed.message)).state == "local"
    await scene.settle()
    await scene.check_rest()
    assert await scene.merchant.available("B") == 8


async def test_a_document_stays_while_the_new_content_names_no_item(
    make_merchant: MakeMerchant,
) -> None:
    scene = await begin(make_merchant, "A")
    placed = await scene.order({"1": ("A", 2)})
    await scene.settle()
    await scene.amend(placed, {"1": ("A", 2), "2": ("X", 1)})
    while await scene.job():
        pass
    row = await scene.merchant.import_of(placed.message)
    assert (row.state, row.document_revision) == ("acked", 1)
    assert "line 2" in row.reason
    assert scene.document(placed) is not None

    scene.merchant.warehouse.put("X", on_hand="3")
    await scene.settle()
    await scene.check_rest()
    row = await scene.merchant.import_of(placed.message)
    assert (row.state, row.document_revision, row.reason) == ("acked", 2, "")
    assert await scene.merchant.available("X") == 2


async def test_a_line_of_another_item_is_not_netted_by_the_old_document(
    make_merchant: MakeMerchant,
) -> None:
    scene = await begin(make_merchant, "A", "B")
    placed = await scene.order({"1": ("A", 2)})
    await scene.settle()
    await scene.amend(placed, {"1": ("B", 2)})
    await scene.ask("B")
    await scene.apply(scene.answers[0])
    await scene.check()
    assert await scene.merchant.available("B") == 8


async def test_an_order_changed_after_it_was_delivered_is_a_task(
    make_merchant: MakeMerchant,
) -> None:
    scene = await begin(make_merchant, "A")
    placed = await scene.order({"1": ("A", 2)})
    await scene.settle()
    document = scene.document(placed)
    assert document is not None
    scene.merchant.warehouse.deliver(document.document_id, 0, "2")
    await scene.settle()
    assert (await scene.merchant.import_of(placed.message)).complete
    await scene.amend(placed, {"1": ("A", 3)})
    await scene.settle()
    assert "stock.cannot_amend" in await scene.merchant.tasks()
    assert await scene.merchant.available("A") == 7


async def test_what_a_person_settled_holds_nothing_whatever_the_shop_says_later(
    make_merchant: MakeMerchant,
) -> None:
    scene = await begin(make_merchant, "A")
    merchant = scene.merchant
    await merchant.change(automatic_import=False)
    placed = await scene.order({"1": ("A", 2)})
    row = await merchant.import_of(placed.message)
    async with merchant.database.transaction(merchant.tenant) as connection:
        await stands_nowhere(connection, await merchant.row(), row, "a person")
    assert await merchant.available("A") == 10
    await scene.amend(placed, {"1": ("A", 5)})
    assert await merchant.available("A") == 10
    await scene.cancel(placed)
    assert await merchant.available("A") == 10


async def test_an_order_amended_while_a_persons_document_is_found_is_amended_there(
    make_merchant: MakeMerchant,
) -> None:
    scene = await begin(make_merchant, "A")
    merchant = scene.merchant
    await merchant.change(automatic_import=False)
    placed = await scene.order({"1": ("A", 2)})
    name = external_id(placed.message.id, 1)
    zone = ZoneInfo("Europe/Prague")
    merchant.warehouse.create(order_document(placed.message, name, zone=zone, reserve=True))
    await scene.request_reading("full")
    while not (scene.worker and scene.worker.by_hand):
        assert await scene.job()
    scene.next_request(lambda: scene.amend(placed, {"1": ("A", 5)}), answered=True)
    while scene.observer.after:
        assert await scene.job()
    await scene.settle()
    # With automatic import off, nothing would stand in place of a document that is deleted.
    assert [line.quantity for line in _only_document(scene).lines] == [2]
    assert "stock.cannot_amend" in await merchant.tasks()
    await merchant.change(automatic_import=True)
    await scene.settle()
    await scene.check_rest()
    assert [line.quantity for line in _only_document(scene).lines] == [5]
    assert await merchant.available("A") == 5


def _only_document(scene: Scene) -> Document:
    (document,) = scene.merchant.warehouse.documents.values()
    return document


async def test_every_blocked_order_goes_on_however_many_wait(make_merchant: MakeMerchant) -> None:
    scene = await begin(make_merchant, "A")
    merchant = scene.merchant
    await merchant.change(automatic_import=False)
    waiting = await scene.order({"1": ("X", 1)})
    async with merchant.database.transaction(merchant.tenant) as connection:
        # More orders than are resolved in one go stand before it in the line.
        await connection.execute(
            """
            INSERT INTO order_import (tenant_id, order_id, channel_id, order_number,
                order_revision, content_revision, content, cancelled, state)
            SELECT tenant_id, lpad(to_hex(n), 32, '0')::uuid, channel_id, 'b' || n, 1, 1, '',
                   false, 'local'
            FROM order_import, generate_series(1, 600) AS n WHERE tenant_id = %s
            """,
            [merchant.tenant],
        )
    merchant.warehouse.put("X", on_hand="3")
    await scene.request_reading("full")
    await scene.rest()
    async with merchant.database.transaction(merchant.tenant) as connection:
        await resolve_unsent(connection, merchant.tenant)
    assert (await merchant.import_of(waiting.message)).state == "local"
    assert await merchant.available("X") == 2


async def test_a_person_who_reverts_a_reservation_is_believed_only_with_a_new_level(
    make_merchant: MakeMerchant,
) -> None:
    merchant = await make_merchant(Meaning.NET_OF_RESERVATIONS)
    scene = await begun(merchant, A="10")
    placed = await scene.order({"1": ("A", 2)})
    await scene.settle()
    document = scene.document(placed)
    assert document is not None
    merchant.warehouse.unreserve(document.document_id)
    await scene.ask("A")
    await scene.ask_document(placed)
    merchant.warehouse.reserve(document.document_id)
    await scene.ask_document(placed)
    await scene.hear(scene.heard[0])
    await scene.apply(scene.answers[0])
    await scene.hear(scene.heard[1])
    await scene.check()
    assert await merchant.available("A") == 8
    await scene.settle()
    await scene.check_rest()


async def test_a_hold_that_found_no_warehouse_gets_one_before_it_is_sent(
    make_merchant: MakeMerchant,
) -> None:
    scene = await begin(make_merchant, "A")
    merchant = scene.merchant
    await merchant.change(automatic_import=False)
    await _include(merchant, included=False)
    placed = await scene.order({"1": ("A", 2)})
    assert [hold.warehouse for hold in await merchant.holds(placed.message)] == [None]
    await _include(merchant, included=True)
    await scene.resolve()
    assert [hold.warehouse for hold in await merchant.holds(placed.message)] == ["MAIN"]
    await merchant.change(automatic_import=True)
    await scene.settle()
    await scene.check_rest()
    assert [hold.live for hold in await merchant.holds(placed.message)] == [0]


async def _include(merchant: Merchant, *, included: bool) -> None:
    async with merchant.database.transaction(merchant.tenant) as connection:
        await connection.execute(
            "UPDATE warehouse SET included = %s WHERE tenant_id = %s", [included, merchant.tenant]
        )


async def test_an_order_whose_document_cant_be_made_holds_up_no_other(
    make_merchant: MakeMerchant,
) -> None:
    merchant = (await begin(make_merchant, "A")).merchant
    odd, usual = await merchant.order(("A", "2")), await merchant.order(("A", "3"))
    odd.order_time.FromSeconds(LAST_SECOND)
    await merchant.amend(odd, ("A", "2"))
    await (await merchant.worker()).run()
    row = await merchant.import_of(odd)
    assert row.state == "blocked"
    assert "its document can't be made" in row.reason
    assert (await merchant.import_of(usual)).state == "acked"
    odd.ClearField("order_time")
    await merchant.amend(odd, ("A", "2"))
    await merchant.work()
    assert (await merchant.import_of(odd)).state == "acked"
    assert await merchant.available("A") == 5


async def test_an_order_whose_document_cant_be_made_is_not_looked_for_without_end(
    make_merchant: MakeMerchant,
) -> None:
    merchant = (await begin(make_merchant, "A")).merchant
    await merchant.change(automatic_import=False)
    odd = await merchant.order(("A", "2"))
    odd.order_time.FromSeconds(LAST_SECOND)
    await merchant.amend(odd, ("A", "2"))
    await merchant.change(requested_reading="full", requested_cause="test")
    await (await merchant.worker()).run()
    assert (await merchant.import_of(odd)).state == "blocked"
    assert await merchant.available("A") == 8
