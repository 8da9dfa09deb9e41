"""An order in one shop lowers the other at once, before the warehouse knows."""

import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from sandbox.demo.expectations import DEADLINE_SECONDS, expect
from sandbox.demo.figures import Figures
from sandbox.demo.narrator import seconds
from sandbox.demo.stage import Stage
from spojka.api.orders.v1 import order_pb2
from spojka.values import ZERO

TITLE: Final = "An order in one shop is felt in the other at once"
PIECES: Final = 4
WAREHOUSE_HANGS_SECONDS: Final = 4


@dataclass(frozen=True, slots=True)
class Sale:
    """What was sold, and when by the monotonic clock, in seconds."""

    order: order_pb2.Order
    at: float


async def tell(stage: Stage) -> Sale:
    """Sell while the warehouse hangs."""
    narrator, product = stage.narrator, stage.sold
    before = int(product.free)
    narrator.say(
        f"The mServer will hang for {WAREHOUSE_HANGS_SECONDS} s at the next order, and then break "
        f"the connection without an answer. The e-shop sells {PIECES} × {product.name} "
        f"({product.code})."
    )
    imports = {"kinds": ["import"]}
    await stage.warehouse.add_fault(effect="hang", seconds=WAREHOUSE_HANGS_SECONDS, **imports)
    await stage.warehouse.add_fault(effect="drop", after_commit=True, **imports)
    narrator.heading(product.name)
    async with narrator.step("all agree before the order"):
        await stage.until_figures("before the order", product, Figures.at_rest(Decimal(before)))
    started = time.monotonic()
    async with narrator.step("Spojka takes the order while the warehouse hangs"):
        order = await stage.eshop.till.sell({product.code: PIECES})
        taken_seconds = time.monotonic() - started
    async with narrator.step("the marketplace shows fewer at once"):
        felt = await stage.market.shelf.until_shows(
            product.at_market, before - PIECES, within_seconds=DEADLINE_SECONDS
        )
    async with narrator.step("the warehouse knows nothing of it yet"):
        created = await stage.warehouse.orders_created()
        expect(created == 0, "no order in Pohoda", created)
        rest = Decimal(before - PIECES)
        expected = Figures(
            Decimal(before), ZERO, Decimal(PIECES), rest, before - PIECES, before - PIECES
        )
        await stage.until_figures("sold, the warehouse hangs", product, expected)
    narrator.say(
        f"The order was taken in {seconds(taken_seconds)}; the marketplace showed "
        f"{before - PIECES} instead of {before} {seconds(felt - started)} after the sale."
    )
    return Sale(order, started)
