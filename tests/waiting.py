"""Waiting for what other tasks and processes do."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

PATIENCE_SECONDS: Final = 30.0
LOOK_SECONDS: Final = 0.02


async def until(
    condition: Callable[[], bool] | Callable[[], Awaitable[bool]],
    what: str,
    *,
    within_seconds: float = PATIENCE_SECONDS,
) -> None:
    """Wait until the condition holds; fail with `what` where it does not in time."""
    deadline = time.monotonic() + within_seconds
    while True:
        result = condition()
        if isinstance(result, Awaitable):
            result = await result
        if result:
            return
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        await asyncio.sleep(LOOK_SECONDS)
