"""From a bank's mail accepted to its order paid, at fifty mails a second.

Measured: the time from the door's 250 to the commit by which the order book
has the order paid, through all that lies between: the mail judged (SPF over
DNS, its form read), PaymentNotified, the payment matched, OrderPaymentChanged
taken by orders. All services are processes started as an operator starts them;
the mails come at their pace, whatever arrives, each over a connection of its
own from the bank's address. A trigger of the bench's own tells, with the
commit, which order was paid. The bank's first mail was confirmed beforehand.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import quantiles
from typing import Any, Final, TypeVar
from uuid import uuid4

import psycopg

from bench.installation import Installation, installed
from bench.post import FIO_ACCOUNT, Post, letters, street
from bench.processes import free_port
from bench.result import Result, absolute
from bench.sample_order import CHANNEL, TOTAL, sample_order
from bench.stage import Stage
from sandbox.banks import Bank, Transfer
from sandbox.banks.dns_server import HOST, serving
from sandbox.banks.dns_server import free_port as free_dns_port
from sandbox.banks.fio import Prose
from spojka.api.orders.v1 import channel_service_pb2, order_pb2, order_service_pb2
from spojka.api.orders.v1.channel_service_pb2_grpc import ChannelServiceStub
from spojka.api.orders.v1.order_service_pb2_grpc import OrderServiceStub
from spojka.api.payments.v1 import connection_service_pb2, payment_pb2, payment_service_pb2
from spojka.api.payments.v1.connection_service_pb2_grpc import BankConnectionServiceStub
from spojka.api.payments.v1.payment_service_pb2_grpc import PaymentServiceStub

MAILS_PER_SECOND: Final = 50
SECONDS: Final = 30
QUICK_SECONDS: Final = 6
WARM_UP_SECONDS: Final = 4
CONNECTIONS: Final = 15
"""At once; below what the door allows one address."""
AUTOMATIC_PER_HOUR: Final = 1_000_000
BATCH_ORDERS: Final = 100
CALL_SECONDS: Final = 30.0
ARRIVAL_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.1
PAID: Final = order_pb2.PAYMENT_STATE_PAID

Found = TypeVar("Found")

_TELL: Final = f"""
    CREATE FUNCTION tell_paid() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_notify('paid', NEW.variable_symbol); RETURN NULL; END $$;
    CREATE TRIGGER tell_paid AFTER UPDATE ON order_book FOR EACH ROW
        WHEN (NEW.payment_state = {PAID} AND OLD.payment_state <> {PAID})
        EXECUTE FUNCTION tell_paid()
"""


async def mail_to_paid(stage: Stage) -> list[Result]:
    """The percentiles of all mails after a warm-up."""
    seconds = QUICK_SECONDS if stage.quick else SECONDS
    banks = street()
    banks.fio.form = Prose()
    smtp_port = free_port()
    async with serving(banks.zone, dns_port := free_dns_port()):
        settings = {
            "SPOJKA_SMTP_PORT": str(smtp_port),
            "SPOJKA_DNS_SERVERS": f"{HOST}:{dns_port}",
        }
        async with installed(stage, ["orders", "payments", "mail_ingest"], settings) as house:
            shop = _Shop(house, banks.fio, smtp_port, await _connected(house))
            symbols = await shop.sell(1 + MAILS_PER_SECOND * (WARM_UP_SECONDS + seconds))
            await _known_to_payments(stage, len(symbols))
            async with _paid(stage) as paid:
                await shop.confirm(symbols[0], paid)
                start = 1 + MAILS_PER_SECOND * WARM_UP_SECONDS
                await shop.deliver(symbols[1:start], paid)
                took = await shop.deliver(symbols[start:], paid)
    cuts = quantiles(took, n=100, method="inclusive")
    what = f"mail accepted → order paid at {MAILS_PER_SECOND} mails/s"
    return [
        absolute(f"{what}, p50", cuts[49], "ms", below=150),
        absolute(f"{what}, p99", cuts[98], "ms", below=500),
    ]


@dataclass(frozen=True, slots=True)
class _Shop:
    """A merchant's orders, and the bank that tells of their payments."""

    house: Installation
    bank: Bank
    smtp_port: int
    address: str

    async def sell(self, count: int) -> list[str]:
        """Place as many orders; their variable symbols."""
        symbols = [str(26_000_000 + number) for number in range(count)]
        stub: Any = OrderServiceStub(self.house.channel)
        for first in range(0, count, BATCH_ORDERS):
            orders = [_order(symbol) for symbol in symbols[first : first + BATCH_ORDERS]]
            request = order_service_pb2.PlaceOrdersRequest(orders=orders)
            answer = await stub.PlaceOrders(
                request, metadata=self.house.operator, timeout=CALL_SECONDS
            )
            assert all(result.created for result in answer.results)
        return symbols

    async def confirm(self, symbol: str, paid: Mapping[str, float]) -> None:
        """Pay by the first mail of the bank, which a person confirms."""
        stub: Any = PaymentServiceStub(self.house.channel)
        (mail,) = self._letters([symbol])
        await self._post.deliver(mail)
        waiting = payment_service_pb2.ListPaymentsRequest(
            status=payment_pb2.PAYMENT_STATUS_UNCONFIRMED
        )

        async def found() -> Sequence[payment_pb2.Payment]:
            answer: payment_service_pb2.ListPaymentsResponse = await stub.ListPayments(
                waiting, metadata=self.house.operator, timeout=CALL_SECONDS
            )
            return answer.payments

        (first,) = await _eventually(found)
        request = payment_service_pb2.ConfirmPaymentRequest(id=first.id)
        await stub.ConfirmPayment(request, metadata=self.house.operator, timeout=CALL_SECONDS)
        await _all_paid([symbol], paid)

    async def deliver(self, symbols: Sequence[str], paid: Mapping[str, float]) -> list[float]:
        """Bring a mail of each at the pace; wait for all; each one's milliseconds."""
        places = asyncio.Semaphore(CONNECTIONS)
        accepted: dict[str, float] = {}

        async def bring(symbol: str, raw: bytes) -> None:
            async with places:
                accepted[symbol] = await self._post.deliver(raw)

        mails = self._letters(symbols)
        start = time.monotonic()
        async with asyncio.TaskGroup() as sending:
            for number, (symbol, raw) in enumerate(zip(symbols, mails, strict=True)):
                due = start + number / MAILS_PER_SECOND
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                sending.create_task(bring(symbol, raw))
        await _all_paid(symbols, paid)
        return [(paid[symbol] - accepted[symbol]) * 1000 for symbol in symbols]

    def _letters(self, symbols: Sequence[str]) -> list[bytes]:
        transfers = [Transfer(TOTAL, vs=symbol) for symbol in symbols]
        return letters(self.bank, FIO_ACCOUNT, "CZK", self.address, transfers)

    @property
    def _post(self) -> Post:
        house = self.bank.house
        return Post(self.smtp_port, house.client_ip, house.sender, self.address)


async def _connected(house: Installation) -> str:
    """A channel for orders, and a bank connection; its address."""
    channels: Any = ChannelServiceStub(house.channel)
    channel = channel_service_pb2.Channel(id=CHANNEL, name="E-shop")
    await channels.CreateChannel(
        channel_service_pb2.CreateChannelRequest(channel=channel), metadata=house.operator
    )
    banks: Any = BankConnectionServiceStub(house.channel)
    wanted = connection_service_pb2.BankConnection(
        account=f"{FIO_ACCOUNT}/2010", currency="CZK", automatic_per_hour=AUTOMATIC_PER_HOUR
    )
    answer: connection_service_pb2.CreateBankConnectionResponse = await banks.CreateBankConnection(
        connection_service_pb2.CreateBankConnectionRequest(connection=wanted),
        metadata=house.operator,
    )
    return answer.connection.address


async def _known_to_payments(stage: Stage, count: int) -> None:
    plain = await stage.plain("payments")

    async def known() -> bool:
        cursor = await plain.execute("SELECT count(*) = %s FROM payable", [count])
        row = await cursor.fetchone()
        return row is not None and row[0]

    await _eventually(known)


@asynccontextmanager
async def _paid(stage: Stage) -> AsyncIterator[Mapping[str, float]]:
    """By variable symbols: the moments at which orders were paid, as they come."""
    connection = await stage.plain("orders")
    await connection.execute(_TELL.encode())
    await connection.execute("LISTEN paid")
    paid: dict[str, float] = {}

    def note(told: psycopg.Notify) -> None:
        paid.setdefault(told.payload, time.monotonic())

    async def listen() -> None:
        async for told in connection.notifies():
            note(told)

    listening = asyncio.create_task(listen())
    try:
        yield paid
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def _all_paid(symbols: Sequence[str], paid: Mapping[str, float]) -> None:
    async def done() -> bool:
        return paid.keys() >= set(symbols)

    await _eventually(done)


async def _eventually(look: Callable[[], Awaitable[Found]]) -> Found:
    """What is found once anything is."""
    async with asyncio.timeout(ARRIVAL_SECONDS):
        while not (found := await look()):  # noqa: ASYNC110 - other processes' doing
            await asyncio.sleep(LOOK_SECONDS)
    return found


def _order(symbol: str) -> order_pb2.Order:
    return sample_order(
        str(uuid4()),
        number=symbol,
        customer=order_pb2.Customer(email=f"{symbol}@example.cz"),
        references=order_pb2.OrderReferences(variable_symbol=symbol),
    )
