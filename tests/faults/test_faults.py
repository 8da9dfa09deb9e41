"""Faults in the middle of a stream: nothing is lost, nothing is there twice.

Two of each service run on a PostgreSQL and a Kafka of their own, against a
stand-in mServer in a process of its own. Each scenario lets shops and the
warehouse work, breaks something, waits for rest and asks for the judgement
over everything that was ever accepted.
"""

import asyncio
from random import Random
from typing import Final

import pytest

from spojka.crash_points import CrashPoint
from tests.faults.judgement import judge
from tests.faults.plan import SEED
from tests.faults.system import WAREHOUSE, System
from tests.faults.trading import trading

pytestmark = pytest.mark.asyncio(loop_scope="module")

ORDERS: Final = 14
MIDDLE: Final = 5


@pytest.mark.parametrize(
    ("service", "step"),
    [
        ("stock", "import-marked"),
        ("stock", "import-answered"),
        ("stock", "event-handled"),
        ("stock", "batch-published"),
        ("orders", "event-handled"),
        ("orders", "batch-published"),
    ],
)
async def test_a_process_is_killed_at_a_named_step(
    system: System, service: str, step: CrashPoint
) -> None:
    async with trading(system, f"{service}-{step}", orders=ORDERS) as stream:
        await stream.until_accepted(MIDDLE)
        await system.crash_at(service, step)
    await judge(system)


async def test_processes_are_killed_at_seeded_moments(system: System) -> None:
    random = Random(f"{SEED} moments")
    victims = ["stock", "stock-2", "orders", "gateway", WAREHOUSE]
    random.shuffle(victims)
    async with trading(system, "moments", orders=2 * ORDERS) as stream:
        for place, name in enumerate(victims, 1):
            await stream.until_accepted(place * MIDDLE)
            await asyncio.sleep(random.uniform(0, 0.3))
            await system.until_back(name, system.kill(name))
    await judge(system)
