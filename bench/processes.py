"""Processes that a row measures: services as operators run them, and bare ones as ceilings."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

import grpc

READY_SECONDS: Final = 30.0
STOP_SECONDS: Final = 20.0


@asynccontextmanager
async def running(
    module: str, arguments: Sequence[str], environment: Mapping[str, str], *, port: int
) -> AsyncIterator[None]:
    """Run `python -m module` until the block ends; it has begun once it takes gRPC calls."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, env={**os.environ, **environment}
    )
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            async with asyncio.timeout(READY_SECONDS):
                await channel.channel_ready()
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
