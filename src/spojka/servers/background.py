"""Runs a server for code that has no event loop of its own, such as a test session's fixtures."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread

from spojka.servers.sources import Source, provided


@contextmanager
def provided_in_background(source: Source) -> Iterator[str]:
    """Do what `provided` does, on an event loop in a thread of its own.

    The thread lives as long as the block: on Linux a server dies with the thread that started it.
    """
    url: Future[str] = Future()
    finish: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        done = asyncio.Event()
        finish.set_result((asyncio.get_running_loop(), done))
        async with provided(source) as given:
            url.set_result(given)
            await done.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            if url.done():
                raise
            url.set_exception(error)

    thread = Thread(target=run, name="servers")
    thread.start()
    try:
        yield url.result()
    finally:
        loop, done = finish.result()
        if not loop.is_closed():
            loop.call_soon_threadsafe(done.set)
        thread.join()
