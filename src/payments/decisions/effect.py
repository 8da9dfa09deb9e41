"""What a decision does."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from payments.decisions.standing import Disposition, Line, Orders, Standing
from payments.matching.values import PaymentStatus
from spojka.values import ZERO


class Kind(StrEnum):
    """The decisions that a person can make, and the release that follows from one."""

    CONFIRM = "confirm"
    MATCH = "match"
    UNMATCH = "unmatch"
    CREDIT = "credit"
    DISCARD = "discard"
    NEVER_PAIR = "never_pair"
    UNDO = "undo"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class NewLine:
    """A line to be added to the ledger; negative where it takes money back."""

    order_id: UUID | None
    amount: Decimal
    reverses_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """What a decision writes; `rules_out` and `allows` are orders whose pair begins or ends."""

    kind: Kind
    summary: str
    after: Disposition
    lines: tuple[NewLine, ...] = ()
    rules_out: frozenset[UUID] = frozenset()
    allows: frozenset[UUID] = frozenset()


def reversal(line: Line) -> NewLine:
    """The line that takes another back."""
    return NewLine(line.order_id, -line.amount, line.id)


def change_by_order(lines: Iterable[NewLine]) -> Mapping[UUID | None, Decimal]:
    """What lines give to each order, and (None) to credit, in all."""
    change: defaultdict[UUID | None, Decimal] = defaultdict(lambda: ZERO)
    for line in lines:
        change[line.order_id] += line.amount
    return change


def settled(
    payment: Standing, lines: tuple[NewLine, ...], orders: Orders, decided_by: str
) -> Disposition:
    """How a payment stands once `lines` are added; `orders` are as before them.

    Money that nobody has asks for a person, whether it is over beside an order
    or all that there is. What was given in part waits for the order's rest, and
    for nobody. A payment that is credit to the last penny counts as matched.
    """
    change = change_by_order(lines)
    given = {
        order_id
        for order_id in payment.given.keys() | (change.keys() - {None})
        if order_id is not None and payment.given.get(order_id, ZERO) + change[order_id] > 0
    }
    left = payment.unallocated - sum(change.values(), ZERO)
    spare = orders[next(iter(given))].tolerated if len(given) == 1 else ZERO
    if left > spare:
        status = PaymentStatus.OVERPAID if given else PaymentStatus.UNMATCHED
    elif all(orders[order_id].covered_by(change[order_id]) for order_id in given):
        status = PaymentStatus.MATCHED
    else:
        status = PaymentStatus.PARTIAL
    open_ended = status in {
        PaymentStatus.OVERPAID,
        PaymentStatus.UNMATCHED,
    }
    return Disposition(status, hold=0, needs_person=open_ended, decided_by=decided_by)
