"""A person takes back the last decision on a payment."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from payments.decisions.effect import Effect, Kind, NewLine, change_by_order, reversal
from payments.decisions.memory import Mark, Memory, mark
from payments.decisions.standing import Line, Orders, OrderStanding, Standing
from spojka.errors import FailedPrecondition
from spojka.tasks import SPOJKA
from spojka.values import ZERO

OPENING: Final = frozenset({Kind.CONFIRM, Kind.NEVER_PAIR})
"""Decisions after which Spojka decides again: what it then did goes with the decision."""
REOPENED: Final = OPENING | {Kind.RELEASE}
"""Decisions after which the verdict may be another one: undoing puts back the one before."""
AUTOMATIC: Final = frozenset({Kind.MATCH, "hold"})
"""What Spojka may decide of a payment that is open: to match it, or to keep it back."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision in a payment's history, whoever made it."""

    id: UUID
    actor: str
    kind: str
    summary: str
    undoes_id: UUID | None = None


def last_standing(history: Sequence[Entry]) -> Entry | None:
    """The last decision of a person that is not undone; `history` is oldest first."""
    undone = {entry.undoes_id for entry in history}
    standing = (
        entry
        for entry in reversed(history)
        if entry.actor != SPOJKA and entry.kind != Kind.UNDO and entry.id not in undone
    )
    return next(standing, None)


def stands(history: Sequence[Entry], kind: Kind, summary: str = "") -> bool:
    """Whether the last decision is of this kind, so that one like it would say it twice."""
    last = last_standing(history)
    return last is not None and last.kind == kind and summary in {"", last.summary}


def require_undoable(history: Sequence[Entry]) -> Entry:
    """The decision that an undo takes back.

    Raises FailedPrecondition where there is none, or where something else
    happened since that undoing would not put right.
    """
    entry = last_standing(history)
    if entry is None:
        raise FailedPrecondition(
            "no person's decision on this payment stands, so that there is none to undo",
            reason="NOTHING_TO_UNDO",
        )
    consequences = AUTOMATIC if entry.kind in OPENING else frozenset[str]()
    for later in history[history.index(entry) + 1 :]:
        if later.actor == SPOJKA and later.kind not in consequences:
            raise _changed(f"since the decision that would be undone ({entry.summary})", later)
    return entry


def require_untouched(history: Sequence[Entry], release: Entry, payment: str) -> None:
    """Raise FailedPrecondition where more happened to a released payment than Spojka's matching.

    `history` is of that payment; `payment` names it in the refusal.
    """
    since = history[history.index(release) + 1 :]
    decided = last_standing(since)
    if decided is not None:
        raise _changed(f"the confirmation let {payment} go, and {decided.actor} decided", decided)
    for later in since:
        if later.actor == SPOJKA and later.kind not in AUTOMATIC:
            raise _changed(f"the confirmation let {payment} go, and since then", later)


def _changed(since_what: str, later: Entry) -> FailedPrecondition:
    return FailedPrecondition(
        f"something else happened: {since_what}: {later.summary} Undo that first where it can be "
        "undone, or decide anew",
        reason="CHANGED_SINCE",
        metadata={"decision_id": str(later.id)},
    )


def undo(payment: Standing, entry: Entry, memory: Memory, orders: Orders) -> Effect:
    """Put a payment back as it stood before a decision.

    Lines that the decision, or Spojka after it, added are taken back; lines
    that it took back are given again. Raises FailedPrecondition where an order
    can't take its money again.
    """
    lines = restoring(payment, memory.live)
    for order_id, amount in change_by_order(lines).items():
        if order_id is not None and amount > 0:
            _require_room(payment, orders[order_id], memory.orders.get(order_id), amount)
    return Effect(
        kind=Kind.UNDO,
        summary=f"Undone: {entry.summary}",
        after=memory.disposition,
        lines=lines,
        rules_out=memory.allowed,
        allows=memory.ruled_out,
    )


def restoring(payment: Standing, wanted: Collection[UUID]) -> tuple[NewLine, ...]:
    """The lines after which just those chains of reversals give money that `wanted` names."""
    by_id = {line.id: line for line in payment.lines}
    reversed_by = {line.reverses_id: line for line in payment.lines if line.reverses_id}
    live = payment.roots
    backward = [reversal(line) for root, line in live.items() if root not in wanted]
    gone = sorted(set(wanted) - live.keys())
    return (*backward, *(reversal(_last(by_id[root], reversed_by)) for root in gone))


def _last(line: Line, reversed_by: Mapping[UUID, Line]) -> Line:
    while line.id in reversed_by:
        line = reversed_by[line.id]
    return line


def _require_room(
    payment: Standing, order: OrderStanding, left_as: Mark | None, amount: Decimal
) -> None:
    facts = {"order_id": str(order.id), "order_number": order.number}
    if order.currency != payment.currency:
        raise FailedPrecondition(
            f"order {order.number} is in {order.currency} by now, the payment in "
            f"{payment.currency}; decide anew instead of undoing",
            reason="CHANGED_SINCE",
            metadata=facts,
        )
    if left_as == mark(order, ZERO):
        return  # Nothing happened to it since: it takes back what it had, however much.
    if order.cancelled:
        raise FailedPrecondition(
            f"order {order.number} was cancelled since and takes no money; decide anew instead of "
            "undoing",
            reason="CHANGED_SINCE",
            metadata=facts,
        )
    if amount > order.due:
        raise FailedPrecondition(
            f"order {order.number} was changed or paid otherwise since: it owes "
            f"{payment.money(max(order.due, ZERO))}, and {payment.money(amount)} would go back to "
            "it; decide anew instead of undoing",
            reason="CHANGED_SINCE",
            metadata=facts,
        )
