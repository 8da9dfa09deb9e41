"""One day of the money side: a thousand orders and a thousand payments.

Of a hundred payments 88 pay their order exactly; two pay too much and two too
little, and eight name nobody's order; eight of a hundred orders are never
paid. Nobody ever clears anything up: what waits for a person waits.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from uuid import uuid4

from bench.growth.clones import (
    NEW_SYMBOL,
    SAMPLE_ROWS,
    TASKS,
    Table,
    aged,
    earlier,
    retold,
    with_new_symbol,
)
from bench.handing_on import hand_on, received
from bench.order_book import FIRST_SYMBOL, OrderBook
from bench.sample_order import CHANNEL, TOTAL
from bench.stage import Stage
from payments.notifications import NotificationEvents
from payments.order_events import OrderEvents
from payments.recheck import Rechecking
from payments.storage.origin import Origin
from payments.storage.pairs import confirm_sender
from spojka.api.orders.v1 import events_pb2, order_pb2
from spojka.delivery.health import Health
from spojka.outbox import new_id

EXACT: Final = 880
TOO_MUCH: Final = 900
UNPAID: Final = 920
"""Places of the day's orders: those up to EXACT are paid exactly; from UNPAID on none is."""
STRANGE: Final = 5_000_000_000
"""Added to a symbol, it names nobody's order, nor nearly."""
AT_ONCE: Final = 500

_SYMBOL_IN: Final = "substring({} FROM '[27]6[0-9]{{8}}')"


TABLES: Final = (
    Table(
        "payable",
        {
            "order_id": aged("order_id"),
            "number": "new_symbol",
            "customer_key": with_new_symbol("customer_key"),
            "order_time": earlier("order_time"),
            "close_time": earlier("close_time"),
            "value": retold("value", ("symbol", "new_symbol")),
        },
        derived=NEW_SYMBOL,
        kept={"symbol": "number"},
    ),
    Table(
        "payable_key",
        {"order_id": aged("order_id"), "key": with_new_symbol("key")},
        derived=NEW_SYMBOL,
        kept={"symbol": _SYMBOL_IN.format("key")},
    ),
    Table(
        "payment",
        {
            "id": "new_id",
            "value_date": f"({earlier('value_date')})::date",
            "counter_account": with_new_symbol("counter_account"),
            "variable_symbol": "new_symbol",
            "reference": "new_reference",
            "likeness": "substr(likeness, 1, 24) || int8send(day)",
            "automatic_time": earlier("automatic_time"),
            "receive_time": earlier("receive_time"),
            "value": retold(
                "value",
                ("id::text", "new_id::text"),
                ("of_order::text", f"{aged('of_order')}::text"),
                ("symbol", "new_symbol"),
                ("reference", "new_reference"),
            ),
        },
        derived={
            **NEW_SYMBOL,
            "new_id": aged("id"),
            "new_reference": "lpad((reference::bigint + day)::text, 18, '0')",
        },
        kept={
            "symbol": "variable_symbol",
            "of_order": "coalesce((SELECT order_id FROM payable"
            " WHERE number = variable_symbol), id)",
        },
    ),
    Table(
        "payment_source",
        {"mail_id": aged("mail_id"), "payment_id": aged("payment_id"), "time": earlier("time")},
    ),
    Table(
        "search_key",
        {"payment_id": aged("payment_id"), "key": with_new_symbol("key")},
        derived=NEW_SYMBOL,
        kept={"symbol": _SYMBOL_IN.format("key")},
    ),
    Table(
        "allocation",
        {
            "id": aged("id"),
            "payment_id": aged("payment_id"),
            "order_id": aged("order_id"),
            "decision_id": aged("decision_id"),
            "create_time": earlier("create_time"),
        },
    ),
    Table(
        "decision",
        {"id": aged("id"), "payment_id": aged("payment_id"), "time": earlier("time")},
    ),
    Table(
        "payer",
        {
            "counter_account": with_new_symbol("counter_account"),
            "customer_key": with_new_symbol("customer_key"),
        },
        derived=NEW_SYMBOL,
        kept={"symbol": _SYMBOL_IN.format("counter_account")},
    ),
    TASKS,
)


async def open_day(stage: Stage) -> OrderBook:
    """A tenant's only day so far, taken in by the service's own code."""
    origin = Origin(uuid4(), "fio", "fio.cz")
    book = OrderBook(await stage.database("payments"), uuid4(), uuid4(), origin, SAMPLE_ROWS)
    async with book.database.transaction(book.tenant) as connection:
        await confirm_sender(connection, book.tenant, origin, new_id())
    placed = [received(book.tenant, placed_order(book, place)) for place in range(SAMPLE_ROWS)]
    paid = [
        received(book.tenant, book.notice(FIRST_SYMBOL + place + _away(place), _amount(place)))
        for place in range(SAMPLE_ROWS)
    ]
    for first in range(0, SAMPLE_ROWS, AT_ONCE):
        await hand_on(book.database, book.tenant, OrderEvents(), placed[first : first + AT_ONCE])
    for first in range(0, SAMPLE_ROWS, AT_ONCE):
        await hand_on(
            book.database, book.tenant, NotificationEvents(), paid[first : first + AT_ONCE]
        )
    await Rechecking(book.database, Health(), lambda: None).drain()
    return book


def placed_order(book: OrderBook, place: int) -> events_pb2.OrderPlaced:
    """What the order book tells of the order at a place, counted from the first symbol."""
    symbol = str(FIRST_SYMBOL + place)
    order = order_pb2.Order(
        id=str(new_id()),
        channel_id=CHANNEL,
        channel_order_id=symbol,
        number=symbol,
        currency="CZK",
        total=str(TOTAL),
        customer=order_pb2.Customer(name="Jan Novák", email=f"customer-{symbol}@example.cz"),
        payment_method=order_pb2.PAYMENT_METHOD_BANK_TRANSFER,
        references=order_pb2.OrderReferences(variable_symbol=symbol, invoice_number=f"FV-{symbol}"),
        revision=1,
        content_revision=1,
        payment_state=order_pb2.PAYMENT_STATE_UNPAID,
        fulfilment_state=order_pb2.FULFILMENT_STATE_OPEN,
    )
    for time in (order.order_time, order.create_time, order.update_time):
        time.FromDatetime(datetime.now(UTC))
    return events_pb2.OrderPlaced(tenant_id=str(book.tenant), order=order)


def _away(place: int) -> int:
    return STRANGE if place >= UNPAID else 0


def _amount(place: int) -> Decimal:
    if EXACT <= place < TOO_MUCH:
        return TOTAL + 1
    return TOTAL - 1 if TOO_MUCH <= place < UNPAID else TOTAL
