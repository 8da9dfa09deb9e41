"""A merchant's order book as payments know it, filled by COPY, and payments of its orders."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Final
from uuid import UUID, uuid4

import psycopg

from bench.sample_order import CHANNEL, TOTAL
from bench.stage import Stage
from payments.matching.keys import order_keys
from payments.matching.values import Payable, References
from payments.storage.origin import Origin
from payments.storage.pairs import confirm_sender
from spojka.api.common.v1.money_pb2 import Money
from spojka.api.mail.v1 import events_pb2
from spojka.api.orders.v1 import order_pb2
from spojka.database import Database
from spojka.outbox import new_id

FIRST_SYMBOL: Final = 2_600_000_000
"""Ten digits, so that a slip in the first ones names nobody's order."""
ORDERS_OF_A_CUSTOMER: Final = 3
ROWS_AT_ONCE: Final = 10_000

_ORDERS: Final = """
    COPY payable (tenant_id, order_id, revision, channel_id, number, currency, total, cancelled,
                  awaits, order_time, customer_key, value) FROM STDIN
"""
_KEYS: Final = "COPY payable_key (tenant_id, kind, key, order_id) FROM STDIN"


@dataclass(frozen=True, slots=True)
class OrderBook:
    """A tenant with as many open orders, and a bank connection whose sender is confirmed."""

    database: Database
    tenant: UUID
    connection_id: UUID
    origin: Origin
    count: int

    def notice(self, symbol: int, amount: Decimal = TOTAL) -> events_pb2.PaymentNotified:
        """A trusted mail of a payment that names this symbol, as no other mail does."""
        told = events_pb2.NotifiedPayment(
            incoming=True,
            amount=Money(currency="CZK", amount=str(amount)),
            value_date=f"{datetime.now(UTC):%Y-%m-%d}",
            own_account="1111111111/2010",
            counter_account=f"{symbol}/0800",
            counterparty_name="Jan Novák",
            variable_symbol=str(symbol),
            message=f"objednávka {symbol}",
            bank_reference=str(new_id().int)[-18:],
            kind=events_pb2.NOTIFICATION_KIND_INCOMING_PAYMENT,
            variable_symbol_source=events_pb2.SYMBOL_SOURCE_FIELD,
        )
        message = events_pb2.PaymentNotified(
            tenant_id=str(self.tenant),
            bank_connection_id=str(self.connection_id),
            mail_id=str(new_id()),
            bank=self.origin.bank,
            trust=events_pb2.TRUST_TRUSTED,
            trust_reason="SPF passes for fio.cz",
            payment=told,
            action=events_pb2.NOTIFICATION_ACTION_MATCH,
            address_id=str(self.origin.address_id),
            sender_domain=self.origin.sender_domain,
            template="fio_cz.prose.1",
        )
        message.receive_time.GetCurrentTime()
        return message


async def open_order_book(stage: Stage, count: int) -> OrderBook:
    """Fill a stage's order book; the planner is told how large it is, as autovacuum would."""
    book = OrderBook(
        await stage.database("payments"), uuid4(), uuid4(), Origin(uuid4(), "fio", "fio.cz"), count
    )
    async with book.database.transaction(book.tenant) as connection:
        await confirm_sender(connection, book.tenant, book.origin, new_id())
    plain = await stage.plain("payments")
    orders = _orders(count)
    while part := list(islice(orders, ROWS_AT_ONCE)):
        await _copy(plain, book.tenant, part)
    await plain.execute("VACUUM ANALYZE payable, payable_key")
    return book


def _orders(count: int) -> Iterator[Payable]:
    order_time = datetime.now(UTC) - timedelta(days=2)
    for place in range(count):
        symbol = str(FIRST_SYMBOL + place)
        yield Payable(
            id=str(new_id()),
            number=symbol,
            currency="CZK",
            total=TOTAL,
            order_time=order_time,
            channel_id=CHANNEL,
            customer_key=f"customer-{place // ORDERS_OF_A_CUSTOMER}@example.cz",
            references=References(variable_symbol=symbol, invoice_number=f"FV-{symbol}"),
        )


async def _copy(
    connection: psycopg.AsyncConnection, tenant: UUID, orders: Sequence[Payable]
) -> None:
    async with connection.cursor() as cursor:
        async with cursor.copy(_ORDERS) as copy:
            await copy.write("".join(_row(tenant, order) for order in orders))
        async with cursor.copy(_KEYS) as copy:
            await copy.write(
                "".join(
                    f"{tenant}\t{int(kind)}\t{key}\t{order.id}\n"
                    for order in orders
                    for kind, key in order_keys(order)
                )
            )


def _row(tenant: UUID, order: Payable) -> str:
    references = order_pb2.OrderReferences(
        variable_symbol=order.references.variable_symbol,
        invoice_number=order.references.invoice_number,
    )
    columns = (
        tenant,
        order.id,
        1,
        order.channel_id,
        order.number,
        order.currency,
        order.total,
        "f",
        int(order.method),
        order.order_time.isoformat(),
        order.customer_key,
        rf"\\x{references.SerializeToString().hex()}",
    )
    return "\t".join(map(str, columns)) + "\n"
