"""What is wrong in a process right now, said by its parts, read by its health endpoint."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Trouble:
    """One part that can't do its work: which one, why, and since when."""

    part: str
    reason: str
    since: datetime


class Health:
    """The troubles of one process. Used on the event loop only."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Begin without trouble."""
        self._now = now
        self._troubles: dict[str, Trouble] = {}

    @property
    def ok(self) -> bool:
        """Whether every part works."""
        return not self._troubles

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        """The troubles, oldest first."""
        return tuple(sorted(self._troubles.values(), key=lambda trouble: trouble.since))

    def degrade(self, part: str, reason: str) -> None:
        """Say that `part` is in trouble; `since` stays that of its first report."""
        known = self._troubles.get(part)
        self._troubles[part] = Trouble(part, reason, known.since if known else self._now())

    def recover(self, part: str) -> None:
        """Say that `part` works again; it may never have been in trouble."""
        self._troubles.pop(part, None)
