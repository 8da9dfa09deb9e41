"""Errors of a request, split by what the caller does about them.

Each becomes one gRPC status (`spojka.rpc.status`). The reasons are stable
codes for programs; the messages are for people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """One field of a request and what is wrong with it."""

    field: str
    description: str


class RequestError(Exception):
    """A request that was not done."""

    reason = "UNKNOWN"

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Keep the message for people and the facts for programs."""
        super().__init__(message)
        self.message = message
        self.reason = reason or type(self).reason
        self.metadata = dict(metadata or {})


class InvalidArgument(RequestError):
    """The request itself is wrong: mend it."""

    reason = "INVALID_ARGUMENT"

    def __init__(self, violations: Sequence[Violation]) -> None:
        """Name every violated field."""
        super().__init__("; ".join(f"{v.field}: {v.description}" for v in violations))
        self.violations = tuple(violations)


class NotFound(RequestError):
    """What the request names is not there."""

    reason = "NOT_FOUND"


class AlreadyExists(RequestError):
    """Something else is there under the same name."""

    reason = "ALREADY_EXISTS"


class FailedPrecondition(RequestError):
    """Something else must be done first."""

    reason = "FAILED_PRECONDITION"


class Conflict(RequestError):
    """Somebody was faster: read again and decide anew."""

    reason = "ABORTED"


class PermissionDenied(RequestError):
    """The caller may not do this."""

    reason = "PERMISSION_DENIED"


class Unauthenticated(RequestError):
    """The caller's key is missing or not valid."""

    reason = "UNAUTHENTICATED"


class Overloaded(RequestError):
    """A limit is reached: try again later, more slowly."""

    reason = "RESOURCE_EXHAUSTED"


class Unavailable(RequestError):
    """Something that is needed is away: try again."""

    reason = "UNAVAILABLE"
