"""The HTTP routes of the edge: impulse URLs, and health for whoever watches the process."""

import asyncio
import math
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.rate_limit import RateLimit
from spojka.errors import NotFound, Overloaded, RequestError

MAX_BODY_BYTES: Final = 64 * 1024
"""An impulse says nothing by its body: it is read and thrown away."""
BODY_TIMEOUT_SECONDS: Final = 5.0
IMPULSES_PER_SECOND_PER_TOKEN: Final = 2.0
IMPULSE_BURST_PER_TOKEN: Final = 30
IMPULSES_PER_SECOND_PER_ADDRESS: Final = 20.0
IMPULSE_BURST_PER_ADDRESS: Final = 200

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,100}\Z")
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_HSTS: Final = "max-age=31536000"

SendImpulse = Callable[[str], Awaitable[None]]
"""Passes an impulse's token on. Raises NotFound for an unknown one, Unavailable, Overloaded."""


def application(
    send_impulse: SendImpulse, parts: tuple[str, ...], problems: Mapping[str, str], *, https: bool
) -> Starlette:
    """The routes.

    `problems` names what of `parts` is not ready now. `https` says that clients
    reach us by it.
    """
    headers = _HEADERS | ({"Strict-Transport-Security": _HSTS} if https else {})

    async def secure(request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        response.headers.update(headers)
        return response

    async def health(_request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def ready(_request: Request) -> Response:
        current = dict(problems)
        body = {
            "ready": not current,
            "parts": {name: current.get(name) or "ready" for name in parts},
        }
        return JSONResponse(body, 503 if current else 200)

    return Starlette(
        routes=[
            Route("/impulse/{token}", _Impulse(send_impulse).answer, methods=["GET", "POST"]),
            Route("/health", health),
            Route("/ready", ready),
        ],
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=secure)],
    )


class _Impulse:
    def __init__(self, send: SendImpulse) -> None:
        self._send = send
        self._tokens = RateLimit(
            per_second=IMPULSES_PER_SECOND_PER_TOKEN, burst=IMPULSE_BURST_PER_TOKEN
        )
        self._addresses = RateLimit(
            per_second=IMPULSES_PER_SECOND_PER_ADDRESS, burst=IMPULSE_BURST_PER_ADDRESS
        )

    async def answer(self, request: Request) -> Response:
        """202 when the impulse was passed on; the caller need not know of what became of it."""
        token = request.path_params["token"]
        address = request.client.host if request.client else "unknown"
        known_form = bool(_TOKEN.match(token))
        wait = self._addresses.seconds_to_wait(address)
        if not wait and known_form:
            wait = self._tokens.seconds_to_wait(token)
        if wait:
            return _problem(429, "too many impulses", retry_seconds=math.ceil(wait))
        try:
            async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
                if not await _short(request):
                    return _problem(413, f"the body is longer than {MAX_BODY_BYTES} bytes")
        except (TimeoutError, ClientDisconnect):
            return _problem(408, "the body did not come in time")
        if not known_form:
            return _problem(404, "there is no such impulse URL")
        try:
            await self._send(token)
        except NotFound:
            return _problem(404, "there is no such impulse URL")
        except Overloaded as error:
            return _problem(429, error.message, retry_seconds=1)
        except RequestError as error:
            return _problem(503, error.message, retry_seconds=5)
        return Response(status_code=202)


async def _short(request: Request) -> bool:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            return False
    return True


def _problem(status: int, detail: str, *, retry_seconds: int = 0) -> Response:
    headers = {"Retry-After": str(retry_seconds)} if retry_seconds else None
    return JSONResponse({"error": detail}, status, headers)
