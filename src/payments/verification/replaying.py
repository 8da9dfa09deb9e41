"""A payment's history once more: each decision with its lines, in the order of their making."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final
from uuid import UUID

from payments.decisions.memory import decode
from payments.decisions.standing import Disposition, Line, Standing
from payments.matching.values import PaymentStatus
from payments.storage.lines import DecisionRow, LedgerLine
from spojka.values import ZERO, format_decimal
from spojka.verification.model import Difference

LINE: Final = "ledger line"
DECISION: Final = "decision"
_ANY: Final = Disposition(PaymentStatus.UNMATCHED, hold=0, needs_person=False, decided_by="")


@dataclass(slots=True)
class _Replay:
    """A payment's lines as far as they were replayed."""

    payment_id: UUID
    currency: str
    lines: list[Line] = field(default_factory=list)

    @property
    def live(self) -> frozenset[UUID]:
        """The chains of reversals that give money, each by its first line."""
        standing = Standing(
            id=self.payment_id,
            incoming=True,
            currency=self.currency,
            amount=ZERO,
            disposition=_ANY,
            lines=tuple(self.lines),
        )
        return frozenset(standing.roots)

    def take(self, entry: LedgerLine) -> Iterator[Difference]:
        """Add one line and say what is wrong with it; one that hangs in the air is left out."""
        line = entry.line
        if entry.currency != self.currency:
            yield _line(line, "currency", entry.currency, self.currency, "of another currency")
        earlier = next((each for each in self.lines if each.id == line.reverses_id), None)
        if line.reverses_id is not None and earlier is None:
            unknown = "it takes back a line that is not there, or a later one"
            yield _line(line, "reverses_id", line.reverses_id, "an earlier line", unknown)
            return
        self.lines.append(line)
        if earlier is None:
            if line.amount < 0:
                nothing = "money is taken back that no line gave"
                yield _line(line, "amount", line.amount, "above 0", nothing)
        elif _gives(line) != (earlier.order_id, -earlier.amount, earlier.customer_key):
            unlike = "it does not take back just what that line gave"
            stored = f"{format_decimal(line.amount)} of {line.order_id}"
            rebuilt = f"{format_decimal(-earlier.amount)} of {earlier.order_id}"
            yield _line(line, "amount", stored, rebuilt, unlike)


def replayed(
    payment_id: UUID, currency: str, lines: Sequence[LedgerLine], decisions: Sequence[DecisionRow]
) -> Iterator[Difference]:
    """Replay a payment's decisions, oldest first; each person's remembers what gave money before.

    Which is older was said by its lock, not by the clocks of those who wrote them.
    An undo must leave just the lines that its decision found.
    """
    replay = _Replay(payment_id, currency)
    by_decision: defaultdict[UUID, list[LedgerLine]] = defaultdict(list)
    for entry in lines:
        by_decision[entry.decision_id].append(entry)
    known = {each.id: each for each in decisions}
    for each in decisions:
        remembered = _remembered(each)
        if remembered is not None and remembered != replay.live:
            yield _decision(each, "before", remembered, replay.live)
        for entry in by_decision.pop(each.id, ()):
            yield from replay.take(entry)
        if each.undoes_id is None:
            continue
        undone = known.get(each.undoes_id)
        if undone is None:
            unknown = "it takes back a decision that is not there"
            undoes = str(each.undoes_id)
            yield Difference(DECISION, str(each.id), "undoes_id", undoes, "a decision", unknown)
        elif (found := _remembered(undone)) is not None and found != replay.live:
            yield _decision(each, "lines", replay.live, found)
    for entries in by_decision.values():
        for entry in entries:
            lost = "nobody is known to have decided it"
            stored = str(entry.decision_id)
            yield _line(entry.line, "decision_id", stored, "a decision of its payment", lost)


def _remembered(decision: DecisionRow) -> frozenset[UUID] | None:
    """The lines that gave money before a decision; none that can be read are none at all."""
    try:
        return decode(decision.before).live if decision.before else None
    except (ValueError, KeyError):
        return frozenset()


def _gives(line: Line) -> tuple[UUID | None, Decimal, str]:
    return line.order_id, line.amount, line.customer_key


def _line(line: Line, name: str, stored: object, rebuilt: object, meaning: str) -> Difference:
    return Difference(LINE, str(line.id), name, _text(stored), _text(rebuilt), meaning)


def _decision(
    decision: DecisionRow, name: str, stored: frozenset[UUID], rebuilt: frozenset[UUID]
) -> Difference:
    meaning = f"the lines that give money around it ({decision.kind}) are not those of the ledger"
    return Difference(DECISION, str(decision.id), name, _ids(stored), _ids(rebuilt), meaning)


def _ids(ids: frozenset[UUID]) -> str:
    return ", ".join(sorted(map(str, ids))) or "none"


def _text(value: object) -> str:
    return format_decimal(value) if isinstance(value, Decimal) else str(value)
