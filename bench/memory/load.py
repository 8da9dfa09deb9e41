"""A steady load on both sides: orders, banks' mails of their payments, and full readings."""

import asyncio
from decimal import Decimal
from itertools import count
from typing import Final

from bench.memory.house import CHANNEL, House
from sandbox.banks import Transfer
from spojka.api.orders.v1 import order_pb2
from spojka.api.orders.v1 import order_service_pb2 as pb
from spojka.api.orders.v1.order_service_pb2_grpc import OrderServiceStub
from spojka.api.payments.v1 import payment_pb2

ORDERS_PER_SECOND: Final = 10
READING_SECONDS: Final = 10.0
TOTAL: Final = Decimal("199.90")
FIRST_SYMBOL: Final = 26_000_000
CONFIRM_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.2


class Load:
    """Sells and pays ten orders a second, and has the whole catalogue read every ten seconds."""

    def __init__(self, house: House) -> None:
        """Nothing is sold yet."""
        self._house = house
        self._orders = OrderServiceStub(house.shop.channel)
        self._symbols = count(FIRST_SYMBOL)

    async def confirm(self) -> None:
        """Let the bank write for the first time; a person confirms it."""
        symbol = await self._sell()
        await self._pay(symbol)
        async with asyncio.timeout(CONFIRM_SECONDS):
            payment = await self._payment(symbol)
        assert payment.status == payment_pb2.PAYMENT_STATUS_UNCONFIRMED, payment
        await self._house.treasury.confirm(payment.id)

    async def run(self, seconds: float) -> None:
        """Keep it up for so long; what it asked for may still be under way afterwards."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        async with asyncio.TaskGroup() as work:
            work.create_task(self._read_until(end))
            next_time = loop.time()
            while next_time < end:
                await asyncio.sleep(max(0.0, next_time - loop.time()))
                work.create_task(self._sell_and_pay())
                next_time += 1 / ORDERS_PER_SECOND

    async def _sell_and_pay(self) -> None:
        await self._pay(await self._sell())

    async def _sell(self) -> str:
        number = next(self._symbols)
        symbol = str(number)
        order = order_pb2.Order(
            channel_id=CHANNEL,
            channel_order_id=symbol,
            currency="CZK",
            prices_include_vat=True,
            customer=order_pb2.Customer(name="Jan Novák", email=f"jan{symbol}@example.cz"),
            lines=[
                order_pb2.OrderLine(
                    product_number=f"NAR-{number % 1_000:05}",
                    name="Kladivo",
                    quantity="1",
                    unit_price=str(TOTAL),
                    vat_rate="21",
                )
            ],
            payment_method=order_pb2.PAYMENT_METHOD_BANK_TRANSFER,
            references=order_pb2.OrderReferences(variable_symbol=symbol),
        )
        await self._house.shop.call(self._orders.PlaceOrder, pb.PlaceOrderRequest(order=order))
        return symbol

    async def _payment(self, symbol: str) -> payment_pb2.Payment:
        while True:
            for payment in await self._house.treasury.payments(variable_symbol=symbol):
                return payment
            await asyncio.sleep(LOOK_SECONDS)

    async def _pay(self, symbol: str) -> None:
        await self._house.post.deliver(self._house.letter(Transfer(TOTAL, vs=symbol)))

    async def _read_until(self, end: float) -> None:
        loop = asyncio.get_running_loop()
        while loop.time() < end:
            await self._house.office.read_all_now(self._house.connection.id)
            await asyncio.sleep(min(READING_SECONDS, max(0.0, end - loop.time())))
