"""A shop's calls to the edge: made again while it is unavailable, every answer written down."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, TypeVar

import grpc

from sandbox.shops import EdgeClient
from sandbox.shops.till import ADDRESS, CUSTOMER
from spojka.api.orders.v1 import order_pb2
from spojka.api.orders.v1 import order_service_pb2 as api
from spojka.api.orders.v1.order_service_pb2_grpc import OrderServiceStub
from spojka.errors import Conflict, Overloaded, RequestError, Unavailable
from tests.faults.plan import UNIT_PRICE, Basket, Paying, PlannedOrder
from tests.faults.story import Story

PATIENCE_SECONDS: Final = 90.0
RETRY_SECONDS: Final = 0.2
Answer = TypeVar("Answer")


@dataclass(slots=True)
class Accepted:
    """An order as Spojka's answers left it: what everything is compared with."""

    id: str
    shop: str
    number: str
    symbol: str
    paying: Paying
    lines: dict[str, Decimal]
    """Pieces by product number."""
    most: dict[str, Decimal]
    """What may have been held of each product: an amendment holds the difference."""
    content_revision: int
    cancelled: bool = False
    amendments: int = 0
    delivered: dict[str, Decimal] = field(default_factory=dict)
    """What the warehouse was made to deliver of each product."""
    paid_under: str = ""
    """The symbol that the customer wrote in place of the order's; a person gave the money to it."""

    @property
    def symbols(self) -> frozenset[str]:
        """The symbols under which money for it may come."""
        return frozenset({self.symbol, self.paid_under} - {""})


@dataclass(slots=True)
class Book:
    """Every accepted order by its id, and the codes with which calls failed."""

    orders: dict[str, Accepted] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)


async def patiently(
    call: Callable[[], Awaitable[Answer]], what: str, story: Story, failures: Counter[str]
) -> Answer:
    """Call again while the other side is unavailable. Raises RequestError after a time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_SECONDS
    while True:
        try:
            return await call()
        except (Unavailable, Overloaded) as error:
            code = _code(error)
            failures[code] += 1
            story.note(f"{what}: {code}: {error.message}")
            if loop.time() > deadline:
                raise
        await asyncio.sleep(RETRY_SECONDS)


def _code(error: RequestError) -> str:
    cause = error.__cause__
    return cause.code().name if isinstance(cause, grpc.aio.AioRpcError) else "NONE"


@dataclass(frozen=True, slots=True)
class Desk:
    """One shop's orders."""

    edge: EdgeClient
    shop: str
    book: Book
    story: Story

    async def place(self, planned: PlannedOrder) -> order_pb2.Order:
        """Place an order until an answer says that it was taken."""
        number, basket = planned.number, planned.basket
        request = api.PlaceOrderRequest(order=self._order(planned, basket))
        method = OrderServiceStub(self.edge.channel).PlaceOrder
        answer = await self._try(lambda: self.edge.call(method, request), f"place {number}")
        order = answer.order
        lines = {product: Decimal(pieces) for product, pieces in basket.items()}
        self.book.orders[order.id] = Accepted(
            id=order.id,
            shop=self.shop,
            number=number,
            symbol=planned.symbol,
            paying=planned.paying,
            lines=lines,
            most=dict(lines),
            content_revision=order.content_revision,
        )
        self.story.note(f"{number} placed, {order.id}: {dict(basket)}")
        return order

    async def amend(self, order: order_pb2.Order, planned: PlannedOrder) -> order_pb2.Order:
        """Give the order its later content."""
        number, basket = planned.number, planned.later
        request = api.AmendOrderRequest(
            id=order.id,
            expected_revision=order.content_revision,
            order=self._order(planned, basket),
        )
        method = OrderServiceStub(self.edge.channel).AmendOrder
        try:
            answer = await self._try(lambda: self.edge.call(method, request), f"amend {number}")
            amended = answer.order
        except Conflict:
            # An attempt that took effect and whose answer was lost.
            amended = await self.look_up(order)
        assert amended.content_revision == order.content_revision + 1, amended
        after = {product: Decimal(pieces) for product, pieces in basket.items()}
        assert {line.product_number: Decimal(line.quantity) for line in amended.lines} == after
        accepted = self.book.orders[order.id]
        for product, pieces in after.items():
            grown = max(Decimal(0), pieces - accepted.lines.get(product, Decimal(0)))
            accepted.most[product] = accepted.most.get(product, Decimal(0)) + grown
        accepted.lines, accepted.content_revision = after, amended.content_revision
        accepted.amendments += 1
        self.story.note(f"{number} amended: {dict(basket)}")
        return amended

    async def cancel(self, order: order_pb2.Order) -> None:
        """Cancel the order."""
        number = order.channel_order_id
        request = api.CancelOrderRequest(
            id=order.id, expected_revision=order.content_revision, reason="changed my mind"
        )
        method = OrderServiceStub(self.edge.channel).CancelOrder
        try:
            answer = await self._try(lambda: self.edge.call(method, request), f"cancel {number}")
            cancelled = answer.order
        except Conflict:
            cancelled = await self.look_up(order)
        assert cancelled.fulfilment_state == order_pb2.FULFILMENT_STATE_CANCELLED, cancelled
        accepted = self.book.orders[order.id]
        accepted.cancelled, accepted.content_revision = True, cancelled.content_revision
        self.story.note(f"{number} cancelled")

    async def look_up(self, order: order_pb2.Order) -> order_pb2.Order:
        """Give the order as it stands now."""
        request = api.GetOrderRequest(id=order.id)
        method = OrderServiceStub(self.edge.channel).GetOrder
        answer = await self._try(
            lambda: self.edge.call(method, request), f"look up {order.channel_order_id}"
        )
        return answer.order

    async def _try(self, call: Callable[[], Awaitable[Answer]], what: str) -> Answer:
        return await patiently(call, what, self.story, self.book.failures)

    def _order(self, planned: PlannedOrder, basket: Basket) -> order_pb2.Order:
        by_transfer = planned.paying is not Paying.NOT
        return order_pb2.Order(
            channel_id=self.shop,
            channel_order_id=planned.number,
            number=planned.number,
            currency="CZK",
            prices_include_vat=True,
            customer=CUSTOMER,
            billing_address=ADDRESS,
            lines=[
                order_pb2.OrderLine(
                    id=product,
                    product_number=product,
                    name=f"Goods {product}",
                    quantity=str(pieces),
                    unit_price=str(UNIT_PRICE),
                    vat_rate="21",
                )
                for product, pieces in sorted(basket.items())
            ],
            payment_method=(
                order_pb2.PAYMENT_METHOD_BANK_TRANSFER
                if by_transfer
                else order_pb2.PAYMENT_METHOD_CASH_ON_DELIVERY
            ),
            references=order_pb2.OrderReferences(
                variable_symbol=planned.symbol if by_transfer else ""
            ),
        )
