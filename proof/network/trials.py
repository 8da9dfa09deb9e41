"""How long it takes, from a fault on, until an order at a host's edge is where it belongs."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from proof.network.world import World
from tests.faults.books import read_rows
from tests.faults.desk import Desk
from tests.faults.plan import SHOPS, Fate, Paying, PlannedOrder, plan_orders
from tests.faults.system import PRODUCTS

ORDERS: Final = 5
"""Placed at each edge as soon as the fault is there: they meet lanes of either host."""
PATIENCE_SECONDS: Final = 240.0
LOOK_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Trial:
    """Of orders placed at one edge, the slowest: seconds from the fault on."""

    host: str
    taken_seconds: float
    """Until the edge had taken them."""
    known_seconds: float
    """Until the warehouse had them and that was known."""


async def trial(world: World, host: str, scenario: str) -> Trial:
    """Place orders at a host's edge now, and see how long they take."""
    begun = time.monotonic()
    desk = Desk(world.edges[host], SHOPS[0], world.system.book, world.system.story)
    orders = await asyncio.gather(*(desk.place(each) for each in _planned(scenario, host)))
    taken = time.monotonic() - begun
    await _until_known(world, [order.id for order in orders])
    known = time.monotonic() - begun
    world.system.story.note(f"orders at {host}: taken {taken:.1f} s, known {known:.1f} s")
    return Trial(host, taken, known)


def _planned(scenario: str, host: str) -> Sequence[PlannedOrder]:
    return [
        PlannedOrder(
            shop=SHOPS[0],
            number=f"{scenario}-{host}-{place}",
            basket=planned.basket,
            fate=Fate.KEPT,
            later={},
            pause_seconds=0.0,
            paying=Paying.NOT,
        )
        for place, planned in enumerate(plan_orders(f"{scenario} {host}", PRODUCTS, ORDERS, 1))
    ]


async def _until_known(world: World, ids: Sequence[str]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            rows = (await read_rows(world.system.database_url, "imports"))["imports"]
            done = {row["order_id"] for row in rows if row["state"] == "acked"}
            if done.issuperset(ids):
                return
            await asyncio.sleep(LOOK_SECONDS)
