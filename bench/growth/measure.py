"""How long users wait as a merchant's business grows: each side at three sizes."""

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.growth.items import open_items
from bench.growth.orders import open_orders
from bench.growth.payments import open_payments
from bench.growth.questions import Opened, Waited, ask_all
from bench.stage import Stage

SIZES: Final = (10_000, 100_000, 1_000_000)
QUICK_SIZES: Final = (1_000, 10_000, 100_000)
SIDES: Final[Mapping[str, Opened]] = {
    "items": open_items,
    "orders": open_orders,
    "payments": open_payments,
}


@dataclass(frozen=True, slots=True)
class Curve:
    """One question of one side, answered at each size."""

    side: str
    what: str
    waited: Mapping[int, Waited]

    @property
    def growth(self) -> float:
        """How many times longer the median is at the largest size than at the smallest."""
        return self.waited[max(self.waited)].p50_ms / self.waited[min(self.waited)].p50_ms


async def measure_side(stage: Stage, side: str, sizes: Sequence[int]) -> list[Curve]:
    """Let one side grow on a stage of its own and ask its questions at each size."""
    opened = await SIDES[side](stage)
    found: dict[str, dict[int, Waited]] = {}
    for size in sizes:
        start = time.monotonic()
        await opened.grow(size)
        grown = time.monotonic()
        for what, waited in (await ask_all(opened)).items():
            found.setdefault(what, {})[size] = waited
        asked = time.monotonic()
        print(
            f"{size:,} {side}: grown in {grown - start:.0f} s, asked in {asked - grown:.0f} s",
            file=sys.stderr,
        )
    return [Curve(side, what, waited) for what, waited in found.items()]
