"""What the transport's failures mean: a status other than 200, a connection that breaks.

For a request that may change something every failure after the connection stood is
OutcomeUnknown, because the mServer may have done the work and only the answer was lost.
"""

from typing import Final

import httpx

from spojka.outbound import TargetForbidden
from stock.warehouses.errors import (
    Misconfigured,
    OutcomeUnknown,
    Refused,
    Unavailable,
    WarehouseError,
)

_LOOK_UP: Final = "The order is looked up in Pohoda before anything else is done."
_RUNNING: Final = (
    "Check that Pohoda is running on its computer, that its mServer is started "
    "(Nastavení, POHODA mServer), and that a firewall lets the connection through."
)
_OK: Final = 200
_NOT_DONE: Final[dict[int, tuple[type[WarehouseError], str, str]]] = {
    400: (Refused, "the request is not valid", "Send the details to support."),
    401: (
        Misconfigured,
        "the user is unknown or the password is wrong",
        "Check the user name and password of the connection; the user must exist in Pohoda.",
    ),
    403: (
        Misconfigured,
        "the user may not open the accounting unit",
        "In Pohoda, give the connection's user the right to open the accounting unit.",
    ),
    404: (
        Misconfigured,
        "there is no mServer at this address",
        "Check the address: it is the mServer's, such as http://pohoda.example.com:444.",
    ),
    405: (
        Misconfigured,
        "the address takes no requests of this kind",
        "Check the address: it leads to something other than the mServer.",
    ),
    413: (Refused, "the request is too large", "Ask the operator of the proxy to allow more."),
    429: (Unavailable, "there are too many requests", "It is tried again by itself, later."),
    505: (
        Misconfigured,
        "it does not speak HTTP/1.1",
        "Check the proxy in front of the mServer.",
    ),
}
_MAYBE_DONE: Final = {
    408: "the time for processing ran out",
    500: "it failed without saying why",
    502: "the proxy in front got no answer",
    503: "it is busy or being restarted",
    504: "the proxy in front waited too long",
}


def from_status(status: int, *, changes: bool) -> WarehouseError | None:
    """The error of an HTTP status; None for success."""
    if status == _OK:
        return None
    if status in _NOT_DONE:
        error, words, advice = _NOT_DONE[status]
        return error(f"Pohoda answered with HTTP {status}: {words}.", advice)
    if 300 <= status < 400:  # noqa: PLR2004 - the class of redirects
        return Misconfigured(
            f"The address redirects elsewhere (HTTP {status}).",
            "Enter the mServer's own address; redirects are not followed.",
        )
    words = _MAYBE_DONE.get(status, "unexpected")
    message = f"Pohoda answered with HTTP {status}: {words}."
    if changes:
        return OutcomeUnknown(message, _LOOK_UP)
    return Unavailable(message, f"It is tried again by itself. If it lasts: {_RUNNING}")


def from_exception(error: Exception, *, changes: bool) -> WarehouseError:
    """The error of a connection that could not be made, or that broke."""
    if isinstance(error, TargetForbidden):
        return Misconfigured(str(error), "Enter an address that can be reached from outside.")
    if isinstance(error, httpx.ConnectError) and "SSL" in str(error).upper():
        return Misconfigured(
            f"No secure connection to Pohoda can be made: {error}",
            "Check whether the address begins with http or https, and the certificate.",
        )
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return Unavailable(f"Pohoda can't be reached: {_words(error)}", _RUNNING)
    if changes:
        return OutcomeUnknown(f"Pohoda's answer got lost: {_words(error)}", _LOOK_UP)
    return Unavailable(f"Pohoda's answer got lost: {_words(error)}", _RUNNING)


def _words(error: Exception) -> str:
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return "no connection within the time-out"
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return "no answer within the time-out"
    return str(error) or type(error).__name__
