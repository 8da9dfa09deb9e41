"""The faults that keep an answer from its client: hang, drop, HTTP error."""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from sandbox.pohoda.connections import Connections
from sandbox.pohoda.faults import Effect, Fault


class Interruptions:
    """Applies such faults to a request."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def apply(self, request: Request, faults: Sequence[Fault]) -> Response | None:
        """Hang first; then return what ends the request, or None where it goes on."""
        await asyncio.sleep(sum(fault.seconds for fault in faults if fault.effect is Effect.HANG))
        status = http_status(faults)
        if status is None:
            await self._connections.reset(request.client)
            return Response()  # nobody is there to read it
        if status != HTTPStatus.OK:
            return PlainTextResponse(f"HTTP {status}", status_code=status)
        return None


def http_status(faults: Sequence[Fault]) -> int | None:
    """Return the status that these faults leave the client; None for a dropped connection."""
    if any(fault.effect is Effect.DROP for fault in faults):
        return None
    statuses = (fault.status for fault in faults if fault.effect is Effect.STATUS)
    return next(statuses, HTTPStatus.OK.value)
