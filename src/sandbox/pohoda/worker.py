"""The one worker: whatever touches the company runs here, one call at a time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sandbox.pohoda.state import State
from sandbox.pohoda.table import Table

T = TypeVar("T")


class Worker:
    """One thread for the company's records, and one turn for the requests of the mServer.

    The turn is kept while a request waits or hangs, as in the real mServer; the thread is not, so
    that the control interface answers meanwhile.
    """

    def __init__(self, tables: Iterable[Table[Any]], state: State) -> None:
        self._tables = tuple(tables)
        self._state = state
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pohoda")
        self._turn = asyncio.Lock()
        self.requests_in_work = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for the turn; requests are answered in the order they came."""
        self.requests_in_work += 1
        try:
            async with self._turn:
                yield
        finally:
            self.requests_in_work -= 1

    async def run(self, call: Callable[[], T]) -> T:
        """Run the call on the worker's thread, and save what it changed before returning."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, call)

    def _run(self, call: Callable[[], T]) -> T:
        try:
            return call()
        finally:
            self._state.save(self._tables)

    def close(self) -> None:
        """Let the running call end, then release the thread and the state."""
        self._thread.shutdown(wait=True)
        self._state.close()
