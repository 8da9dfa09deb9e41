"""Why an event could not be handled, split by what is done about it.

PoisonError: it never will be; a dead letter at once. Passing: something that
is needed is away; tried again without end, in place. Unclear (a bug, a
constraint): tried several times, then a dead letter, so that neither a
partition waits for ever nor an event is lost.
"""

from enum import Enum
from typing import Final

import psycopg

from spojka.errors import Conflict, Overloaded, RequestError, Unavailable


class PoisonError(Exception):
    """The event itself is wrong (unparsable, breaks a rule, unknown tenant): no attempt helps."""


class Failure(Enum):
    """What is to be done with an event after an error."""

    POISON = "poison"
    PASSING = "passing"
    UNCLEAR = "unclear"


_LIMIT_EXCEEDED: Final = "54"
"""SQLSTATE class 54, program limit exceeded: a statement too large today is too large tomorrow."""


def classify(error: Exception) -> Failure:
    """Decide what an error of a handler means."""
    if isinstance(error, PoisonError):
        return Failure.POISON
    if isinstance(error, RequestError):
        passing = isinstance(error, Unavailable | Overloaded | Conflict)
        cause = error.__cause__ if passing else None
        if isinstance(cause, psycopg.Error) and (cause.sqlstate or "").startswith(_LIMIT_EXCEEDED):
            return Failure.UNCLEAR
        return Failure.PASSING if passing else Failure.UNCLEAR
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError | OSError):
        return Failure.PASSING
    return Failure.UNCLEAR
