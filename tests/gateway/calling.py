"""Short ways for tests to look at how a call ended."""

from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

DEADLINE_SECONDS = 10.0


async def refused(call: Any) -> grpc.aio.AioRpcError:
    """The error that a call must end with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


def details_of(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    """The google.rpc.Status that came with an error."""
    trailing = dict(error.trailing_metadata() or ())
    raw = trailing["grpc-status-details-bin"]
    assert isinstance(raw, bytes)
    return status_pb2.Status.FromString(raw)


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """The reason of the ErrorInfo that came with an error."""
    info = error_details_pb2.ErrorInfo()
    for detail in details_of(error).details:
        if detail.Unpack(info):
            return str(info.reason)
    return ""
