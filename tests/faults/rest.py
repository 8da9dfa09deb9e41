"""Waiting until nothing is under way any more."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Final

from spojka.api.orders.v1 import order_pb2
from tests.faults.books import Books
from tests.faults.system import System

PATIENCE_SECONDS: Final = 150.0
LOOK_SECONDS: Final = 0.3
TOLD_SECONDS: Final = 10.0
DONE: Final = frozenset({"acked", "withdrawn"})
SHOWN_MAX: Final = 8


class NeverAtRest(AssertionError):
    """The system did not come to rest; the message says what is still under way."""


async def until_at_rest(system: System) -> None:
    """Wait until all is sent, told and read; then until one more full reading has passed.

    What a killed process knew only in its memory (cards to be read at once), the
    reading brings back. Raises NeverAtRest.
    """
    await system.until_all_run()
    await system.let_claims_pass()
    books = await _until_quiet(system, lambda _books: ())
    # By what there is, not by what is newest: ids are by the clocks of those who made them.
    known = {row["id"] for row in books.readings if _is_done(row)}
    await system.read_all_now()
    system.story.note("a last full reading is asked for")

    def unread(now: Books) -> Iterator[str]:
        if not any(row["id"] not in known for row in now.readings if _is_done(row)):
            yield "the last full reading has not been applied"

    await _until_quiet(system, unread)
    system.story.note("at rest")


async def _until_quiet(system: System, more: Callable[[Books], Iterable[str]]) -> Books:
    loop = asyncio.get_running_loop()
    deadline, told = loop.time() + PATIENCE_SECONDS, loop.time()
    while True:
        books = await system.books()
        left = [*_under_way(books), *more(books)]
        if not left:
            return books
        if loop.time() - told > TOLD_SECONDS:
            told = loop.time()
            system.story.note(f"{len(left)} things are under way, such as {left[0]}")
        if loop.time() > deadline:
            raise NeverAtRest("still under way:\n  " + "\n  ".join(left[:SHOWN_MAX]))
        await asyncio.sleep(LOOK_SECONDS)


def _is_done(reading: dict[str, str]) -> bool:
    return reading["kind"] == "full" and reading["state"] == "applied"


def _under_way(books: Books) -> Iterator[str]:
    for row in books.outbox:
        yield f"event in the outbox of {row['service']}: {row['topic']} {row['key']}"
    yield from _at_work(books)
    yield from _money(books)
    for row in books.imports.values():
        if row["state"] not in DONE or row["unread"] or _is_outdated(row):
            yield f"import of {row['order_number']}: {row['state']} {row['action']} {row['reason']}"
    for order in books.orders.values():
        yield from _untold(order, books)


def _at_work(books: Books) -> Iterator[str]:
    for row in books.readings:
        if row["state"] == "running":
            yield f"reading {row['id']} is running"
    for row in books.connections:
        if row["state"] != "active" or row["problem"] or row["requested_reading"]:
            yield f"connection {row['id']} is {row['state']}: {row['problem']}"
    for row in books.leases:
        if row["holder"] is not None:
            yield f"{row['holder']} works on {row['kind']} {row['subject']}"


def _money(books: Books) -> Iterator[str]:
    for row in books.unjudged:
        yield f"mail {row['mail_id']} is not judged"
    untaken = {(row["mail_id"], row["movement"]) for row in books.notified}
    untaken -= {(row["mail_id"], row["movement"]) for row in books.sources}
    for mail_id, movement in untaken:
        yield f"movement {movement} of mail {mail_id} is not known to the payments service"
    for row in books.rechecks:
        yield f"{row['subject_id']} is to be looked at again"
    for order in books.orders.values():
        payable = books.payables.get(order.id)
        cancelled = order.fulfilment_state == order_pb2.FULFILMENT_STATE_CANCELLED
        if payable is None or payable["cancelled"] != cancelled:
            yield f"order {order.number} is not known to the payments service"
        elif payable["total"] != Decimal(order.total):
            yield f"the total of order {order.number} is not known to the payments service"
        elif payable["paid"] != Decimal(order.amount_paid or 0):
            yield f"what is paid of order {order.number} is not known to the order book"


def _is_outdated(row: dict[str, object]) -> bool:
    return row["state"] == "acked" and (
        bool(row["cancelled"]) or row["document_revision"] != row["content_revision"]
    )


def _untold(order: order_pb2.Order, books: Books) -> Iterator[str]:
    row = books.imports.get(order.id)
    if row is None:
        yield f"order {order.number} is not known to the stock service"
    elif row["content_revision"] != order.content_revision:
        yield f"the last content of order {order.number} is not known to the stock service"
    elif row["revision"] != getattr(order, "import").revision:
        yield f"the last report about order {order.number} is not known to the orders service"
