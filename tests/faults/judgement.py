"""The judgement: our databases, the topics, the warehouse's and the banks' ledgers agree."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

from spojka.api.orders.v1 import order_pb2
from tests.faults.banks import Posted
from tests.faults.books import Books, live
from tests.faults.desk import Accepted
from tests.faults.money import excused, money_complaints
from tests.faults.plan import SEED
from tests.faults.readers import Read, hanging, read_topics
from tests.faults.rest import NeverAtRest, until_at_rest
from tests.faults.storehouse import Ledger, LedgerDocument
from tests.faults.system import System

ZERO: Final = Decimal(0)
COMPLAINTS_TOLD_MAX: Final = 25
MAY_FAIL: Final = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED"})
"""The codes of calls that failed: both say that the call may be made again."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is compared: the test's own record, our databases, the ledgers, the topics."""

    accepted: dict[str, Accepted]
    failures: Counter[str]
    books: Books
    ledger: Ledger
    posted: list[Posted]
    topics: Read


async def judge(system: System) -> None:
    """Wait for rest and compare everything. Fails with the seed, the scenario and the story."""
    found = await hear(system)
    if found:
        system.broken_by = system.story.scenario
        raise AssertionError(
            f"seed {SEED}, scenario {system.story.scenario!r}: {len(found)} complaints\n"
            + "\n".join(found[:COMPLAINTS_TOLD_MAX])
            + f"\n\nWhat happened last (logs in {system.settings.data_dir}):\n{system.story}"
        )


async def hear(
    system: System, more: Callable[[Evidence], Iterator[str]] | None = None
) -> list[str]:
    """Wait for rest, compare everything, and give the complaints; `more` may have others."""
    try:
        await until_at_rest(system)
        evidence = await gather(system)
        found = [*complaints(evidence), *(more(evidence) if more is not None else ())]
    except NeverAtRest as error:
        found = [str(error)]
    hangs = await asyncio.to_thread(hanging, system.settings)
    return [*found, *(f"a transaction hangs in Kafka: {where}" for where in hangs)]


async def gather(system: System) -> Evidence:
    """Gather what everybody says now."""
    return Evidence(
        system.book.orders,
        system.book.failures,
        await system.books(),
        await system.storehouse.ledger(),
        system.banks.posted,
        await asyncio.to_thread(read_topics, system.settings),
    )


def complaints(evidence: Evidence) -> Iterator[str]:
    """Say in words whatever is not as it must be at rest."""
    yield from _calls(evidence)
    yield from _orders(evidence)
    yield from _documents(evidence)
    yield from _holds(evidence)
    yield from _items(evidence)
    yield from _stock_topic(evidence)
    yield from _order_topics(evidence)
    yield from _history(evidence)
    yield from _people(evidence)
    yield from money_complaints(evidence.accepted, evidence.posted, evidence.books, evidence.topics)


def _calls(evidence: Evidence) -> Iterator[str]:
    for code, times in evidence.failures.items():
        if code not in MAY_FAIL:
            yield f"{times} calls failed with {code}"


def _orders(evidence: Evidence) -> Iterator[str]:
    """Every accepted order is there once, in both services, as it was answered."""
    accepted, books = evidence.accepted, evidence.books
    for name, known in (("order book", books.orders), ("imports", books.imports)):
        for id_ in accepted.keys() - known.keys():
            yield f"{accepted[id_].number} was accepted and is not in the {name}"
        for id_ in known.keys() - accepted.keys():
            yield f"order {id_} is in the {name} and nobody was told so"
    numbers = Counter((order.channel_id, order.channel_order_id) for order in books.orders.values())
    for key, times in numbers.items():
        if times != 1:
            yield f"{key} is {times} times in the order book"
    for id_ in accepted.keys() & books.orders.keys() & books.imports.keys():
        yield from _order(accepted[id_], books.orders[id_], books.imports[id_])


def _order(wanted: Accepted, order: order_pb2.Order, row: dict[str, Any]) -> Iterator[str]:
    lines = {line.product_number: Decimal(line.quantity) for line in order.lines}
    if lines != wanted.lines:
        yield f"{wanted.number}: accepted {_shown(wanted.lines)}, in the book {_shown(lines)}"
    if order.fulfilment_state != _fulfilment(wanted):
        name = order_pb2.FulfilmentState.Name(order.fulfilment_state)
        yield f"{wanted.number}: {name} with {_shown(wanted.delivered)} delivered"
    if (row["content_revision"], row["cancelled"]) != (wanted.content_revision, wanted.cancelled):
        yield f"{wanted.number}: the stock service has content {row['content_revision']}"
    if row["state"] != ("withdrawn" if wanted.cancelled else "acked"):
        yield f"{wanted.number}: import is {row['state']}: {row['reason']}"


def _fulfilment(wanted: Accepted) -> "order_pb2.FulfilmentState.ValueType":
    if wanted.cancelled:
        return order_pb2.FULFILMENT_STATE_CANCELLED
    if not wanted.delivered:
        return order_pb2.FULFILMENT_STATE_OPEN
    if wanted.delivered == wanted.lines:
        return order_pb2.FULFILMENT_STATE_DELIVERED
    return order_pb2.FULFILMENT_STATE_PARTLY_DELIVERED


def _documents(evidence: Evidence) -> Iterator[str]:
    """Exactly one document per live order, none for a cancelled one; none was made twice."""
    by_order: dict[str, list[LedgerDocument]] = {}
    for document in evidence.ledger.documents:
        by_order.setdefault(document.order_id, []).append(document)
    for id_ in by_order.keys() - evidence.accepted.keys():
        yield f"the ledger has documents of the unknown order {id_!r}"
    for id_, wanted in evidence.accepted.items():
        documents = by_order.get(id_, [])
        if len(documents) != (0 if wanted.cancelled else 1):
            numbers = [document.number for document in documents]
            yield f"{wanted.number}, cancelled {wanted.cancelled}: documents {numbers}"
        for document in documents:
            yield from _document(document, wanted, evidence.books.imports.get(id_))
    announced = {
        getattr(event, "import").document_id
        for events in evidence.topics.imports.values()
        for event in events
    } - {""}
    if len(announced) != evidence.ledger.orders_created:
        yield (
            f"the warehouse ever made {evidence.ledger.orders_created} documents, "
            f"{len(announced)} were announced"
        )


def _document(
    document: LedgerDocument, wanted: Accepted, row: dict[str, Any] | None
) -> Iterator[str]:
    if document.content_revision != wanted.content_revision or document.quantities != wanted.lines:
        yield (
            f"{wanted.number}: document {document.number} has content "
            f"{document.content_revision} {_shown(document.quantities)}, accepted was "
            f"{wanted.content_revision} {_shown(wanted.lines)}"
        )
    if row is not None and row["document_id"] != str(document.id):
        yield f"{wanted.number}: stands as {document.id}, known as {row['document_id']!r}"
    delivered = {product: pieces for product, pieces in document.delivered.items() if pieces}
    if row is not None and delivered != {
        line: Decimal(pieces) for line, pieces in row["delivered"].items()
    }:
        yield f"{wanted.number}: delivered {_shown(delivered)}, known is {row['delivered']}"


def _holds(evidence: Evidence) -> Iterator[str]:
    """Created = live + absorbed + released, as the orders want it; at rest nothing is live."""
    for hold in evidence.books.holds:
        wanted = evidence.accepted.get(hold["order_id"])
        if wanted is None:
            yield f"a hold of the unknown order {hold['order_id']}"
            continue
        product = hold["product_number"]
        pieces = ZERO if wanted.cancelled else wanted.lines.get(product, ZERO)
        said = f"{wanted.number}, hold of {product}"
        if hold["wanted"] != pieces:
            yield f"{said}: wants {hold['wanted']}, the order {pieces}"
        if not hold["wanted"] <= hold["created"] <= wanted.most.get(product, ZERO):
            yield f"{said}: created {hold['created']}, at most {wanted.most.get(product)}"
        if hold["absorbed"] != hold["wanted"]:
            yield f"{said}: only {hold['absorbed']} of {hold['wanted']} are absorbed"
    held = {(hold["order_id"], hold["product_number"]) for hold in evidence.books.holds}
    for id_, wanted in evidence.accepted.items():
        if not wanted.cancelled:
            for product in wanted.lines:
                if (id_, product) not in held:
                    yield f"{wanted.number}: no hold was ever taken of {product}"


def _items(evidence: Evidence) -> Iterator[str]:
    """What is available is the ledger's count less its reservation, less what is held live."""
    books = evidence.books
    held = live(books.holds)
    known = {row["product_number"]: row for row in books.items.values()}
    if known.keys() != evidence.ledger.free.keys():
        yield f"items {sorted(known)}, in the ledger {sorted(evidence.ledger.free)}"
    for number in known.keys() & evidence.ledger.free.keys():
        expected = max(ZERO, evidence.ledger.free[number] - held.get(number, ZERO))
        if known[number]["available"] != expected:
            yield f"{number}: {known[number]['available']} available, {expected} by the ledger"
    movements: dict[str, list[dict[str, Any]]] = {}
    for row in books.movements:
        movements.setdefault(row["item_id"], []).append(row)
    for id_, rows in movements.items():
        number = books.items[id_]["product_number"]
        if [row["revision"] for row in rows] != list(range(1, len(rows) + 1)):
            yield f"{number}: its history misses or doubles revisions"
        for before, after in pairwise(rows):
            if after["before"] != before["after"]:
                yield f"{number}: revision {after['revision']} does not begin where the last ended"


def _stock_topic(evidence: Evidence) -> Iterator[str]:
    """A new reader ends with what the database says; nothing went backwards on the way."""
    by_item = {}
    for key, events in evidence.topics.stock.items():
        yield from _in_order(key, [(event.epoch, event.revision) for event in events])
        by_item[key.rpartition("/")[2]] = events[-1]
    for id_, row in evidence.books.items.items():
        last = by_item.get(id_)
        if last is None:
            yield f"the stock topic says nothing of {row['product_number']}"
        elif (last.revision, Decimal(last.available)) != (row["revision"], row["available"]):
            yield (
                f"{row['product_number']}: the topic ends with revision {last.revision}, "
                f"{last.available} available; the database with {row['revision']}, "
                f"{row['available']}"
            )
    for id_ in evidence.topics.doubled:
        yield f"event {id_} was published more than once"


def _order_topics(evidence: Evidence) -> Iterator[str]:
    prefix_length = len(next(iter(evidence.topics.orders), "/").rpartition("/")[0]) + 1
    for key, events in evidence.topics.orders.items():
        yield from _in_order(key, [(event.order.revision,) for event in events])
    for key, events in evidence.topics.imports.items():
        yield from _in_order(key, [(getattr(event, "import").revision,) for event in events])
    orders = {key[prefix_length:]: each[-1] for key, each in evidence.topics.orders.items()}
    imports = {key[prefix_length:]: each[-1] for key, each in evidence.topics.imports.items()}
    for id_, order in evidence.books.orders.items():
        told = orders.get(id_)
        if told is None or (
            (told.order.content_revision, told.order.fulfilment_state)
            != (order.content_revision, order.fulfilment_state)
        ):
            yield f"order {order.number}: the topic does not end with what the book says"
    for id_, row in evidence.books.imports.items():
        said = imports.get(id_)
        if (said is None and row["revision"]) or (
            said is not None and getattr(said, "import").revision != row["revision"]
        ):
            yield f"import of {row['order_number']}: the topic does not end with {row['revision']}"


def _in_order(key: str, versions: list[tuple[int, ...]]) -> Iterator[str]:
    for before, after in pairwise(versions):
        if after <= before:
            yield f"{key}: {after} was published after {before}"


def _history(evidence: Evidence) -> Iterator[str]:
    """Each thing that was done to an order stands in its history once."""
    for id_, wanted in evidence.accepted.items():
        rows = evidence.books.history.get(id_, [])
        if [row["revision"] for row in rows] != list(range(1, len(rows) + 1)):
            yield f"{wanted.number}: its history misses or doubles revisions"
        summaries = Counter(row["summary"] for row in rows)
        done = Counter(
            row["summary"].partition(" ")[0].partition(":")[0].strip(".") for row in rows
        )
        expected = {
            "Placed": 1,
            "Amended": wanted.amendments,
            "Cancelled": int(wanted.cancelled),
        }
        for what, times in expected.items():
            if done[what] != times:
                yield f"{wanted.number}: {what} {done[what]} times in the history, not {times}"
        for summary, times in summaries.items():
            if times > 1 and summary.startswith(("Stands in", "The warehouse delivered")):
                yield f"{wanted.number}: {times} times in the history: {summary}"


def _people(evidence: Evidence) -> Iterator[str]:
    """Nothing is left for a person: no dead letter, no task that the plan does not bring."""
    if evidence.topics.dead_letters or evidence.books.dead_letters:
        yield f"{evidence.topics.dead_letters} dead letters: {evidence.books.dead_letters}"
    for task in evidence.books.tasks:
        if not excused(evidence.accepted, evidence.books, task):
            yield f"a task is open: {task['kind']}: {task['summary']}"


def _shown(pieces: dict[str, Decimal]) -> str:
    return ", ".join(f"{product} × {number}" for product, number in sorted(pieces.items()))
