"""The one message of a call, read only once its caller is known.

grpcio reads a unary call's message before the handler sees the call, and
waits for it without end: whoever sends headers and no message would hold one
of the server's calls, and need no key. So handlers take their message as a
stream's first one, which looks the same on the wire.
"""

import asyncio
from typing import Any, Final

import grpc

from spojka.errors import InvalidArgument, Violation

RECEIVE_SECONDS: Final = 30.0
"""How long a known caller may take to send its message."""


async def receive(context: Any) -> bytes:
    """The message of the call as it came. Raises InvalidArgument where it does not come."""
    try:
        async with asyncio.timeout(RECEIVE_SECONDS):
            body = await context.read()
    except TimeoutError as error:
        problem = f"did not come within {RECEIVE_SECONDS:g} s"
        raise InvalidArgument([Violation("request", problem)]) from error
    if body is grpc.aio.EOF:
        raise InvalidArgument([Violation("request", "is missing")])
    return bytes(body)
