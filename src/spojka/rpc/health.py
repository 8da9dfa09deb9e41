"""grpc.health.v1, as whoever watches the process asks it; nobody needs a key for it.

A watcher is a stranger who may never read what it is told: it is counted,
and nothing waits for it. (With grpcio's own servicer one watcher that does
not read stops every change of a service's health, and the end of the process.)
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import grpc
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthServicer

MAX_WATCHERS: Final = 100
WATCH_MAX_SECONDS: Final = 600.0
"""After this a watcher is told to come again: what it is told next begins with the status."""

_Status: Final = health_pb2.HealthCheckResponse
_STATUSES: Final[Mapping[bool | None, Any]] = {
    True: _Status.SERVING,
    False: _Status.NOT_SERVING,
    None: _Status.SERVICE_UNKNOWN,
}


class Health(HealthServicer):
    """Says which services can be called."""

    def __init__(self) -> None:
        """Begin with a process that serves nothing by name."""
        self._serving: dict[str, bool] = {"": True}
        self._changed = asyncio.Event()
        self._watchers = 0
        self._stopping = False

    def set(self, service: str, *, serving: bool) -> None:
        """Say whether a service can be called; in vain once the process stops."""
        if not self._stopping and self._serving.get(service) != serving:
            self._serving[service] = serving
            self._tell()

    def stop(self) -> None:
        """Say for good that nothing can be called."""
        self._stopping = True
        self._serving = dict.fromkeys(self._serving, False)
        self._tell()

    async def Check(self, request: health_pb2.HealthCheckRequest, context: Any) -> Any:  # noqa: N802 - the contract's name
        """The status of a service; NOT_FOUND for an unknown one."""
        serving = self._serving.get(request.service)
        if serving is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "there is no such service here")
        return _Status(status=_STATUSES[serving])

    async def Watch(  # noqa: N802 - the contract's name
        self, request: health_pb2.HealthCheckRequest, context: Any
    ) -> AsyncIterator[Any]:
        """The status of a service, and each one that it changes to, until the process stops."""
        if self._watchers >= MAX_WATCHERS:
            await context.abort(
                grpc.StatusCode.RESOURCE_EXHAUSTED, f"{MAX_WATCHERS} watch already: ask by Check"
            )
        self._watchers += 1
        try:
            async with asyncio.timeout(WATCH_MAX_SECONDS):
                async for status in self._statuses(request.service):
                    yield _Status(status=status)
        except TimeoutError:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "watched long enough: begin anew")
        else:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "this process stops")
        finally:
            self._watchers -= 1

    async def _statuses(self, service: str) -> AsyncIterator[Any]:
        last = None
        while True:
            changed, serving = self._changed, self._serving.get(service)
            status = _STATUSES[serving]
            if status != last:
                last = status
                yield status
            if self._stopping:
                return
            await changed.wait()

    def _tell(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
