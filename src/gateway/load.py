"""Limits on what is under way at once."""

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Final

from spojka.errors import Overloaded

MAX_UNARY_CALLS: Final = 500
MAX_STREAMS: Final = 1_500
MAX_STREAMS_PER_KEY: Final = 32
MAX_CALLS: Final = MAX_UNARY_CALLS + MAX_STREAMS + 100
"""What the server takes in all; a hundred more, so that a refusal can say which limit was met."""


class Load:
    """Counts calls and streams. Streams live long: counted apart, they never crowd out calls."""

    def __init__(self) -> None:
        """Begin with nothing under way."""
        self._calls = 0
        self._streams: Counter[Hashable] = Counter()

    @contextmanager
    def call(self) -> Iterator[None]:
        """One call, for the time of a block. Raises Overloaded past the limit."""
        if self._calls >= MAX_UNARY_CALLS:
            raise Overloaded(f"{MAX_UNARY_CALLS} calls are under way: try again in a moment")
        self._calls += 1
        try:
            yield
        finally:
            self._calls -= 1

    @contextmanager
    def stream(self, holder: Hashable) -> Iterator[None]:
        """One stream of a key, for the time of a block. Raises Overloaded past a limit."""
        if self._streams[holder] >= MAX_STREAMS_PER_KEY:
            raise Overloaded(
                f"this key has {MAX_STREAMS_PER_KEY} streams open: close those that are not read"
            )
        if self._streams.total() >= MAX_STREAMS:
            raise Overloaded(f"{MAX_STREAMS} streams are open: try again later")
        self._streams[holder] += 1
        try:
            yield
        finally:
            self._streams[holder] -= 1
            if not self._streams[holder]:
                del self._streams[holder]
