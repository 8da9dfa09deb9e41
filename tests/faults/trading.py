"""The stream of one scenario: shops sell, customers pay, the warehouse's people work."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Final

import httpx
import pytest

from spojka.api.orders.v1 import order_pb2
from tests.faults.desk import Desk
from tests.faults.plan import SEED, SHOPS, Fate, Paying, PlannedOrder, plan_orders
from tests.faults.system import PRODUCTS, System

PATIENCE_SECONDS: Final = 120.0
LOOK_SECONDS: Final = 0.2
MOVEMENTS: Final = 6
FULL_READING_AT: Final = 2
"""The accepted order after which a full reading is asked for: faults fall into it, too."""
IN_PLACE: Final = frozenset({Fate.AMENDED_IN_PLACE, Fate.CANCELLED_IN_PLACE})


class Stream:
    """Shops, banks and the storehouse at work; `accepted` counts the orders taken so far."""

    def __init__(self, system: System, orders: Sequence[PlannedOrder], at_first: int) -> None:
        self.accepted = 0
        self._system = system
        self._orders = orders
        self._grown = asyncio.Condition()
        self._begun = 0
        self._allowed = at_first

    async def until_accepted(self, count: int) -> None:
        """Wait until so many orders were taken."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._grown:
            await self._grown.wait_for(lambda: self.accepted >= count)

    async def allow(self, count: int) -> None:
        """Let the shops place so many orders more."""
        async with self._grown:
            self._allowed += count
            self._grown.notify_all()

    async def run(self) -> None:
        """Do all that is planned."""
        async with asyncio.TaskGroup() as group:
            for shop in SHOPS:
                group.create_task(self._sell(group, self._system.desk(shop)))
            group.create_task(self._move_goods())
            group.create_task(self._read_in_full())

    async def _sell(self, group: asyncio.TaskGroup, desk: Desk) -> None:
        for planned in self._orders:
            if planned.shop == desk.shop:
                await asyncio.sleep(planned.pause_seconds)
                await self._admit()
                order = await desk.place(planned)
                group.create_task(follow(self._system, desk, planned, order))
                if planned.paying is not Paying.NOT:
                    group.create_task(self._system.banks.pay(planned))
                async with self._grown:
                    self.accepted += 1
                    self._grown.notify_all()

    async def _admit(self) -> None:
        async with self._grown:
            await self._grown.wait_for(lambda: self._begun < self._allowed)
            self._begun += 1

    async def _move_goods(self) -> None:
        random = Random(f"{SEED} {self._system.story.scenario} movements")
        for number in range(MOVEMENTS):
            await self.until_accepted(min(number * 2, len(self._orders)))
            await self._system.storehouse.move(random, random.choice(PRODUCTS))
            await send_impulse(self._system)

    async def _read_in_full(self) -> None:
        await self.until_accepted(FULL_READING_AT)
        await self._system.read_all_now()


async def follow(system: System, desk: Desk, planned: PlannedOrder, order: order_pb2.Order) -> None:
    """Let the fate of an order come about."""
    if planned.fate in IN_PLACE:
        await _until_stands(desk, order)
    match planned.fate:
        case Fate.AMENDED | Fate.AMENDED_IN_PLACE:
            await desk.amend(order, planned)
        case Fate.CANCELLED | Fate.CANCELLED_IN_PLACE:
            await desk.cancel(order)
        case Fate.DELIVERED | Fate.DELIVERED_IN_PART:
            accepted = system.book.orders[order.id]
            await system.storehouse.deliver(accepted, whole=planned.fate is Fate.DELIVERED)
        case Fate.KEPT:
            pass


async def _until_stands(desk: Desk, order: order_pb2.Order) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            found = await desk.look_up(order)
            if getattr(found, "import").state == order_pb2.IMPORT_STATE_ACKED:
                return
            await asyncio.sleep(LOOK_SECONDS)


async def send_impulse(system: System) -> None:
    """Send the hint that something changed; where it is lost, the probe finds it."""
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=2.0) as http:
            answer = await http.post(system.connection.impulse_url)
    except httpx.HTTPError as error:
        system.story.note(f"an impulse was lost: {error!r}")
    else:
        system.story.note(f"an impulse was answered with {answer.status_code}")


@asynccontextmanager
async def trading(
    system: System, scenario: str, *, orders: int, seconds: float, at_first: int | None = None
) -> AsyncIterator[Stream]:
    """Let the stream of a scenario run beside a block, and wait for its end.

    The orders are placed over about so many seconds; what follows takes longer.
    With `at_first` the shops wait after so many orders until they are allowed more:
    a fault that must fall into traffic then finds some, however slow the machine.
    """
    if system.broken_by:
        pytest.fail(f"scenario {system.broken_by!r} left the system wrong: nothing more is proved")
    system.story.begin(scenario)
    planned = plan_orders(scenario, PRODUCTS, orders, seconds)
    stream = Stream(system, planned, orders if at_first is None else at_first)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(stream.run())
            yield stream
    except BaseException as error:
        system.broken_by = scenario
        error.add_note(f"seed {SEED}, scenario {scenario!r}, what happened last:\n{system.story}")
        raise
