"""The order book as it grows.

Everything is asked of the service's own code, in this process; the relay has
no part in it. Orders are chosen at random.
"""

import random
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import psycopg

from bench.growth.clones import SAMPLE_ROWS, add_days, keep_sample
from bench.growth.orders_day import TABLES, Shop, new_order, open_day
from bench.growth.questions import Question, operator, timed
from bench.order_book import FIRST_SYMBOL
from bench.sample_order import CHANNEL
from bench.stage import Stage
from spojka.api.orders.v1 import order_pb2
from spojka.api.orders.v1 import order_service_pb2 as pb
from spojka.rpc.pagination import encode_token

NEW_SYMBOLS: Final = 3_000_000_000
BATCH: Final = 100
BATCH_TIMES: Final = 10
DEEP_SHARE: Final = 0.9
UNPAID: Final = order_pb2.PAYMENT_STATE_UNPAID
PARTIAL: Final = order_pb2.PAYMENT_STATE_PARTIAL
PAID: Final = order_pb2.PAYMENT_STATE_PAID
OPEN: Final = order_pb2.FULFILMENT_STATE_OPEN
BLOCKED: Final = order_pb2.IMPORT_STATE_BLOCKED


class Orders:
    """A tenant's order book of one channel."""

    def __init__(self, shop: Shop, plain: psycopg.AsyncConnection) -> None:
        """Stand on a day that was taken in and kept."""
        self._shop = shop
        self._plain = plain
        self._servicer = shop.servicer
        self._call = operator(shop.tenant)
        self._count = SAMPLE_ROWS
        self._chosen = random.Random(1)
        self._new = NEW_SYMBOLS
        self._ids: list[UUID] = []
        self._open: list[UUID] = []
        self._deep = UUID(int=0)

    async def grow(self, count: int) -> None:
        """Add orders until there are so many."""
        if count > self._count:
            days = self._count // SAMPLE_ROWS, count // SAMPLE_ROWS - 1
            await add_days(self._plain, TABLES, *days)
            self._count = count
        self._ids = await self._some("ORDER BY random() LIMIT 100")
        self._open = await self._some(
            f"WHERE fulfilment_state = {OPEN} ORDER BY random() LIMIT 100"
        )
        (self._deep,) = await self._some(
            f"ORDER BY id DESC OFFSET {int(count * DEEP_SHARE)} LIMIT 1"
        )

    def questions(self) -> Sequence[Question]:
        """What shops and people wait for."""
        return [
            Question("PlaceOrder", self._place),
            Question("PlaceOrders, 100", self._place_many, BATCH_TIMES),
            Question("PlaceOrder again, the same", self._again),
            Question("GetOrder by id", self._get),
            Question("GetOrder by the channel's id", self._get_by_key),
            Question("AmendOrder", self._amend),
            Question("ListOrders, first page", self._first_page),
            Question("ListOrders, deep page", self._deep_page),
            Question("ListOrders, paid, deep page", self._paid_deep),
            Question("ListOrders, unpaid, deep page", self._unpaid_deep),
            Question("ListOrders, open or blocked, deep page", self._open_deep),
            Question("ListOrders by variable symbol", self._by_symbol),
            Question("ListOrderTasks, first page", self._tasks),
        ]

    async def _place(self) -> float:
        request = pb.PlaceOrderRequest(order=self._new_order())
        return await timed(self._servicer.place_order(request, self._call))

    async def _place_many(self) -> float:
        request = pb.PlaceOrdersRequest(orders=[self._new_order() for _ in range(BATCH)])
        return await timed(self._servicer.place_orders(request, self._call))

    async def _again(self) -> float:
        order = self._new_order()
        request = pb.PlaceOrderRequest(order=order)
        await self._servicer.place_order(request, self._call)
        return await timed(self._servicer.place_order(request, self._call))

    async def _get(self) -> float:
        request = pb.GetOrderRequest(id=str(self._chosen.choice(self._ids)))
        return await timed(self._servicer.get_order(request, self._call))

    async def _get_by_key(self) -> float:
        request = pb.GetOrderRequest(channel_id=CHANNEL, channel_order_id=self._symbol())
        return await timed(self._servicer.get_order(request, self._call))

    async def _amend(self) -> float:
        wanted = pb.GetOrderRequest(id=str(self._open.pop()))
        order = (await self._servicer.get_order(wanted, self._call)).order
        order.note = f"{order.note}."
        request = pb.AmendOrderRequest(
            id=order.id, order=order, expected_revision=order.content_revision
        )
        return await timed(self._servicer.amend_order(request, self._call))

    async def _first_page(self) -> float:
        return await self._list(pb.ListOrdersRequest())

    async def _deep_page(self) -> float:
        return await self._list(pb.ListOrdersRequest(page_token=self._token))

    async def _paid_deep(self) -> float:
        return await self._list(pb.ListOrdersRequest(page_token=self._token, payment_state=PAID))

    async def _unpaid_deep(self) -> float:
        request = pb.ListOrdersRequest(
            channel_id=CHANNEL, page_token=self._token, payment_state=UNPAID
        )
        return await self._list(request)

    async def _open_deep(self) -> float:
        await self._list(pb.ListOrdersRequest(page_token=self._token, fulfilment_state=OPEN))
        return await self._list(pb.ListOrdersRequest(page_token=self._token, import_state=BLOCKED))

    async def _by_symbol(self) -> float:
        return await self._list(pb.ListOrdersRequest(reference=self._symbol()))

    async def _tasks(self) -> float:
        request = pb.ListOrderTasksRequest()
        return await timed(self._servicer.list_order_tasks(request, self._call))

    async def _list(self, request: pb.ListOrdersRequest) -> float:
        return await timed(self._servicer.list_orders(request, self._call))

    @property
    def _token(self) -> str:
        return encode_token([str(self._deep)])

    def _new_order(self) -> order_pb2.Order:
        self._new += 1
        return new_order(self._new)

    def _symbol(self) -> str:
        return str(FIRST_SYMBOL + self._chosen.randrange(self._count))

    async def _some(self, which: str) -> list[UUID]:
        """Orders that are asked about; looked up beforehand, untimed."""
        cursor = await self._plain.execute(f"SELECT id FROM order_book {which}".encode())
        return [row[0] for row in await cursor.fetchall()]


async def open_orders(stage: Stage) -> Orders:
    """One day's orders, to grow from."""
    shop = await open_day(stage)
    plain = await stage.plain("orders")
    await plain.execute("TRUNCATE outbox")
    await keep_sample(plain, TABLES)
    return Orders(shop, plain)
