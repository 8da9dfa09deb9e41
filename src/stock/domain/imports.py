"""The life of an order's import: which step comes next (DESIGN §3, §4).

LOCAL → SENT → ACKED is the straight way. UNKNOWN follows a lost answer and
ends by a look-up. BLOCKED waits for a person or a link. WITHDRAWN says that no
document stands or is wanted.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from stock.warehouses.port import Document

FIRST_RETRY: Final = timedelta(seconds=5)
LONGEST_RETRY: Final = timedelta(minutes=30)


class ImportState(StrEnum):
    """Where an import stands."""

    LOCAL = "local"
    SENT = "sent"
    UNKNOWN = "unknown"
    ACKED = "acked"
    BLOCKED = "blocked"
    WITHDRAWN = "withdrawn"


class Step(StrEnum):
    """What is to be done next with an import."""

    NONE = "none"
    # Ask whether the document of the last request stands.
    LOOK_UP = "look_up"
    CREATE = "create"
    # Read the document back; it decides whether it may be deleted.
    READ_BEFORE_DELETE = "read_before_delete"


@dataclass(frozen=True, slots=True)
class Situation:
    """What decides about the next step.

    `document_revision` is the content revision that the document in the
    warehouse system carries, or that was sent; 0 where nothing was sent.
    `resolved` says that every line of the order has its item: a document is
    not given up for a content that can't be sent.
    """

    state: ImportState
    content_revision: int
    document_revision: int
    cancelled: bool
    automatic: bool
    resolved: bool = True


def next_step(situation: Situation) -> Step:
    """The next step; NONE where there is nothing to do or a person must act."""
    if situation.state in {ImportState.SENT, ImportState.UNKNOWN}:
        return Step.LOOK_UP
    if situation.state is ImportState.ACKED:
        outdated = situation.document_revision < situation.content_revision and situation.resolved
        return Step.READ_BEFORE_DELETE if situation.cancelled or outdated else Step.NONE
    if situation.state is ImportState.LOCAL and not situation.cancelled and situation.automatic:
        return Step.CREATE
    return Step.NONE


def may_delete(document: Document) -> str | None:
    """None where nothing of the document was done yet; else why it may not be deleted."""
    if document.executed:
        return "it is marked as settled"
    if document.linked:
        return "another document hangs on it"
    if any(line.delivered for line in document.lines):
        return "part of it was delivered"
    return None


def external_id(order_id: str, content_revision: int) -> str:
    """The document's id, deterministic from the order and its content revision."""
    return f"{order_id}.{content_revision}"


def retry_delay(attempts: int) -> timedelta:
    """How long to wait after the `attempts`-th failure: doubling, with a ceiling."""
    return min(LONGEST_RETRY, FIRST_RETRY * (1 << min(attempts, 16)))
