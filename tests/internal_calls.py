"""Calls of a service as the edge makes them for whoever it let in."""

from collections.abc import Sequence
from typing import Any, Final

import grpc

from spojka.identity import Identity
from spojka.rpc.client import call_metadata
from spojka.rpc.server import Server
from spojka.rpc.status import from_rpc_error

INTERNAL_TOKEN: Final = "the internal credential of the tests"
_CALL_SECONDS: Final = 30.0


def internal_server() -> Server:
    """A server, not yet started, that takes such calls on a port of its own."""
    return Server(
        "127.0.0.1", 0, internal_token=INTERNAL_TOKEN, call_deadline_seconds=_CALL_SECONDS
    )


async def call_as(identity: Identity, stubs: Sequence[object], method: str, request: Any) -> Any:
    """Call the method of that name; what it ends with is raised as `spojka.errors` has it."""
    stub = next(stub for stub in stubs if hasattr(stub, method))
    try:
        return await getattr(stub, method)(
            request, metadata=call_metadata(identity, INTERNAL_TOKEN), timeout=_CALL_SECONDS
        )
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from error
