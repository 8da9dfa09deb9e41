"""Whether a mail tells of a movement that is known already: pure (DESIGN §6, dedup)."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Movement:
    """What tells movements of one connection apart; `id` is the payment's."""

    id: UUID
    own_account: str
    incoming: bool
    amount: Decimal
    currency: str
    reference: str
    likeness: bytes
    balance: str


class Relation(Enum):
    """How two tellings stand to each other."""

    SAME = auto()
    TWINS = auto()
    DIFFERENT = auto()


def relation(new: Movement, known: Movement) -> Relation:
    """Compare a movement that a mail tells of with a known one.

    The bank's own reference decides where both have one; else the account's
    balance after the movement, where both have that and are alike in all else.
    Where neither can decide, two that are alike may be one and the same: twins,
    as are two of one reference whose amounts differ. Money back is never the
    same as the money that came, whatever its reference.
    """
    if new.reference and known.reference:
        if (new.reference, new.own_account, new.incoming) != (
            known.reference,
            known.own_account,
            known.incoming,
        ):
            return Relation.DIFFERENT
        alike = (new.amount, new.currency) == (known.amount, known.currency)
        return Relation.SAME if alike else Relation.TWINS
    if new.likeness != known.likeness:
        return Relation.DIFFERENT
    if new.balance and known.balance:
        return Relation.SAME if new.balance == known.balance else Relation.DIFFERENT
    return Relation.TWINS


class KnownMovements:
    """The known movements of one connection, found by what tellings of one movement share."""

    def __init__(self, movements: Iterable[Movement] = ()) -> None:
        """Begin with these."""
        self._by_likeness: defaultdict[bytes, list[Movement]] = defaultdict(list)
        self._by_reference: defaultdict[str, list[Movement]] = defaultdict(list)
        for each in movements:
            self.add(each)

    def add(self, movement: Movement) -> None:
        """Know one more."""
        self._by_likeness[movement.likeness].append(movement)
        if movement.reference:
            self._by_reference[movement.reference].append(movement)

    def near(self, new: Movement) -> Collection[Movement]:
        """Those that share the reference or the likeness of `new`; all others are DIFFERENT."""
        found = {each.id: each for each in self._by_likeness.get(new.likeness, ())}
        found |= {each.id: each for each in self._by_reference.get(new.reference, ())}
        return found.values()


@dataclass(frozen=True, slots=True)
class Recognised:
    """The known payment that a mail tells of again, or those that it may tell of."""

    same: UUID | None = None
    twins: tuple[UUID, ...] = ()


def recognise(new: Movement, known: KnownMovements) -> Recognised:
    """Find the movement among known ones of its connection."""
    twins, same = [], []
    for each in sorted(known.near(new), key=lambda movement: movement.id):
        related = relation(new, each)
        if related is Relation.SAME:
            same.append(each)
        if related is Relation.TWINS:
            twins.append(each.id)
    if same:
        # The bank's own reference goes before the balance: two known ones may be this one.
        return Recognised(min(same, key=lambda each: (each.reference != new.reference, each.id)).id)
    return Recognised(twins=tuple(twins))
