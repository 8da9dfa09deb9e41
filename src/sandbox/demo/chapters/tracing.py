"""The trace of one item explains its number."""

from itertools import pairwise
from typing import Final

from sandbox.demo.expectations import expect
from sandbox.demo.stage import Stage

TITLE: Final = "Why is the number what it is?"
MOVEMENTS_SHOWN: Final = 6


async def tell(stage: Stage) -> None:
    """Show the rule with its figures, the cards and what made each change."""
    narrator, product = stage.narrator, stage.sold
    async with narrator.step(f"the trace of {product.code} explains {product.name}"):
        trace = await stage.office.trace(product.code)
        available = trace.item.available
        shown = stage.eshop.shelf.shown(product.code)
        expect(str(shown) == available, f"the e-shop to show {available}", shown)
        expect(
            trace.explanation.endswith(f"= {available}"),
            f"an explanation of {available}",
            trace.explanation,
        )
        movements = list(trace.movements)
        expect(bool(movements), "a history", "none")
        expect(
            movements[0].available_after == available,
            f"the last movement to end at {available}",
            movements[0].available_after,
        )
        gaps = [
            newer.revision
            for newer, older in pairwise(movements)
            if newer.available_before != older.available_after
        ]
        expect(not gaps, "a history without a gap", gaps)
    narrator.quote(trace.explanation)
    for level in trace.levels:
        narrator.quote(
            f"{level.warehouse}: card {level.card_id}, {level.on_hand} on hand − {level.reserved} "
            f"reserved, by request {level.confirmed_capture}"
        )
    for movement in movements[:MOVEMENTS_SHOWN]:
        narrator.quote(
            f"{movement.available_before} → {movement.available_after}: {movement.cause}"
        )
