"""Processes that a row measures: services as operators run them, and bare ones as ceilings."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

import grpc

READY_SECONDS: Final = 30.0
LOOK_SECONDS: Final = 0.05
STOP_SECONDS: Final = 20.0


async def takes_calls(port: int) -> None:
    """Wait until a gRPC server answers."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        await channel.channel_ready()


async def takes_connections(port: int) -> None:
    """Wait until anything listens."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(LOOK_SECONDS)
        else:
            writer.close()
            return


@asynccontextmanager
async def running(
    module: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    port: int,
    ready: Callable[[int], Awaitable[None]] = takes_calls,
) -> AsyncIterator[None]:
    """Run `python -m module` until the block ends; it has begun once `port` is `ready`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, env={**os.environ, **environment}
    )
    try:
        async with asyncio.timeout(READY_SECONDS):
            await ready(port)
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
