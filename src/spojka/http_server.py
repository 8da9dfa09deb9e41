"""An HTTP server as a part of a process."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

MAX_CONNECTIONS: Final = 1_000
MAX_HEADER_BYTES: Final = 16 * 1024
IDLE_SECONDS: Final = 10
STOP_GRACE_SECONDS: Final = 10


class _Uvicorn(uvicorn.Server):
    """Leaves signals to the process, and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


class HttpServer:
    """Serves an ASGI application."""

    def __init__(self, application: ASGIApp, host: str, port: int) -> None:
        """Remember where to listen; `start` binds."""
        self._application = application
        self._host = host
        self._server: _Uvicorn | None = None
        self._task: asyncio.Task[None] | None = None
        self.port = port

    async def start(self) -> None:
        """Listen. Raises OSError where the port is taken."""
        listener = self._bound()
        self.port = listener.getsockname()[1]
        self._server = _Uvicorn(
            uvicorn.Config(
                self._application,
                http="h11",
                ws="none",
                lifespan="off",
                loop="none",
                log_config=None,
                # A line of the access log would hold the secret part of an impulse URL.
                access_log=False,
                server_header=False,
                # What a proxy on this machine says of the client's address is believed.
                proxy_headers=True,
                forwarded_allow_ips="127.0.0.1",
                limit_concurrency=MAX_CONNECTIONS,
                timeout_keep_alive=IDLE_SECONDS,
                timeout_graceful_shutdown=STOP_GRACE_SECONDS,
                h11_max_incomplete_event_size=MAX_HEADER_BYTES,
            )
        )
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]))
        await self._server.listening.wait()

    async def stop(self) -> None:
        """Let requests end, then stop."""
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            await self._task
            self._server = self._task = None

    def _bound(self) -> socket.socket:
        family, kind, protocol, _, address = socket.getaddrinfo(
            self._host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
        except OSError as error:
            listener.close()
            raise OSError(
                f"can't listen on {self._host}:{self.port}: is the port taken?"
            ) from error
        listener.settimeout(0)
        return listener
