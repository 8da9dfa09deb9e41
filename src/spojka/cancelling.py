"""Cancellation that arrives.

Before Python 3.12, `asyncio.wait_for` swallows a cancellation that falls
together with the end of what it waits for
(https://github.com/python/cpython/issues/86296); psycopg's pool waits with it.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

AGAIN_SECONDS: Final = 0.5


def heed_cancellation() -> None:
    """Raise CancelledError where this task was cancelled and something swallowed it."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def cancel_all(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel tasks, again where need be, and return once they have ended."""
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=AGAIN_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)
