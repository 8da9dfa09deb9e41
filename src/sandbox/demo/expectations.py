"""What a step of the story expects, with a deadline, and what was seen instead."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

DEADLINE_SECONDS: Final = 30.0
"""How long a step may take before it counts as failed: long enough for a busy machine."""
LOOK_INTERVAL_SECONDS: Final = 0.05

T = TypeVar("T")


class Unexpected(Exception):
    """The story took another turn; the message says what was expected and what was seen."""

    def __init__(self, expected: str, seen: object) -> None:
        """Keep both for the reader."""
        super().__init__(f"expected {expected}; seen: {seen}")


def expect(holds: bool, expected: str, seen: object) -> None:
    """Raise Unexpected unless it holds."""
    if not holds:
        raise Unexpected(expected, seen)


async def eventually(
    look: Callable[[], Awaitable[T]],
    holds: Callable[[T], bool],
    expected: str,
    *,
    within_seconds: float = DEADLINE_SECONDS,
    every_seconds: float = LOOK_INTERVAL_SECONDS,
) -> T:
    """Look again and again until it holds; returns what was seen. Raises Unexpected."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_seconds
    while True:
        seen = await look()
        if holds(seen):
            return seen
        if loop.time() > deadline:
            raise Unexpected(f"{expected} within {within_seconds:g} s", seen)
        await asyncio.sleep(every_seconds)
