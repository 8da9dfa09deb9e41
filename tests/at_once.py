"""Acts that a seed lets begin at the same time, in another order and with other head starts."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Final

DEADLINE_SECONDS: Final = 30.0
_STEPS_BEHIND_MAX: Final = 60

Act = Callable[[], Awaitable[object]]


async def at_once(random: Random, acts: Sequence[Act]) -> None:
    """Run all, each with a head start of its own; the first failure is raised."""

    async def run(act: Act, behind: int) -> None:
        for _ in range(behind):
            await asyncio.sleep(0)
        await act()

    shuffled = random.sample(acts, len(acts))
    async with asyncio.timeout(DEADLINE_SECONDS), asyncio.TaskGroup() as group:
        for act in shuffled:
            group.create_task(run(act, random.randrange(_STEPS_BEHIND_MAX)))
