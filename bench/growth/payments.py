"""The money side as it grows: payments, the orders they pay, and the ledger between them.

Everything is asked of the service's own code, in this process: what consumers
and calls would hand on, about orders and payments chosen at random.
"""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import psycopg

from bench.growth.clones import SAMPLE_ROWS, add_days, keep_sample
from bench.growth.payments_day import (
    TABLES,
    UNPAID,
    open_day,
    placed_order,
)
from bench.growth.questions import TIMES, WARM_UP_TIMES, Question, operator, timed
from bench.handing_on import hand_on, received
from bench.order_book import FIRST_SYMBOL, OrderBook
from bench.stage import Stage
from payments.notifications import NotificationEvents
from payments.order_events import OrderEvents
from payments.recheck import Rechecking
from payments.rpc.payment_service import PaymentServicer
from spojka.api.payments.v1 import payment_pb2
from spojka.api.payments.v1 import payment_service_pb2 as pb
from spojka.delivery.handler import Handler, ReceivedEvent
from spojka.delivery.health import Health
from spojka.rpc.pagination import encode_token

NEW_ORDERS: Final = 100_000_000
"""Place of the first order that is new, beyond all that are there."""
STRANGERS: Final = range(8_000_000_000, 9_000_000_000)
"""Symbols that name nobody's order, nor nearly."""
DRY_DAYS: Final = 2
DRY_TIMES: Final = 3
DEEP_SHARE: Final = 0.9
TAKEN_MAX: Final = 2 * (TIMES + WARM_UP_TIMES)
"""Unpaid orders that the questions of one size use up."""
UNMATCHED: Final = payment_pb2.PAYMENT_STATUS_UNMATCHED


class Payments:
    """A tenant's payments and the orders that they pay."""

    def __init__(self, book: OrderBook, plain: psycopg.AsyncConnection) -> None:
        """Stand on a day that was taken in and kept."""
        self._book = book
        self._plain = plain
        self._count = SAMPLE_ROWS
        self._chosen = random.Random(1)
        self._unpaid: list[int] = []
        self._paid: set[int] = set()
        self._new = NEW_ORDERS
        self._payments: list[UUID] = []
        self._unmatched: list[UUID] = []
        self._orders: list[UUID] = []
        self._deep = UUID(int=0)
        self._servicer = PaymentServicer(book.database, lambda: None)
        self._rechecking = Rechecking(book.database, Health(), lambda: None)
        self._call = operator(book.tenant)

    async def grow(self, count: int) -> None:
        """Add payments and orders until there are so many of each."""
        if count > self._count:
            days = self._count // SAMPLE_ROWS, count // SAMPLE_ROWS - 1
            await add_days(self._plain, TABLES, *days)
            self._count = count
        unpaid = [place for place in range(count) if place % SAMPLE_ROWS >= UNPAID]
        self._unpaid = self._chosen.sample(sorted(set(unpaid) - self._paid), TAKEN_MAX)
        some = "FROM payment ORDER BY random() LIMIT 100"
        self._payments = await self._ids(f"id {some}")
        self._unmatched = await self._ids(
            f"id {some.replace('ORDER', f'WHERE status = {UNMATCHED} ORDER')}"
        )
        self._orders = await self._ids("order_id FROM payable ORDER BY random() LIMIT 100")
        (self._deep,) = await self._ids(
            f"id FROM payment ORDER BY id DESC OFFSET {int(count * DEEP_SHARE)} LIMIT 1"
        )

    def questions(self) -> Sequence[Question]:
        """What banks and people wait for."""
        return [
            Question("exact payment taken in and matched", self._exact),
            Question("payment of nobody's order taken in", self._strange),
            Question("new order taken in", self._order),
            Question("MatchPayment by hand", self._match),
            Question("GetPayment (why)", self._get),
            Question("ListPayments, unmatched, first page", self._first_page),
            Question("ListPayments, unmatched, deep page", self._deep_page),
            Question("ListPayments of one day", self._one_day),
            Question("ListPayments of one order", self._of_order),
            Question("ListPaymentTasks, first page", self._tasks),
            Question(f"TryMatchingRules, {DRY_DAYS} days", self._try, DRY_TIMES),
        ]

    async def _exact(self) -> float:
        symbol = FIRST_SYMBOL + self._unpaid_place()
        took = await self._notify(symbol)
        request = pb.ListPaymentsRequest(variable_symbol=str(symbol))
        (payment,) = (await self._servicer.list_payments(request, self._call)).payments
        assert payment.status == payment_pb2.PAYMENT_STATUS_MATCHED, payment
        return took

    async def _strange(self) -> float:
        return await self._notify(self._chosen.choice(STRANGERS))

    async def _order(self) -> float:
        self._new += 1
        event = received(self._book.tenant, placed_order(self._book, self._new))

        async def taken_in() -> None:
            await self._hand_on(OrderEvents(), event)
            await self._rechecking.drain()

        return await timed(taken_in())

    async def _match(self) -> float:
        symbol = FIRST_SYMBOL + self._unpaid_place()
        (order_id,) = await self._ids(f"order_id FROM payable WHERE number = '{symbol}'")
        request = pb.MatchPaymentRequest(
            id=str(self._unmatched.pop()), shares=[pb.Share(order_id=str(order_id))]
        )
        return await timed(self._servicer.match_payment(request, self._call))

    async def _get(self) -> float:
        request = pb.GetPaymentRequest(id=str(self._chosen.choice(self._payments)))
        return await timed(self._servicer.get_payment(request, self._call))

    async def _first_page(self) -> float:
        return await self._list(pb.ListPaymentsRequest(status=UNMATCHED))

    async def _deep_page(self) -> float:
        token = encode_token([str(self._deep)])
        return await self._list(pb.ListPaymentsRequest(status=UNMATCHED, page_token=token))

    async def _one_day(self) -> float:
        days = self._chosen.randrange(self._count // SAMPLE_ROWS)
        day = f"{datetime.now(UTC).date() - timedelta(days=days)}"
        return await self._list(pb.ListPaymentsRequest(value_date_from=day, value_date_to=day))

    async def _of_order(self) -> float:
        order_id = str(self._chosen.choice(self._orders))
        return await self._list(pb.ListPaymentsRequest(order_id=order_id))

    async def _tasks(self) -> float:
        request = pb.ListPaymentTasksRequest()
        return await timed(self._servicer.list_payment_tasks(request, self._call))

    async def _try(self) -> float:
        held = await self._servicer.get_matching_rules(pb.GetMatchingRulesRequest(), self._call)
        held.rules.criteria[:] = list(reversed(held.rules.criteria))
        wanted = pb.TryMatchingRulesRequest(rules=held.rules, days=DRY_DAYS)
        return await timed(self._servicer.try_matching_rules(wanted, self._call))

    async def _notify(self, symbol: int) -> float:
        event = received(self._book.tenant, self._book.notice(symbol))
        return await timed(self._hand_on(NotificationEvents(), event))

    async def _hand_on(self, handler: Handler, event: ReceivedEvent) -> None:
        await hand_on(self._book.database, self._book.tenant, handler, [event])

    async def _list(self, request: pb.ListPaymentsRequest) -> float:
        return await timed(self._servicer.list_payments(request, self._call))

    def _unpaid_place(self) -> int:
        place = self._unpaid.pop()
        self._paid.add(place)
        return place

    async def _ids(self, what: str) -> list[UUID]:
        """What is asked about; looked up beforehand, untimed."""
        cursor = await self._plain.execute(f"SELECT {what}".encode())
        return [row[0] for row in await cursor.fetchall()]


async def open_payments(stage: Stage) -> Payments:
    """One day's orders and payments, to grow from."""
    book = await open_day(stage)
    plain = await stage.plain("payments")
    await plain.execute("TRUNCATE outbox")
    await keep_sample(plain, TABLES)
    return Payments(book, plain)
