"""Part of the order is delivered, the rest is given up: right numbers at every step."""

from decimal import Decimal
from typing import Final

from sandbox.demo.chapters.importing import only_document
from sandbox.demo.chapters.selling import PIECES
from sandbox.demo.expectations import eventually
from sandbox.demo.figures import Figures
from sandbox.demo.stage import Stage
from spojka.api.orders.v1 import order_pb2

TITLE: Final = "Part is delivered, the rest is given up"
DELIVERED: Final = 2


async def tell(stage: Stage, order: order_pb2.Order) -> Decimal:
    """Deliver some and close the document; returns what is on hand then."""
    narrator, product = stage.narrator, stage.sold
    document = await only_document(stage, order)
    (line_id,) = document.lines
    on_hand = product.free - DELIVERED
    narrator.say(
        f"The storekeepers send {DELIVERED} of {PIECES} pieces; then the customer gives up the "
        "others, and they mark the order as settled."
    )
    narrator.heading(product.name)
    async with narrator.step(f"{DELIVERED} of {PIECES} are delivered: on hand and reserved fall"):
        await stage.warehouse.deliver(document, {line_id: Decimal(DELIVERED)})
        await stage.send_impulse()
        left = Decimal(PIECES - DELIVERED)
        figures = Figures.at_rest(on_hand, reserved=left)
        await stage.until_figures(f"{DELIVERED} of {PIECES} delivered", product, figures)
    async with narrator.step("the order says partly delivered"):
        await _until_fulfilment(stage, order, order_pb2.FULFILMENT_STATE_PARTLY_DELIVERED)
    async with narrator.step("the rest is given up: it is for sale again, in both shops"):
        await stage.warehouse.execute(document)
        await stage.send_impulse()
        await stage.until_figures("the rest given up", product, Figures.at_rest(on_hand))
    return on_hand


async def _until_fulfilment(
    stage: Stage, order: order_pb2.Order, state: "order_pb2.FulfilmentState.ValueType"
) -> None:
    async def look() -> str:
        found = await stage.eshop.till.look_up(order)
        return order_pb2.FulfilmentState.Name(found.fulfilment_state)

    name = order_pb2.FulfilmentState.Name(state)
    await eventually(look, name.__eq__, name)
