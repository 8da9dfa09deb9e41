"""How a figure is compared with its ceiling: in turns, in one run, by medians."""

import gc
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from statistics import median

Timed = Callable[[], Awaitable[float]]
"""Does the work once and returns what it measured (its docstring says in which unit)."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What the program and its ceiling measured, round by round."""

    ours: Sequence[float]
    ceiling: Sequence[float]

    @property
    def figure(self) -> float:
        """The program's median."""
        return median(self.ours)

    @property
    def limit(self) -> float:
        """The ceiling's median."""
        return median(self.ceiling)


async def alternate(ours: Timed, ceiling: Timed, rounds: int) -> Pair:
    """Measure both in turns (A B, B A, A B, …), so that a busy moment meets both alike."""
    found: dict[Timed, list[float]] = {ours: [], ceiling: []}
    for turn in range(rounds):
        for work in (ours, ceiling) if turn % 2 == 0 else (ceiling, ours):
            gc.collect()
            # What the bench itself keeps ready is not gone through again while it measures.
            gc.freeze()
            found[work].append(await work())
    return Pair(found[ours], found[ceiling])
