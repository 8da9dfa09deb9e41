"""Changes of orders in the book: locked first, decided after, written together."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from orders.domain.change import Change
from orders.domain.order import Order
from orders.domain.status import StatusRule
from orders.messages.events import change_event
from orders.messages.order import message_of
from orders.storage.rows import (
    ORDER_COLUMNS,
    deliveries_column,
    order_of_row,
    reference_columns,
)
from orders.storage.rules import read_rules
from spojka.asking import together
from spojka.database import Connection
from spojka.errors import NotFound
from spojka.outbox import Event, append
from spojka.tasks import close_task, open_task

Step = Callable[[Order, StatusRule, datetime], Change | None]
"""A decision about a locked order, under its channel's rule and at a time after the lock.

The time is PostgreSQL's, and never before the order's last change: the hosts'
clocks differ, and a history is read from top to bottom."""

_STATE: Final = {
    "id": "uuid",
    "number": "text",
    "variable_symbol": "text",
    "invoice_number": "text",
    "invoice_variable_symbol": "text",
    "gateway_reference": "text",
    "payment_state": "smallint",
    "fulfilment_state": "smallint",
    "import_state": "smallint",
    "payment_revision": "bigint",
    "deliveries": "jsonb",
    "value": "bytea",
}
_HISTORY: Final = {
    "history_order_id": "uuid",
    "history_revision": "bigint",
    "history_time": "timestamptz",
    "history_summary": "text",
}
_SET: Final = [name for name in _STATE if name != "id"]
_WRITE: Final = f"""
    WITH told AS (
        INSERT INTO history (tenant_id, actor, order_id, revision, time, summary)
        SELECT %(tenant)b, %(actor)b, * FROM
        unnest({", ".join(f"%({name})b::{kind}[]" for name, kind in _HISTORY.items())})
    )
    UPDATE order_book SET {", ".join(f"{name} = input.{name}" for name in _SET)}
    FROM unnest({", ".join(f"%({name})b::{kind}[]" for name, kind in _STATE.items())})
        AS input ({", ".join(_STATE)})
    WHERE order_book.tenant_id = %(tenant)b AND order_book.id = input.id
"""


async def decide(
    connection: Connection, tenant: UUID, actor: str, steps: Sequence[tuple[UUID, Step]]
) -> dict[UUID, Order]:
    """Take steps of orders, in their order; returns the orders as they then are.

    The orders are locked in one order of ids, the rules are read in a later
    statement, and everything is written at the end: rows, history, events and
    tasks. A step that gives None writes nothing. Raises NotFound where an
    order is not there, and whatever a step raises; then nothing is written.
    """
    if not steps:
        return {}
    orders, locked_time = await _locked(connection, tenant, {order_id for order_id, _ in steps})
    channels = {order.content.channel_id for order in orders.values()}
    rules = await read_rules(connection, tenant, channels)
    changes: list[Change] = []
    for order_id, step in steps:
        order = orders[order_id]
        now = max(locked_time, order.update_time)
        change = step(order, rules[order.content.channel_id].rule, now)
        if change is not None:
            orders[order_id] = change.order
            changes.append(change)
    await _write(connection, tenant, actor, changes)
    return orders


def no_order(order_id: object) -> NotFound:
    """There is no such order, as far as the caller may know."""
    return NotFound(f"there is no order {order_id}", reason="ORDER_NOT_FOUND")


async def _locked(
    connection: Connection, tenant: UUID, ids: Iterable[UUID]
) -> tuple[dict[UUID, Order], datetime]:
    wanted = sorted(ids)
    cursor = await connection.execute(
        f"SELECT clock_timestamp(), {ORDER_COLUMNS} FROM order_book"
        " WHERE tenant_id = %s AND id = ANY(%s) ORDER BY id FOR UPDATE",
        [tenant, wanted],
    )
    rows = await cursor.fetchall()
    found = {order.id: order for order in (order_of_row(row[1:]) for row in rows)}
    for order_id in wanted:
        if order_id not in found:
            raise no_order(order_id)
    return found, max(row[0] for row in rows)


async def _write(
    connection: Connection, tenant: UUID, actor: str, changes: Sequence[Change]
) -> None:
    if not changes:
        return
    events: list[Event] = []
    states: dict[UUID, dict[str, Any]] = {}
    for change in changes:
        message = message_of(change.order)
        states[change.order.id] = _state(change.order, message.SerializeToString())
        event = change_event(tenant, change, message)
        if event is not None:
            events.append(event)
    told = [change for change in changes if change.summary]
    values = {
        "tenant": tenant,
        "actor": actor,
        "history_order_id": [change.order.id for change in told],
        "history_revision": [change.order.revision for change in told],
        "history_time": [change.order.update_time for change in told],
        "history_summary": [change.summary for change in told],
        **{name: [state[name] for state in states.values()] for name in _STATE},
    }
    async with together(connection):
        await connection.execute(_WRITE.encode(), values)
        await append(connection, events)
        await _write_tasks(connection, tenant, changes)


async def _write_tasks(connection: Connection, tenant: UUID, changes: Sequence[Change]) -> None:
    for change in changes:
        for kind in change.closed:
            await close_task(connection, tenant, kind, change.order.subject)
        for task in change.opened:
            await open_task(connection, tenant, task)


def _state(order: Order, value: bytes) -> dict[str, Any]:
    return {
        "id": order.id,
        "number": order.content.number,
        **reference_columns(order.references),
        "payment_state": int(order.payment_state),
        "fulfilment_state": int(order.fulfilment_state),
        "import_state": int(order.imported.state),
        "payment_revision": order.payment_revision,
        "deliveries": deliveries_column(order.deliveries),
        "value": value,
    }
