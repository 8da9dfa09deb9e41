"""A shop's orders, lived through by the code of all three services that know of them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

from orders.import_events import ImportEvents
from orders.payment_events import PaymentEvents
from orders.rpc.channel_service import ChannelServicer
from orders.rpc.order_service import OrderServicer
from spojka.api.orders.v1 import channel_service_pb2, order_pb2, order_service_pb2
from spojka.database import Connection, Database
from spojka.delivery.handler import Handler, ReceivedEvent
from spojka.identity import Identity, Scope
from spojka.rpc.client import open_channel
from spojka.topics import Topic
from tests.internal_calls import internal_server
from tests.orders.shop import Shop, an_order
from tests.payments.scene import Scene
from tests.received import received
from tests.stock.conftest import Merchant, connect_merchant

HAMMER = "KLADIVO-1"
"""What `an_order` orders."""


@dataclass
class Trade:
    """A shop, its money and its warehouse; what one service tells is handed to the next here."""

    shop: Shop
    book: Database
    money: Scene
    goods: Merchant
    _heard: dict[Topic, int] = field(default_factory=dict)

    async def sell(self, number: str) -> order_pb2.Order:
        """An order whose variable symbol is its number, known to all three."""
        order = await self.place(number)
        await self.tell(order)
        return order

    async def place(self, number: str) -> order_pb2.Order:
        """An order of which the others are told by nobody here."""
        references = order_pb2.OrderReferences(variable_symbol=number)
        # A customer of its own: payments find no other order by who pays.
        customer = order_pb2.Customer(name=f"Customer {number}", email=f"{number}@example.cz")
        order = an_order(f"A-{number}", references=references, customer=customer)
        return await self.shop.placed(order)

    async def tell(self, order: order_pb2.Order) -> None:
        """Let the others know of the order as it is by now."""
        order = await self.shop.get(order.id)
        await self.money.tell_orders(order)
        await self.goods.tell(order)
        await self.hear()

    async def pay(self, order: order_pb2.Order, amount: str) -> None:
        await self.transfer(order, amount)
        await self.money.recheck()
        await self.hear()

    async def transfer(self, order: order_pb2.Order, amount: str) -> None:
        """A mail of today for the order: a transfer from before it would not be for it."""
        today = datetime.now(UTC).date().isoformat()
        symbol = order.references.variable_symbol
        await self.money.tell_only(self.money.notice(symbol, amount, value_date=today))

    async def work(self) -> None:
        """Let the warehouse do what is due."""
        await self.goods.work()
        await self.hear()

    async def hear(self) -> None:
        """Hand to the order book what payments and the warehouse told since."""
        await self._hand_over(self.money.database, Topic.PAYMENTS, PaymentEvents())
        await self._hand_over(self.goods.database, Topic.IMPORTS, ImportEvents())

    async def _hand_over(self, teller: Database, topic: Topic, handler: Handler) -> None:
        events = []
        async for number, event in _waiting(teller, topic, self.shop.tenant):
            if number > self._heard.get(topic, 0):
                self._heard[topic] = number
                events.append(event)
        if topic is Topic.PAYMENTS:
            events = [each for each in events if each.type.endswith("OrderPaymentChanged")]
        async with self.book.transaction(self.shop.tenant) as connection:
            for event in events:
                await handler.handle(connection, self.shop.tenant, [event])


async def _waiting(
    teller: Database, topic: Topic, tenant: UUID
) -> AsyncIterator[tuple[int, ReceivedEvent]]:
    """What waits in an outbox that no relay drains, in its order."""
    template = received(tenant, order_pb2.Order())
    async with teller.infrastructure() as connection:
        rows = await _rows(connection, topic, tenant)
    for number, type_, value in rows:
        yield number, replace(template, type=type_, value=value)


async def _rows(connection: Connection, topic: Topic, tenant: UUID) -> list[tuple[int, str, bytes]]:
    cursor = await connection.execute(
        "SELECT number, type, value FROM outbox WHERE topic = %s AND starts_with(key, %s)"
        " ORDER BY number",
        [topic.value, str(tenant)],
    )
    return await cursor.fetchall()


@asynccontextmanager
async def trading(databases: Mapping[str, Database]) -> AsyncIterator[Trade]:
    """A new tenant's trade, with a channel, a confirmed bank and hammers in the warehouse."""
    book = databases["orders"]
    goods = await connect_merchant(databases["stock"])
    goods.warehouse.put(HAMMER, "MAIN", "40")
    await goods.read()
    money = Scene(databases["payments"], goods.tenant, _clock=datetime.now(UTC))
    await money.confirm_sender()
    server = internal_server()
    channels, orders = channel_service_pb2.DESCRIPTOR, order_service_pb2.DESCRIPTOR
    server.add(channels.services_by_name["ChannelService"], ChannelServicer(book))
    server.add(orders.services_by_name["OrderService"], OrderServicer(book, lambda: None))
    await server.start()
    try:
        async with open_channel(f"127.0.0.1:{server.port}") as wire:
            shop = Shop(wire, Identity(goods.tenant, Scope.OPERATOR, "operator"))
            await shop.create_channel(paid="to be sent", delivered="done")
            yield Trade(shop, book, money, goods)
    finally:
        await server.stop()


async def live_with_orders(databases: Mapping[str, Database]) -> UUID:
    """Orders placed, amended, paid, imported, shipped and cancelled; returns the tenant."""
    async with trading(databases) as trade:
        await _sell(trade)
        return trade.shop.tenant


async def _sell(trade: Trade) -> None:
    paid, part, amended, cancelled, _open = [
        await trade.sell(str(each)) for each in range(2026700, 2026705)
    ]
    await trade.pay(paid, paid.total)
    await trade.pay(part, "400")
    await trade.work()
    await trade.shop.ship(paid)
    await trade.tell(paid)
    amended = await trade.shop.get(amended.id)
    del amended.lines[1]
    amended.total = "399.80"
    await trade.shop.amend(amended)
    await trade.tell(amended)
    await trade.pay(cancelled, "400")
    await trade.shop.cancel(await trade.shop.get(cancelled.id), reason="changed their mind")
    await trade.tell(cancelled)
    await trade.work()
    await trade.work()
