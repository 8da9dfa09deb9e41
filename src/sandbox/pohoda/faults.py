"""Faults that a test or a demo switches on.

All faults whose kinds match a request act on it, and each loses one of its `times`. Where a fault
acts before the processing, the request has no effect; `after_commit` moves a drop, a hang or a
status behind the commit, which is the case that matters for idempotency.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from sandbox.pohoda.packs import Kind

HANG_SECONDS_MAX = 600
FAULTS_MAX = 100


class Effect(StrEnum):
    """What goes wrong."""

    DROP = "drop"
    """The connection is reset without an answer."""
    HANG = "hang"
    """The one worker stands still for `seconds`, then goes on, even if the client has left."""
    STATUS = "status"
    """The answer is an HTTP error with `status` and a page that is no XML."""
    CUT = "cut"
    """The answer ends in the middle, though its length is announced as such."""
    REPEATED = "repeated"
    """The request is processed, and the answer to the one before it is delivered once more in place
    of its own: the last answer to a request of the same kinds, where there was one."""
    CHARSET = "charset"
    """The answer's bytes are UTF-8 while it declares Windows-1250."""
    LOCKED = "locked"
    """Items of the kinds fail: somebody else holds the record."""
    RESERVATION_REFUSED = "reservation_refused"
    """The order is created with a warning, but not reserved."""
    RIGHTS = "rights"
    """The user suddenly lacks the right to import: the pack fails."""
    PASSWORD = "password"  # noqa: S105 - the name of a fault
    """The user suddenly cannot log in."""


_CAN_FOLLOW_COMMIT = frozenset({Effect.DROP, Effect.HANG, Effect.STATUS})


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault to come. `kinds` empty means every request; `times` None means until cleared."""

    effect: Effect
    kinds: frozenset[Kind] = frozenset()
    times: int | None = 1
    after_commit: bool = False
    seconds: float = 0.0
    status: int = 503

    def __post_init__(self) -> None:
        """ValueError says what makes no sense."""
        if self.times is not None and self.times < 1:
            raise ValueError("times must be at least 1, or null for 'until cleared'")
        if self.effect is Effect.HANG and not 0 < self.seconds <= HANG_SECONDS_MAX:
            raise ValueError(f"a hang needs seconds above 0 and up to {HANG_SECONDS_MAX}")
        if self.effect is Effect.STATUS and not 400 <= self.status <= 599:  # noqa: PLR2004 - HTTP's errors
            raise ValueError("status must be an HTTP error, 400 to 599")
        if self.after_commit and self.effect not in _CAN_FOLLOW_COMMIT:
            raise ValueError(f"{self.effect} cannot follow the commit")

    def matches(self, kinds: frozenset[Kind]) -> bool:
        """Whether a request of these kinds is hit."""
        return not self.kinds or bool(self.kinds & kinds)


class Faults:
    """The faults now switched on."""

    def __init__(self) -> None:
        self._pending: list[Fault] = []

    @property
    def pending(self) -> tuple[Fault, ...]:
        """The faults in the order they were added."""
        return tuple(self._pending)

    def add(self, fault: Fault) -> None:
        """Switch a fault on; ValueError when there are too many."""
        if len(self._pending) >= FAULTS_MAX:
            raise ValueError(f"at most {FAULTS_MAX} faults: DELETE /sandbox/faults first")
        self._pending.append(fault)

    def clear(self) -> None:
        """Switch all faults off."""
        self._pending.clear()

    def take(self, kinds: frozenset[Kind]) -> list[Fault]:
        """Return the faults that hit a request of these kinds, each used up once."""
        taken = [fault for fault in self._pending if fault.matches(kinds)]
        self._pending = [
            left for fault in self._pending if (left := _used(fault, kinds)) is not None
        ]
        return taken


def _used(fault: Fault, kinds: frozenset[Kind]) -> Fault | None:
    if fault.times is None or not fault.matches(kinds):
        return fault
    return replace(fault, times=fault.times - 1) if fault.times > 1 else None
