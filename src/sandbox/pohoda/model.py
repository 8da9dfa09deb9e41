"""The company: its tables, its numbers and its clock.

What may happen to it stands in `goods` (stores, cards, movements) and `sales` (received orders).
There is no XML here, no HTTP and no clock of its own. The counters of a card follow from the
documents:

- count = opening + its movements,
- count_received_orders = ordered_elsewhere + what remains of the open orders,
- reservation = reserved_elsewhere + what remains of the open orders that are reserved.

Every action happens whole, or raises `RefusedError` and changes nothing.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sandbox.pohoda.records import (
    Branch,
    Card,
    Counter,
    Import,
    Movement,
    Order,
    Sequence,
    Series,
    Store,
)
from sandbox.pohoda.table import Table

Clock = Callable[[], datetime]
"""The local time of the company's machine, without an offset."""

# A company in use for a while: its next ids are never "1, 2, 3".
_LAST_BEFORE = {Sequence.ORDER: 1573, Sequence.LINE: 4409, Sequence.MOVEMENT: 88100}
_DEFAULT_SERIES_ID = 31


class RefusedError(Exception):
    """The company's rules forbid the action; the message is what its user would be shown."""


class UnknownError(RefusedError):
    """There is no such record."""


class Company:
    """All records of one accounting unit. One caller at a time: see `worker.Worker`."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.movement_bumps_last_changes = True
        self.stores = Table("stores", Store, name=lambda store: [store.name])
        self.branches = Table("branches", Branch, path=lambda branch: [branch.path])
        self.cards = Table(
            "cards",
            Card,
            code=lambda card: [card.code],
            ean=lambda card: [card.ean] if card.ean else [],
            ext_id=lambda card: card.ext_ids,
            plu=lambda card: [card.plu] if card.plu is not None else [],
        )
        self.orders = Table(
            "orders",
            Order,
            number=lambda order: [order.number],
            ext_id=lambda order: [order.header.ext_id] if order.header.ext_id else [],
            card=lambda order: {line.card_id for line in order.lines},
        )
        self.movements = Table("movements", Movement)
        self.series = Table("series", Series, prefix=lambda series: [series.prefix])
        self.imports = Table("imports", Import, ids=lambda made: [(made.pack_id, made.item_id)])
        self.counters = Table("counters", Counter)

    @property
    def tables(self) -> tuple[Table[Any], ...]:
        """All tables, for whoever saves and loads them."""
        return (
            self.stores,
            self.branches,
            self.cards,
            self.orders,
            self.movements,
            self.series,
            self.imports,
            self.counters,
        )

    def now(self) -> datetime:
        """The machine's time in whole seconds, as POHODA stamps and compares changes."""
        return self.clock().replace(microsecond=0)

    def next_id(self, sequence: Sequence) -> int:
        """Draw the sequence's next number."""
        counter = self.counters.get(sequence)
        last = counter.last if counter else _LAST_BEFORE.get(sequence, 0)
        return self.counters.put(Counter(sequence, last + 1)).last

    def keep_above(self, sequence: Sequence, number: int) -> None:
        """Make sure that the sequence never draws `number`, which a person chose."""
        counter = self.counters.get(sequence)
        if counter is None or counter.last < number:
            self.counters.put(Counter(sequence, number))

    def default_series(self) -> Series:
        """The series that an order without a wish is numbered in: the year and 2100."""
        series = self.series.get(_DEFAULT_SERIES_ID)
        prefix = f"{self.clock().year % 100:02}2100"
        return series or self.series.put(Series(_DEFAULT_SERIES_ID, prefix, last=30))
