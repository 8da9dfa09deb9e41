"""Errors as gRPC statuses with google.rpc details (AIP-193), both ways."""

from collections.abc import Sequence
from typing import Final, NoReturn

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2, status_pb2

from spojka import errors

DOMAIN: Final = "spojka"
DETAILS_KEY: Final = "grpc-status-details-bin"
RETRY_SECONDS: Final = 1

_CODES: Final[dict[type[errors.RequestError], grpc.StatusCode]] = {
    errors.InvalidArgument: grpc.StatusCode.INVALID_ARGUMENT,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    errors.FailedPrecondition: grpc.StatusCode.FAILED_PRECONDITION,
    errors.Conflict: grpc.StatusCode.ABORTED,
    errors.PermissionDenied: grpc.StatusCode.PERMISSION_DENIED,
    errors.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    errors.Overloaded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
}


def status_code(error: errors.RequestError) -> grpc.StatusCode:
    """The canonical code of an error."""
    return _CODES.get(type(error), grpc.StatusCode.UNKNOWN)


def to_status(error: errors.RequestError) -> status_pb2.Status:
    """The error with ErrorInfo and, where it has them, field violations or a retry delay."""
    status = status_pb2.Status(code=status_code(error).value[0], message=error.message)
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)
    status.details.add().Pack(info)
    if isinstance(error, errors.InvalidArgument):
        bad = error_details_pb2.BadRequest(
            field_violations=[
                error_details_pb2.BadRequest.FieldViolation(
                    field=violation.field, description=violation.description
                )
                for violation in error.violations
            ]
        )
        status.details.add().Pack(bad)
    if isinstance(error, errors.Unavailable | errors.Overloaded):
        delay = error_details_pb2.RetryInfo(retry_delay=Duration(seconds=RETRY_SECONDS))
        status.details.add().Pack(delay)
    return status


async def abort(
    context: "grpc.aio.ServicerContext[object, object]", error: errors.RequestError
) -> NoReturn:
    """End the call with the error's status."""
    details = to_status(error).SerializeToString()
    context.set_trailing_metadata(((DETAILS_KEY, details),))
    await context.abort(status_code(error), error.message)
    raise AssertionError("abort raises")


def from_rpc_error(error: grpc.aio.AioRpcError) -> errors.RequestError:
    """The error that a call ended with, as the other side raised it."""
    status = _details(error)
    message = error.details() or error.code().name
    reason, metadata = "", {}
    violations: Sequence[errors.Violation] = ()
    for detail in status.details:
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            reason, metadata = info.reason, dict(info.metadata)
        elif detail.Unpack(bad):
            violations = [
                errors.Violation(entry.field, entry.description) for entry in bad.field_violations
            ]
    if error.code() is grpc.StatusCode.INVALID_ARGUMENT:
        return errors.InvalidArgument(violations or [errors.Violation("request", message)])
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return errors.Unavailable("the call took longer than its deadline")
    for kind, code in _CODES.items():
        if code is error.code():
            return kind(message, reason=reason, metadata=metadata)
    return errors.Unavailable(f"the call failed: {message}")


def _details(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    trailing = error.trailing_metadata()
    raw = trailing.get(DETAILS_KEY) if trailing is not None else None
    if isinstance(raw, bytes):
        try:
            return status_pb2.Status.FromString(raw)
        except DecodeError:
            pass
    return status_pb2.Status(code=code_pb2.UNKNOWN)
