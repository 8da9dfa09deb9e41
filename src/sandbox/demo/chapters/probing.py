"""A movement is found without an impulse, by looking often."""

from typing import Final

from sandbox.demo.figures import Figures
from sandbox.demo.stage import Stage

TITLE: Final = "Nobody sends an impulse"
PROBE_SECONDS: Final = 5
ISSUED: Final = 3


async def tell(stage: Stage) -> None:
    """Probe often, issue goods, and wait for the shops."""
    narrator, product = stage.narrator, stage.moved
    before = (await stage.figures(product)).on_hand
    narrator.say(
        f"Pohoda can't push. The merchant has Spojka look every {PROBE_SECONDS} s what moved, and "
        f"{ISSUED} × {product.name} are sold over the counter."
    )
    narrator.heading(product.name)
    async with narrator.step("the probe finds the movement by itself, and both shops follow"):
        stage.connection = await stage.office.change_probing(stage.connection, PROBE_SECONDS)
        await stage.warehouse.move(product.cards[0], -ISSUED, "over the counter")
        figures = Figures.at_rest(before - ISSUED)
        await stage.until_figures("sold over the counter", product, figures)
