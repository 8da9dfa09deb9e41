"""One step of an order: what it is afterwards, and what is told of it."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto

from orders.domain.order import Order
from orders.domain.status import StatusRule, status_after
from spojka.tasks import Task


class Told(Enum):
    """The event that tells of a change."""

    AMENDED = auto()
    CANCELLED = auto()
    STATUS_CHANGED = auto()


@dataclass(frozen=True, slots=True)
class Change:
    """What one step made of an order.

    A change with an empty `summary` is silent: a newer report was noted that
    says what was known already; it has no revision of its own, no line in the
    history and no event. `told` is None where the change concerns people only,
    such as the way of an import. `opened` and `closed` (kinds) are tasks about
    the order.
    """

    order: Order
    summary: str = ""
    told: Told | None = None
    previous_status: str = ""
    reason: str = ""
    opened: tuple[Task, ...] = ()
    closed: tuple[str, ...] = ()


def changed(
    before: Order,
    after: Order,
    rule: StatusRule,
    now: datetime,
    *,
    summary: str,
    told: Told | None = Told.STATUS_CHANGED,
    reason: str = "",
) -> Change:
    """The change from `before` to `after`: the next revision, with the status the rule gives."""
    status = status_after(before, after, rule)
    if status != before.status:
        summary += f" Its status became {status!r}."
        told = told or Told.STATUS_CHANGED
    return Change(
        order=replace(after, revision=before.revision + 1, update_time=now, status=status),
        summary=summary,
        told=told,
        previous_status=before.status,
        reason=reason,
    )


def silent(after: Order) -> Change:
    """A report noted that says nothing new."""
    return Change(after)
