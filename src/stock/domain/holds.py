"""Holds: units kept back for order lines, and when they stop counting (DESIGN §4).

A hold is a function of facts: what the order wants, the documents read back,
and which readings answered for its card. The same facts in any order of
arrival therefore end in the same state.

A part stops counting only when a document that was read back nets it AND a
level asked for after that read-back was applied, or confirmed unchanged. What
was read before our last write to the document is void.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from spojka.values import ZERO


class HoldState(StrEnum):
    """Where a hold stands; it follows the import of its order."""

    LOCAL = "local"
    SENT = "sent"
    UNKNOWN = "unknown"
    ACKED = "acked"
    ABSORBED = "absorbed"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class Hold:
    """Units kept back for one order line. created = live + absorbed + released.

    `wanted` is what the order still wants of the line; `warehouse` is where it
    is to come from, None where none was chosen.
    """

    order_id: str
    line_id: str
    item_id: str
    warehouse: str | None
    created: Decimal
    wanted: Decimal
    absorbed: Decimal = ZERO

    @property
    def live(self) -> Decimal:
        """The part that is taken off what is available."""
        return self.wanted - self.absorbed

    @property
    def released(self) -> Decimal:
        """The part that the order no longer wants."""
        return self.created - self.wanted

    def want(self, quantity: Decimal) -> "Hold":
        """The hold once the order wants `quantity`; an increase holds the difference."""
        grown = max(ZERO, quantity - self.wanted)
        return replace(
            self,
            created=self.created + grown,
            wanted=quantity,
            absorbed=min(self.absorbed, quantity),
        )

    def absorb(self, part: Decimal) -> "Hold":
        """The hold when `part` of it is netted by a level that counts."""
        return replace(self, absorbed=min(self.wanted, max(ZERO, part)))

    def state(self, import_state: str) -> HoldState:
        """The state people are shown."""
        if self.wanted == ZERO:
            return HoldState.RELEASED
        if self.live == ZERO:
            return HoldState.ABSORBED
        if import_state in {HoldState.SENT, HoldState.UNKNOWN, HoldState.ACKED}:
            return HoldState(import_state)
        return HoldState.LOCAL


@dataclass(frozen=True, slots=True)
class NettedAt:
    """What a read-back showed as netted of one line."""

    number: int
    netted: Decimal


def absorbed_part(read_backs: Sequence[NettedAt], confirmed: int | None, barrier: int) -> Decimal:
    """How much of a line stops counting.

    `confirmed` is the number of the newest request whose answer spoke for the
    line's card; None where none did. `barrier` is the number of our last write
    to the document. The newest read-back that a level came after decides, but
    never more than any that came later shows: an un-reserved order counts again
    at once, and one that is reserved anew only once another level says so.
    """
    valid = sorted(
        (entry for entry in read_backs if entry.number > barrier), key=lambda entry: entry.number
    )
    if not valid or confirmed is None:
        return ZERO
    covered = sum(entry.number < confirmed for entry in valid)
    if not covered:
        return ZERO
    return min(entry.netted for entry in valid[covered - 1 :])
