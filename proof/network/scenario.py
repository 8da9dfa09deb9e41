"""One scenario: trade, a fault in the middle of it, its end, rest, and the judgement."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from proof.network.faults import Fault
from proof.network.hosts import HOSTS
from proof.network.trials import Trial, trial
from proof.network.world import World
from tests.faults.judgement import judge
from tests.faults.trading import trading

BEFORE: Final = 5
DURING: Final = 5
AFTER: Final = 4


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was measured; the judgement had nothing to say."""

    fault: Fault
    lasted_seconds: float
    trials: Sequence[Trial]
    rest_seconds: float
    """From the end of the fault until all was at rest and judged."""
    orders: int
    mails: int


async def play(world: World, fault: Fault) -> Outcome:
    """Play a scenario. Raises AssertionError with all complaints."""
    system = world.system
    scenario = f"{fault.name}-{world.seed}"
    orders = BEFORE + DURING + AFTER
    before = len(system.book.orders), len(system.banks.posted)
    async with trading(
        system, scenario, orders=orders, seconds=orders / 2, at_first=BEFORE
    ) as stream:
        await stream.until_accepted(BEFORE)
        begun = time.monotonic()
        await stream.allow(DURING)
        async with asyncio.TaskGroup() as group:
            async with fault.during(world):
                # They may end when the fault has: it does not wait for them.
                tasks = [group.create_task(trial(world, host, scenario)) for host in HOSTS]
                await asyncio.sleep(fault.seconds)
            healed = time.monotonic()
            await stream.allow(AFTER)
    trials = [task.result() for task in tasks]
    await world.cluster.until_whole()
    await judge(system)
    return Outcome(
        fault=fault,
        lasted_seconds=healed - begun,
        trials=trials,
        rest_seconds=time.monotonic() - healed,
        orders=len(system.book.orders) - before[0],
        mails=len(system.banks.posted) - before[1],
    )
