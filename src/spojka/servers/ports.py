"""Chooses loopback ports, and remembers them so that a restart uses the same ones."""

import asyncio
import socket
import time
from contextlib import suppress
from pathlib import Path

from spojka.servers.server import ServerError

LOOPBACK = "127.0.0.1"
REMEMBERED_PORT_WAIT_S = 5.0
POLL_INTERVAL_S = 0.1


class PortTakenError(ServerError):
    """The port that was asked for is in use: free it, or choose another one."""

    def __init__(self, purpose: str, port: int) -> None:
        self.port = port
        super().__init__(
            f"Port {port} on {LOOPBACK}, wanted for {purpose}, is taken by another program. "
            f"Stop that program, or set another port."
        )


async def choose_port(
    purpose: str, wanted: int | None, memory: Path, *, unlike: int | None = None
) -> int:
    """Choose the port of a server and write it into the file `memory`.

    A wanted port is used or refused. Without one, the remembered port is used again (waited for
    a little while, since the server's former process may be ending), else a free one; never the
    one given as `unlike`, which another listener of the same server is going to take.

    Raises:
        PortTakenError: the wanted port is in use.

    """
    remembered = _remembered(memory)
    port = wanted or remembered
    if port is None or port == unlike or not await _becomes_free(port, wait=port == remembered):
        if wanted is not None:
            raise PortTakenError(purpose, wanted)
        port = free_port()
        while port == unlike:
            port = free_port()
    _remember(memory, port)
    return port


def free_port() -> int:
    """Ask the system for a port that nobody uses on the loopback address."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Say whether a server could listen on the port now."""
    with socket.socket() as probe:
        # As servers do: connections of an earlier server that are still winding down don't count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


async def _becomes_free(port: int, *, wait: bool) -> bool:
    deadline = time.monotonic() + (REMEMBERED_PORT_WAIT_S if wait else 0.0)
    while not is_free(port):
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(POLL_INTERVAL_S)
    return True


def _remembered(memory: Path) -> int | None:
    with suppress(OSError, ValueError):
        return int(memory.read_text())
    return None


def _remember(memory: Path, port: int) -> None:
    memory.write_text(f"{port}\n")
