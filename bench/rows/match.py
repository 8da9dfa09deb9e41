"""One payment matched among a million open orders, against the same among ten thousand.

Measured: one transaction that decides about one payment that is known already:
locked, its keys looked up, the orders found by them locked, every criterion
run, the verdict, the ledger, both sides of it and the events written. The
orders were put into PostgreSQL by COPY, each under the keys that the service
itself makes. Ceiling: the same with as many payments in a second database, in
turns. Each payment pays another order, picked at random.

The second line is a payment whose symbol is one slip away from an order's: all
its neighbours are looked up, for a person to choose.
"""

import random
import time
from collections.abc import Sequence
from statistics import median
from typing import Final
from uuid import UUID

from bench.measure import Timed, alternate
from bench.order_book import FIRST_SYMBOL, OrderBook, open_order_book
from bench.result import Result, time_against
from bench.stage import Stage
from payments.evaluating import evaluate
from payments.ledger.admitting import admitted
from payments.ledger.holds import Hold
from payments.matching.values import PaymentStatus
from payments.messages.notice import notice_of
from payments.storage.payment_writes import insert_payments
from spojka.outbox import new_id

ORDERS: Final = 1_000_000
QUICK_ORDERS: Final = 100_000
FEW_ORDERS: Final = 10_000
PAYMENTS: Final = 200
ROUNDS: Final = 5
SLIP: Final = 100_000_000
"""Added to a symbol, it changes one digit and names no order."""


async def one_match(stage: Stage) -> list[Result]:
    """Many orders and few in turns: payments that name an order, and those that nearly do."""
    many_orders = QUICK_ORDERS if stage.quick else ORDERS
    many = await open_order_book(stage, many_orders)
    few = await open_order_book(await stage.another(), FEW_ORDERS)
    what = f"one match at {many_orders:,} open orders, against {FEW_ORDERS:,}"
    results = []
    for line, slip, status in (
        (what, 0, PaymentStatus.MATCHED),
        ("— of a payment that names no order by one slip", SLIP, PaymentStatus.UNMATCHED),
    ):
        symbols = [_symbols(book, slip) for book in (many, few)]
        await _matched(many, symbols[0], status)()
        await _matched(few, symbols[1], status)()
        pair = await alternate(
            _matched(many, symbols[0], status), _matched(few, symbols[1], status), ROUNDS
        )
        results.append(time_against(line, pair.figure, pair.limit, at_most=1.5))
    return results


def _symbols(book: OrderBook, slip: int) -> list[int]:
    """Symbols to be named, each once, in no order."""
    chosen = random.Random(1).sample(range(book.count), PAYMENTS * (ROUNDS + 1))
    return [FIRST_SYMBOL + slip + place for place in chosen]


def _matched(book: OrderBook, symbols: list[int], status: PaymentStatus) -> Timed:
    """Decides about the next payments one by one; the median in milliseconds."""

    async def run() -> float:
        rows = await _known(book, [symbols.pop() for _ in range(PAYMENTS)])
        took = []
        for payment_id in rows:
            start = time.perf_counter()
            async with book.database.transaction(book.tenant) as connection:
                booked = await evaluate(connection, book.tenant, [payment_id])
            took.append((time.perf_counter() - start) * 1000)
            assert booked.payments[payment_id].disposition.status is status
        return median(took)

    return run


async def _known(book: OrderBook, symbols: Sequence[int]) -> list[UUID]:
    """Payments that nobody decided about yet."""
    notices = [notice_of(book.notice(symbol)) for symbol in symbols]
    rows = [admitted(notice, new_id(), Hold.NONE, ()) for notice in notices]
    async with book.database.transaction(book.tenant) as connection:
        await insert_payments(connection, book.tenant, rows)
    return [row.id for row in rows]
