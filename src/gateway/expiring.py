"""A bounded cache whose entries are believed for a limited time."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class ExpiringCache(Generic[Key, Value]):
    """The last used entries, each for at most `ttl_seconds`.

    Whoever reads a value elsewhere takes the `generation` first and puts with
    it: what was forgotten in between is not put, so that an answer read before
    a change never outlives the change.
    """

    def __init__(
        self, *, max_entries: int, ttl_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin empty."""
        self._max_entries = max_entries
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._entries: OrderedDict[Key, tuple[float, Value]] = OrderedDict()
        self.generation = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> Value | None:
        """The value, unless it is unknown or too old."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry[0] <= self._clock():
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return entry[1]

    def put(self, key: Key, value: Value, generation: int) -> None:
        """Keep a value that was read at `generation`."""
        if generation != self.generation:
            return
        self._entries[key] = (self._clock() + self._ttl_seconds, value)
        self._entries.move_to_end(key)
        if len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)

    def forget(self, key: Key) -> None:
        """Drop one entry, and what is being read now."""
        self.generation += 1
        self._entries.pop(key, None)

    def forget_all(self) -> None:
        """Drop every entry, and what is being read now."""
        self.generation += 1
        self._entries.clear()
