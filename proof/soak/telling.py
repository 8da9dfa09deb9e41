"""The minimal story of a failure: the strikes, and all that is known of what differs."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from proof.soak.plan import Phase
from tests.faults.books import Books, Row
from tests.faults.desk import Accepted
from tests.faults.story import Story
from tests.faults.system import System

COMPLAINTS_MAX: Final = 25
SUBJECTS_MAX: Final = 4
EVENTS_MAX: Final = 40
_OF_ALL: Final = ("strike:", "at rest", "gets SIG", "goes on", "is to die", "has room", "stopped")


def command(phase: Phase) -> str:
    """What shows the phase again."""
    return f"make soak SEED={phase.seed} PHASE={phase.number}"


async def tell(system: System, phase: Phase, complaints: Sequence[str]) -> str:
    """Tell of a failure: what is wrong, what was struck, and what happened to what differs."""
    books = await system.books()
    events = system.story.events
    parts = [
        f"seed {phase.seed}, phase {phase.number}: {len(complaints)} complaints",
        *(f"  {complaint}" for complaint in complaints[:COMPLAINTS_MAX]),
        "",
        "What was struck:",
        *_indented(event for event in events if any(word in event for word in _OF_ALL)),
    ]
    subjects = [
        accepted
        for accepted in system.book.orders.values()
        if any(_names(text, accepted, books) for text in complaints[:COMPLAINTS_MAX])
    ]
    for accepted in subjects[:SUBJECTS_MAX]:
        parts += ["", f"Order {accepted.number} ({accepted.id}), symbol {accepted.symbol}:"]
        parts += _indented(_life(accepted, books, system.story))
    return "\n".join([*parts, "", f"To see it again: {command(phase)}"])


def _names(text: str, accepted: Accepted, books: Books) -> bool:
    words = {accepted.number, accepted.id, *accepted.symbols}
    words |= {row["id"] for row in _payments(accepted, books)}
    found = {word.strip("',:()[]\"") for word in text.replace("/", " ").split()}
    return bool(words & found)


def _life(accepted: Accepted, books: Books, story: Story) -> Iterator[str]:
    words = {accepted.number, *accepted.symbols}
    told = [event for event in story.events if any(word in event.split() for word in words)]
    told += [event for event in story.events if any(f"{word}:" in event for word in words)]
    yield from sorted(set(told))[-EVENTS_MAX:]
    for row in books.history.get(accepted.id, []):
        yield f"history {row['revision']}: {row['summary']}"
    if accepted.id in books.imports:
        yield f"import: {_shown(books.imports[accepted.id])}"
    for hold in books.holds:
        if hold["order_id"] == accepted.id:
            yield f"hold: {_shown(hold)}"
    if accepted.id in books.payables:
        yield f"payable: {_shown(books.payables[accepted.id])}"
    for payment in _payments(accepted, books):
        yield f"payment: {_shown(payment)}"
        for decision in books.decisions:
            if decision["payment_id"] == payment["id"]:
                yield f"decision: {decision['actor']}: {decision['summary']}"


def _payments(accepted: Accepted, books: Books) -> list[Row]:
    return [row for row in books.payments.values() if row["variable_symbol"] in accepted.symbols]


def _shown(row: Row) -> str:
    return ", ".join(f"{name} {value}" for name, value in row.items() if value not in ("", None))


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" for line in lines]
