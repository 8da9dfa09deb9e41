"""One day of the order book: a thousand orders of one channel, in every state.

Of a hundred orders 92 are paid and 90 delivered; four of a hundred are partly
paid or blocked on their way into the warehouse system, and nobody ever clears
them up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

from google.protobuf.message import Message

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
from bench.growth.questions import operator
from bench.handing_on import hand_on, received
from bench.order_book import FIRST_SYMBOL
from bench.sample_order import CHANNEL, TOTAL, sample_order
from bench.stage import Stage
from orders.import_events import ImportEvents
from orders.payment_events import PaymentEvents
from orders.rpc.channel_service import ChannelServicer
from orders.rpc.order_service import OrderServicer
from spojka.api.common.v1.money_pb2 import Money
from spojka.api.orders.v1 import channel_service_pb2, order_pb2
from spojka.api.orders.v1 import order_service_pb2 as pb
from spojka.api.payments.v1 import events_pb2 as payment_events
from spojka.api.stock.v1 import events_pb2 as stock_events
from spojka.database import Database

DELIVERED: Final = 900
PAID: Final = 920
PARTLY_PAID: Final = 940
"""Places of the day's orders: those up to PAID are paid, then those that are partly."""
BLOCKED: Final = 980
"""From here on imports are blocked."""
AT_ONCE: Final = 250


TABLES: Final = (
    Table(
        "order_book",
        {
            "id": "new_id",
            "channel_order_id": "new_symbol",
            # Of its own, as that of every order: no two were sent with the same bytes.
            "fingerprint": "substr(fingerprint, 1, 24) || int8send(day)",
            "number": "new_symbol",
            "variable_symbol": "new_symbol",
            "invoice_number": with_new_symbol("invoice_number"),
            "value": retold("value", ("id::text", "new_id::text"), ("symbol", "new_symbol")),
        },
        derived={**NEW_SYMBOL, "new_id": aged("id")},
        kept={"symbol": "number"},
    ),
    Table("history", {"order_id": aged("order_id"), "time": earlier("time")}),
    TASKS,
)


@dataclass(frozen=True, slots=True)
class Shop:
    """A tenant with one channel, and the calls of its people."""

    database: Database
    tenant: UUID
    servicer: OrderServicer


async def open_day(stage: Stage) -> Shop:
    """A tenant's only day so far: placed, paid and delivered by the service's own code."""
    database, tenant = await stage.database("orders"), uuid4()
    shop = Shop(database, tenant, OrderServicer(database, lambda: None))
    channel = channel_service_pb2.Channel(id=CHANNEL, name="E-shop")
    request = channel_service_pb2.CreateChannelRequest(channel=channel)
    await ChannelServicer(database).create_channel(request, operator(tenant))
    ids: list[str] = []
    for first in range(0, SAMPLE_ROWS, AT_ONCE):
        wanted = [new_order(FIRST_SYMBOL + place) for place in range(first, first + AT_ONCE)]
        answer = await shop.servicer.place_orders(
            pb.PlaceOrdersRequest(orders=wanted), operator(tenant)
        )
        assert all(result.created for result in answer.results)
        ids += [result.order.id for result in answer.results]
    for first in range(0, SAMPLE_ROWS, AT_ONCE):
        places = range(first, first + AT_ONCE)
        await _report(shop, [_paid(ids[place], place) for place in places if place < PARTLY_PAID])
        await _report(shop, [_imported(ids[place], place) for place in places])
        await _report(shop, [_delivered(ids[place]) for place in places if place < DELIVERED])
    return shop


def new_order(symbol: int) -> order_pb2.Order:
    """An order with a symbol of its own."""
    return sample_order(
        str(symbol),
        number=str(symbol),
        customer=order_pb2.Customer(email=f"customer-{symbol}@example.cz"),
        references=order_pb2.OrderReferences(
            variable_symbol=str(symbol), invoice_number=f"FV-{symbol}"
        ),
    )


async def _report(shop: Shop, messages: Sequence[Message]) -> None:
    """Let other services tell of orders."""
    if not messages:
        return
    of_payments = isinstance(messages[0], payment_events.OrderPaymentChanged)
    handler = PaymentEvents() if of_payments else ImportEvents()
    events = [received(shop.tenant, each) for each in messages]
    await hand_on(shop.database, shop.tenant, handler, events)


def _paid(order_id: str, place: int) -> Message:
    paid = TOTAL if place < PAID else TOTAL - 1
    return payment_events.OrderPaymentChanged(
        order_id=order_id,
        revision=1,
        amount_paid=Money(currency="CZK", amount=str(paid)),
        payment_state=order_pb2.PAYMENT_STATE_PAID
        if place < PAID
        else order_pb2.PAYMENT_STATE_PARTIAL,
    )


def _imported(order_id: str, place: int) -> Message:
    if place >= BLOCKED:
        message: Message = stock_events.OrderImportBlocked(order_id=order_id)
        state = order_pb2.IMPORT_STATE_BLOCKED
    else:
        message = stock_events.OrderImported(order_id=order_id)
        state = order_pb2.IMPORT_STATE_ACKED
    record = order_pb2.OrderImport(
        state=state,
        document_id=str(place),
        document_number=f"26OP{place:05}",
        reason="The line NAR-0000001 is linked to no item." if place >= BLOCKED else "",
        revision=1,
        content_revision=1,
    )
    getattr(message, "import").CopyFrom(record)
    return message


def _delivered(order_id: str) -> Message:
    message = stock_events.OrderDelivered(order_id=order_id, complete=True)
    record = order_pb2.OrderImport(
        state=order_pb2.IMPORT_STATE_ACKED, revision=2, content_revision=1
    )
    getattr(message, "import").CopyFrom(record)
    return message
