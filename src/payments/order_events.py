"""The order book as the orders service tells of it: what payments may pay.

Order events carry the order's whole state and its revision: a newer one is
applied, an older one is not, and any of them may be the first. Which payments
an order concerns is looked for after the commit (`payments.recheck`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from payments.ledger.booking import order_events
from payments.ledger.paid import closed_since, paid_by
from payments.ledger.tasks import TaskChanges, write_tasks
from payments.matching.coverage import coverage
from payments.matching.keys import order_keys
from payments.matching.values import Rules
from payments.messages.matching import payable_of, rules_of
from payments.rules.storage import current_rules
from payments.storage.keys import put_order_keys
from payments.storage.lines import given_by_currency
from payments.storage.orders import OrderRow, insert_orders, lock_orders, save_orders
from payments.storage.rechecks import note_orders
from spojka.api.orders.v1 import events_pb2, order_pb2
from spojka.asking import together
from spojka.database import Connection
from spojka.delivery.failures import PoisonError
from spojka.delivery.handler import ReceivedEvent
from spojka.outbox import append
from spojka.values import ZERO

OrderEvent = (
    events_pb2.OrderPlaced
    | events_pb2.OrderAmended
    | events_pb2.OrderCancelled
    | events_pb2.OrderStatusChanged
)
_MESSAGES: Final[Mapping[str, type[OrderEvent]]] = {
    message.DESCRIPTOR.full_name: message
    for message in (
        events_pb2.OrderPlaced,
        events_pb2.OrderAmended,
        events_pb2.OrderCancelled,
        events_pb2.OrderStatusChanged,
    )
}
TYPES: Final = frozenset(_MESSAGES)


class OrderEvents:
    """Handles the events of `spojka.orders.v1`: states, guarded by the order's revision."""

    async def handle(
        self, connection: Connection, tenant: UUID, events: Sequence[ReceivedEvent]
    ) -> None:
        """Apply the newest state of each order. Raises PoisonError on one that can't be read."""
        newest: dict[UUID, OrderRow] = {}
        for event in events:
            order = _told(event.parse(_MESSAGES[event.type]).order, event.type)
            known = newest.get(order.id)
            if known is None or known.revision < order.revision:
                newest[order.id] = order
        await take_orders(connection, tenant, newest)


def _told(order: order_pb2.Order, type_: str) -> OrderRow:
    try:
        row = OrderRow(payable=payable_of(order), revision=order.revision)
        UUID(order.id)
    except ValueError as error:
        raise PoisonError(f"{type_}: an order that can't be read: {error}") from error
    return row


async def take_orders(connection: Connection, tenant: UUID, told: Mapping[UUID, OrderRow]) -> None:
    """Bring the order book up to the given states; what is paid is known here alone.

    What an order's new total makes of what is paid is told to the order book,
    and is a task where it is too much. Nothing is un-paid.
    """
    rules = rules_of(await current_rules(connection, tenant))
    now = datetime.now(UTC)
    known = await lock_orders(connection, tenant, told)
    new = [_first(order, rules) for order_id, order in told.items() if order_id not in known]
    inserted = await insert_orders(connection, tenant, new)
    beaten = {order.id for order in new} - inserted
    # Somebody else inserted these at the same time, and has committed since.
    known |= await lock_orders(connection, tenant, beaten) if beaten else {}
    newer = {
        order_id: _merged(known[order_id], order, rules, now)
        for order_id, order in told.items()
        if order_id in known and order.revision > known[order_id].revision
    }
    moved = _moved(known, newer)
    given = await given_by_currency(connection, tenant, moved) if moved else {}
    for order_id in moved:
        recounted = _recounted(newer[order_id], given.get(order_id, {}), rules, now)
        # The order book leaves aside what it is told in the currency that was: it is told anew.
        told_anew = known[order_id].payment_revision + 1
        newer[order_id] = replace(recounted, payment_revision=told_anew)
    changed = {key: row for key, row in newer.items() if row.payable != known[key].payable}
    added = {order.id: order for order in new if order.id in inserted}
    tasks = TaskChanges()
    for order_id in sorted(changed):
        tasks.of_order(known[order_id], changed[order_id])
    for order_id in moved:
        tasks.of_other_currencies(newer[order_id], given.get(order_id, {}))
    events = await order_events(connection, tenant, known, newer)
    async with together(connection):
        await save_orders(connection, tenant, newer.values())
        await _note(connection, tenant, {**added, **changed})
        await write_tasks(connection, tenant, tasks)
        await append(connection, events)
        await note_orders(connection, tenant, added.keys() | changed.keys())


async def _note(connection: Connection, tenant: UUID, orders: Mapping[UUID, OrderRow]) -> None:
    keys = {order_id: order_keys(order.payable) for order_id, order in orders.items()}
    await put_order_keys(connection, tenant, keys)


def _first(told: OrderRow, rules: Rules) -> OrderRow:
    """An order that was not known: nothing is paid of it, whatever the order book was told."""
    order = told.payable
    tolerance = rules.tolerances.get(order.currency, ZERO)
    order = replace(order, paid=ZERO, state=coverage(order.total, ZERO, tolerance))
    since = order.close_time or order.order_time
    return replace(told, payable=replace(order, close_time=closed_since(order, since)))


def _merged(known: OrderRow, told: OrderRow, rules: Rules, now: datetime) -> OrderRow:
    """The order as it is told, with what is paid of it as it is known here."""
    before = known.payable
    order = replace(told.payable, paid=before.paid, state=before.state)
    order = replace(order, close_time=before.close_time or told.payable.close_time)
    row = replace(known, payable=order, revision=told.revision)
    after = paid_by(row, ZERO, rules, now)
    # Of another total the order book counts anew by itself, without the merchant's tolerance.
    recounted = order.total != before.total and before.paid != 0
    return replace(after, payment_revision=known.payment_revision + 1) if recounted else after


def _moved(known: Mapping[UUID, OrderRow], newer: Mapping[UUID, OrderRow]) -> list[UUID]:
    """Orders whose currency changed and that money was told of before."""
    return sorted(
        order_id
        for order_id, order in newer.items()
        if order.payable.currency != known[order_id].payable.currency and order.payment_revision
    )


def _recounted(
    order: OrderRow, given: Mapping[str, Decimal], rules: Rules, now: datetime
) -> OrderRow:
    """An order whose currency changed: only money of the new one counts as paid."""
    payable = order.payable
    return paid_by(order, given.get(payable.currency, ZERO) - payable.paid, rules, now)
