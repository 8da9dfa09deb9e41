"""The HTTP server of the stand-in, and the ways to run it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from sandbox.pohoda.control import Control
from sandbox.pohoda.documents import DocumentsDoor
from sandbox.pohoda.installation import Installation, local_time
from sandbox.pohoda.model import Clock
from sandbox.pohoda.seed import Seed, sow
from sandbox.pohoda.settings import Settings
from sandbox.pohoda.status import StatusDoor
from sandbox.pohoda.xml_door import XmlDoor

STOP_SECONDS_MAX = 2


@dataclass(frozen=True, slots=True)
class Running:
    """A stand-in that answers at `url`."""

    url: str
    installation: Installation


def create_app(installation: Installation) -> Starlette:
    """Put the endpoints together: other paths are 404, other methods 405."""
    return Starlette(
        routes=[
            Route("/xml", XmlDoor(installation).answer, methods=["POST"]),
            Route("/status", StatusDoor(installation).answer, methods=["GET", "POST"]),
            Route("/documents/{path:path}", DocumentsDoor(installation).answer, methods=["GET"]),
            Mount("/sandbox", routes=Control(installation).routes()),
        ]
    )


class _Server(uvicorn.Server):
    """uvicorn that leaves the process's signals alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none: whoever runs the server stops it."""
        yield


def _config(installation: Installation) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(installation),
        http=installation.connections.protocol(),
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        proxy_headers=False,  # the client's address must be the one of the connection
        timeout_graceful_shutdown=STOP_SECONDS_MAX,
    )


def _listen(host: str, port: int) -> socket.socket:
    """Listen on the address.

    The protocol is named: asyncio switches Nagle's algorithm off for sockets that say TCP only,
    and with it on every answer would wait 40 ms for the client's acknowledgement.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
    )[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(address)
    listener.listen()
    return listener


@contextlib.asynccontextmanager
async def running(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    settings: Settings | None = None,
    state_path: Path | None = None,
    reference_dir: Path | None = None,
    documents_dir: Path | None = None,
    clock: Clock = local_time,
) -> AsyncIterator[Running]:
    """Run the stand-in inside this event loop; port 0 takes a free one."""
    installation = Installation(
        settings or Settings(),
        state_path=state_path,
        reference_dir=reference_dir,
        documents_dir=documents_dir,
        clock=clock,
    )
    listener = _listen(host, port)
    server = _Server(_config(installation))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield Running(f"http://{host}:{listener.getsockname()[1]}", installation)
    finally:
        server.should_exit = True
        await task
        listener.close()
        installation.close()


def serve(
    host: str,
    port: int,
    state_path: Path | None = None,
    *,
    settings: Settings | None = None,
    reference_dir: Path | None = None,
    documents_dir: Path | None = None,
    seed: Seed | None = None,
) -> None:
    """Run the stand-in until the process is told to end; `seed` is sown into an empty company."""
    installation = Installation(
        settings or Settings(),
        state_path=state_path,
        reference_dir=reference_dir,
        documents_dir=documents_dir,
    )
    listener = _listen(host, port)
    try:
        asyncio.run(_serve(installation, listener, seed))
    finally:
        installation.close()


async def _serve(installation: Installation, listener: socket.socket, seed: Seed | None) -> None:
    if seed is not None and not len(installation.company.cards):
        await installation.worker.run(lambda: sow(installation.company, seed))
    await uvicorn.Server(_config(installation)).serve(sockets=[listener])
