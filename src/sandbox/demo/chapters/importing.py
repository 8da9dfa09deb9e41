"""The order stands in the warehouse exactly once, though the answer was lost."""

from decimal import Decimal
from typing import Final

from sandbox.demo.chapters.selling import PIECES, Sale
from sandbox.demo.expectations import DEADLINE_SECONDS, eventually, expect
from sandbox.demo.figures import Figures
from sandbox.demo.stage import Stage
from sandbox.demo.warehouse import Document
from spojka.api.orders.v1 import order_pb2

TITLE: Final = "The answer is lost, the order is there exactly once"


async def tell(stage: Stage, sale: Sale) -> None:
    """Follow the import to its end and ask the warehouse's own ledger."""
    narrator, product, order = stage.narrator, stage.sold, sale.order
    narrator.say("Pohoda stores the order and the connection breaks: nobody can know yet.")
    seen: list[int] = []
    async with narrator.step("Spojka says that it does not know, and looks before it sends again"):
        arrived = await _until_acknowledged(stage, order, seen)
        names = [order_pb2.ImportState.Name(state).rpartition("_")[2] for state in seen]  # type: ignore[arg-type]
        expect(order_pb2.IMPORT_STATE_UNKNOWN in seen, "the state UNKNOWN on the way", names)
    narrator.say(f"The import went {' → '.join(names)}.")
    async with narrator.step("the order stands in Pohoda exactly once"):
        document = await only_document(stage, order)
        created = await stage.warehouse.orders_created()
        expect(created == 1, "one order ever made", created)
        expect(
            document.number == getattr(arrived, "import").document_number,
            f"Spojka to name it {document.number}",
            getattr(arrived, "import").document_number,
        )
        requests = await stage.warehouse.requests("import")
        faults = [request["faults"] for request in requests]
        expect(faults == [["hang", "drop"]], "one request, its answer dropped", faults)
    narrator.quote(
        f"Pohoda's ledger: {created} order, {document.number}, of {len(requests)} request whose "
        "answer never came."
    )
    before = int(product.free)
    async with narrator.step("the warehouse nets it, and Spojka's hold ends in the same moment"):
        figures = Figures.at_rest(Decimal(before), reserved=Decimal(PIECES))
        await stage.until_figures("in the warehouse, reserved", product, figures)
    async with narrator.step("nothing was subtracted twice on the way"):
        for shop, listing_id in ((stage.eshop, product.code), (stage.market, product.at_market)):
            history = shop.shelf.history(listing_id)
            seen_since = [shown.quantity for shown in history if shown.at >= sale.at]
            expected = [before - PIECES]
            expect(seen_since == expected, f"{shop.name} to show {expected} only", seen_since)


async def only_document(stage: Stage, order: order_pb2.Order) -> Document:
    """The one live document of an order. Raises Unexpected where there are none or several."""
    documents = [
        document
        for document in await stage.warehouse.documents()
        if document.external_id.startswith(order.id)
    ]
    expect(len(documents) == 1, "exactly one document of the order", documents)
    return documents[0]


async def _until_acknowledged(
    stage: Stage, order: order_pb2.Order, seen: list[int]
) -> order_pb2.Order:
    async def look() -> order_pb2.Order:
        found = await stage.eshop.till.look_up(order)
        state = getattr(found, "import").state
        if not seen or seen[-1] != state:
            seen.append(state)
        return found

    return await eventually(
        look,
        lambda found: getattr(found, "import").state == order_pb2.IMPORT_STATE_ACKED,
        "the order to be acknowledged by the warehouse",
        within_seconds=DEADLINE_SECONDS,
    )
