"""The other shop sells, its customer changes the order, then cancels it."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Final

from sandbox.demo.chapters.importing import only_document
from sandbox.demo.expectations import eventually, expect
from sandbox.demo.figures import Figures
from sandbox.demo.stage import Stage
from spojka.api.orders.v1 import order_pb2

TITLE: Final = "An order is amended, then cancelled"
ORDERED: Final = 5
AMENDED: Final = 2


async def tell(stage: Stage, on_hand: Decimal) -> None:
    """Sell on the marketplace, amend and cancel; the warehouse follows each time."""
    narrator, product, till = stage.narrator, stage.sold, stage.market.till
    narrator.say(
        f"A customer of the marketplace orders {ORDERED} pieces, thinks better of it and takes "
        f"{AMENDED}, and cancels in the end."
    )
    narrator.heading(product.name)
    async with narrator.step(f"{ORDERED} pieces are sold on the marketplace"):
        order = await till.sell({product.at_market: ORDERED})
        figures = Figures.at_rest(on_hand, reserved=Decimal(ORDERED))
        await stage.until_figures("sold on the marketplace", product, figures)
    async with narrator.step(f"{AMENDED} pieces are left of it; Pohoda has one document, the new"):
        order = await till.amend(order, {product.at_market: AMENDED})
        figures = Figures.at_rest(on_hand, reserved=Decimal(AMENDED))
        await stage.until_figures("amended", product, figures)
        document = await only_document(stage, order)
        quantities = list(document.lines.values())
        expect(quantities == [AMENDED], f"one line of {AMENDED} pieces", quantities)
    async with narrator.step("it is cancelled: nothing of it is left in Pohoda"):
        await till.cancel(order, "the customer thought better of it")
        await stage.until_figures("cancelled", product, Figures.at_rest(on_hand))
        await eventually(_open_documents(stage, order), lambda left: left == 0, "no open document")


def _open_documents(stage: Stage, order: order_pb2.Order) -> Callable[[], Awaitable[int]]:
    async def look() -> int:
        return sum(
            document.is_open and document.external_id.startswith(order.id)
            for document in await stage.warehouse.documents()
        )

    return look
