"""The journal of requests: what came, when, and what became of it."""

from dataclasses import dataclass
from datetime import datetime

from sandbox.pohoda.mserver import Outcome
from sandbox.pohoda.packs import Kind
from sandbox.pohoda.table import Table

ENTRIES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One request. `http_status` is None where the connection was dropped instead."""

    id: int
    at: datetime
    duration_ms: int
    kinds: tuple[Kind, ...]
    pack_id: str
    item_ids: tuple[str, ...]
    application: str
    outcome: Outcome
    faults: tuple[str, ...]
    http_status: int | None


class Journal:
    """The last requests, oldest first."""

    def __init__(self) -> None:
        self.entries = Table("journal", Entry)
        self._last_id = 0

    def next_id(self) -> int:
        """Number a request; the numbers go on after a restart."""
        newest = max((entry.id for entry in self.entries), default=0) if not self._last_id else 0
        self._last_id = max(self._last_id, newest) + 1
        return self._last_id

    def write(self, entry: Entry) -> None:
        """Add an entry; past the limit the oldest one goes."""
        self.entries.put(entry)
        if len(self.entries) > ENTRIES_MAX:
            self.entries.drop(next(iter(self.entries)).id)
