"""What is measured of a side at each size: what its users wait for."""

import gc
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Final, Protocol
from uuid import UUID

from bench.stage import Stage
from spojka.identity import Identity, Scope
from spojka.rpc.server import Call

WARM_UP_TIMES: Final = 2
TIMES: Final = 30
CALL_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that is waited for. `ask` prepares it, does it once, and returns milliseconds."""

    what: str
    ask: Callable[[], Awaitable[float]]
    times: int = TIMES


class Side(Protocol):
    """One side of a merchant's business that grows."""

    async def grow(self, count: int) -> None:
        """Have so many items, orders or payments, and not fewer than before."""

    def questions(self) -> Sequence[Question]:
        """What to ask, in this order, at the size that it has now."""


Opened = Callable[[Stage], Awaitable[Side]]
"""Opens a side with its sample."""


@dataclass(frozen=True, slots=True)
class Waited:
    """How long a question took at one size, in milliseconds."""

    p50_ms: float
    p95_ms: float


async def ask_all(side: Side) -> Mapping[str, Waited]:
    """Ask every question as often as it wants; the first answers do not count."""
    found = {}
    for question in side.questions():
        for _ in range(WARM_UP_TIMES):
            await question.ask()
        gc.collect()
        took = [await question.ask() for _ in range(question.times)]
        found[question.what] = Waited(median(took), quantiles(took, n=20, method="inclusive")[18])
    return found


async def timed(work: Awaitable[object]) -> float:
    """Milliseconds until it is done."""
    start = time.perf_counter()
    await work
    return (time.perf_counter() - start) * 1000


def operator(tenant: UUID) -> Call:
    """A call of a tenant's operator, as the server hands it on."""
    return Call(Identity(tenant, Scope.OPERATOR, "bench"), CALL_SECONDS)
