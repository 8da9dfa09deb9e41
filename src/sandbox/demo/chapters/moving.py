"""A movement in the warehouse shows in both shops within a moment of its impulse."""

import time
from typing import Final

from sandbox.demo.expectations import DEADLINE_SECONDS
from sandbox.demo.figures import Figures
from sandbox.demo.narrator import seconds
from sandbox.demo.stage import Stage

TITLE: Final = "Goods are received"
RECEIVED: Final = 25


async def tell(stage: Stage) -> None:
    """Receive goods, send the impulse, and time both shops."""
    narrator, product = stage.narrator, stage.moved
    after = int(product.free) + RECEIVED
    narrator.say(
        f"{RECEIVED} × {product.name} ({product.code}) come into the store "
        f"{product.cards[0].store}, and the merchant's own system calls the impulse URL."
    )
    narrator.heading(product.name)
    async with narrator.step("all agree before"):
        await stage.until_figures("before", product, Figures.at_rest(product.free))
    await stage.warehouse.move(product.cards[0], RECEIVED, "delivery from the maker")
    async with narrator.step("both shops show it within a moment"):
        started = time.monotonic()
        await stage.send_impulse()
        eshop = await stage.eshop.shelf.until_shows(
            product.code, after, within_seconds=DEADLINE_SECONDS
        )
        market = await stage.market.shelf.until_shows(
            product.at_market, after, within_seconds=DEADLINE_SECONDS
        )
    narrator.say(
        f"From the impulse, through a reading of the warehouse: {seconds(eshop - started)} to the "
        f"e-shop, {seconds(market - started)} to the marketplace."
    )
    async with narrator.step("all agree after"):
        figures = Figures.at_rest(product.free + RECEIVED)
        await stage.until_figures("received", product, figures)
