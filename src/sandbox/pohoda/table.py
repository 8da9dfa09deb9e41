"""A table of records by id, in the order of ids, that knows what changed since it was saved."""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Generic, Protocol, TypeVar


class Record(Protocol):
    """Anything with an id."""

    @property
    def id(self) -> int:
        """The key, unique in its table."""


R = TypeVar("R", bound=Record)


class Table(Generic[R]):
    """Records by id, with look-ups by other keys.

    `put` and `drop` are the only ways to change it, and both are noted. A look-up is a function
    that gives the keys of a record; several records may share a key.
    """

    def __init__(
        self, name: str, kind: type[R], /, **lookups: Callable[[R], Iterable[Hashable]]
    ) -> None:
        self.name = name
        self.kind = kind
        self._rows: dict[int, R] = {}
        self._ids: list[int] = []
        self._changed: set[int] = set()
        self._lookups = lookups
        self._found: dict[tuple[str, Hashable], set[int]] = defaultdict(set)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[R]:
        return self.since(0)

    def since(self, id_from: int) -> Iterator[R]:
        """Yield the records whose id is at least `id_from`, by growing id."""
        for position in range(bisect_left(self._ids, id_from), len(self._ids)):
            yield self._rows[self._ids[position]]

    def find(self, lookup: str, key: Hashable) -> list[R]:
        """Return the records with that key, by growing id."""
        return [self._rows[row_id] for row_id in sorted(self._found.get((lookup, key), ()))]

    def get(self, key: int | None) -> R | None:
        """Return the record, or None where there is none."""
        return None if key is None else self._rows.get(key)

    def __getitem__(self, key: int) -> R:
        return self._rows[key]

    def put(self, row: R) -> R:
        """Add or replace the record of that id."""
        former = self._rows.get(row.id)
        if former is not None:
            self._forget(former)
        elif not self._ids or row.id > self._ids[-1]:
            self._ids.append(row.id)
        else:
            insort(self._ids, row.id)
        self._rows[row.id] = row
        for lookup, keys in self._lookups.items():
            for key in keys(row):
                self._found[lookup, key].add(row.id)
        self._changed.add(row.id)
        return row

    def drop(self, key: int) -> None:
        """Remove the record of that id; KeyError where there is none."""
        self._forget(self._rows.pop(key))
        del self._ids[bisect_left(self._ids, key)]
        self._changed.add(key)

    def _forget(self, row: R) -> None:
        for lookup, keys in self._lookups.items():
            for key in keys(row):
                self._found[lookup, key].discard(row.id)

    def take_changes(self) -> list[tuple[int, R | None]]:
        """Return what changed since the last call, by id; None stands for a dropped record."""
        changes = [(key, self._rows.get(key)) for key in sorted(self._changed)]
        self._changed.clear()
        return changes
