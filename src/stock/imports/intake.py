"""Orders as events bring them: holds at once, and an import that waits to be sent.

Order events carry the order's whole state and its revision: a newer one is
applied, an older one is not, and any of them may be the first. Nothing here
refuses an order for lack of stock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from spojka import leases
from spojka.api.orders.v1 import events_pb2, order_pb2
from spojka.database import Connection
from spojka.delivery.handler import ReceivedEvent
from spojka.values import ZERO, parse_decimal
from stock.connections.model import ConnectionRow, StockRule, active_connection
from stock.connections.warehouses import channel_warehouses
from stock.domain.assignment import assign
from stock.domain.availability import ItemStock
from stock.domain.holds import Hold
from stock.domain.imports import ImportState
from stock.imports.absorb import absorb_holds
from stock.imports.events import publish_import
from stock.imports.resolving import CONNECTION_WORK
from stock.imports.store import ImportRow, load_holds, lock_imports, update_import, write_holds
from stock.levels.publish import item_stock, lock_items, publish
from stock.listings.lines import LineKeys, resolve_lines
from stock.listings.pairing import Link, Unpaired

RESOLVED_AT_ONCE: Final = 500
"""Orders whose lines are resolved in one go."""

A_SET: Final = "is a set: Spojka can't hold its parts; sell the parts, or make it a product"

OrderEvent = (
    events_pb2.OrderPlaced
    | events_pb2.OrderAmended
    | events_pb2.OrderCancelled
    | events_pb2.OrderStatusChanged
)
ORDER_EVENTS: Final[dict[str, type[OrderEvent]]] = {
    message.DESCRIPTOR.full_name: message
    for message in (
        events_pb2.OrderPlaced,
        events_pb2.OrderAmended,
        events_pb2.OrderCancelled,
        events_pb2.OrderStatusChanged,
    )
}


class OrderIntake:
    """Handles the events of the order topic (state events: guarded by the order's revision).

    `touched` are the tenants whose stock may have changed since it was emptied.
    """

    def __init__(self) -> None:
        """Begin with nothing touched."""
        self.touched: set[UUID] = set()

    async def handle(
        self, connection: Connection, tenant: UUID, events: Sequence[ReceivedEvent]
    ) -> None:
        """Apply the newest state of each order."""
        newest: dict[UUID, order_pb2.Order] = {}
        for event in events:
            order = event.parse(ORDER_EVENTS[event.type]).order
            order_id = UUID(order.id)
            if order_id not in newest or newest[order_id].revision < order.revision:
                newest[order_id] = order
        await take_orders(connection, tenant, newest)
        self.touched.add(tenant)


async def take_orders(
    connection: Connection, tenant: UUID, orders: Mapping[UUID, order_pb2.Order]
) -> None:
    """Bring imports and holds up to the given states of orders."""
    warehouse = await active_connection(connection, tenant)
    await _insert_new(connection, tenant, orders, warehouse)
    known = await lock_imports(connection, tenant, orders.keys())
    newer = {
        order_id: order
        for order_id, order in orders.items()
        if order.revision > known[order_id].order_revision
    }
    changed = {
        order_id: order
        for order_id, order in newer.items()
        if order.content_revision > known[order_id].content_revision
        or _cancels(order, known[order_id])
    }
    await _remember_revisions(connection, tenant, newer)
    await _settle(connection, tenant, warehouse, changed, known)


async def resolve_unsent(connection: Connection, tenant: UUID) -> None:
    """Resolve the lines of orders that were not sent yet anew, and of those with a problem.

    For after a listing was linked, items came, or a connection was activated:
    blocked orders go on, and local holds move to the items that lines are now.
    """
    cursor = await connection.execute(
        """
        SELECT order_id FROM order_import
        WHERE tenant_id = %s AND NOT cancelled
          AND (state IN ('local', 'blocked') AND document_revision = 0
               OR state IN ('sent', 'unknown', 'acked') AND problem_lines <> '{}')
        ORDER BY order_id
        """,
        [tenant],
    )
    order_ids = [row[0] for row in await cursor.fetchall()]
    for begin in range(0, len(order_ids), RESOLVED_AT_ONCE):
        await _resolve_orders(connection, tenant, order_ids[begin : begin + RESOLVED_AT_ONCE])


async def resolve_order(connection: Connection, tenant: UUID, order_id: UUID) -> None:
    """Resolve the lines of one order that was not sent yet anew."""
    await _resolve_orders(connection, tenant, [order_id])


async def _resolve_orders(connection: Connection, tenant: UUID, order_ids: Sequence[UUID]) -> None:
    warehouse = await active_connection(connection, tenant)
    known = await lock_imports(connection, tenant, order_ids)
    open_orders = {
        order_id: order_pb2.Order.FromString(row.content)
        for order_id, row in known.items()
        if not row.cancelled and (row.problem_lines or not row.document_revision)
    }
    await _settle(connection, tenant, warehouse, open_orders, known)


def _cancels(order: order_pb2.Order, row: ImportRow) -> bool:
    return order.fulfilment_state == order_pb2.FULFILMENT_STATE_CANCELLED and not row.cancelled


async def _insert_new(
    connection: Connection,
    tenant: UUID,
    orders: Mapping[UUID, order_pb2.Order],
    warehouse: ConnectionRow | None,
) -> None:
    await connection.execute(
        """
        INSERT INTO order_import (tenant_id, order_id, connection_id, channel_id, order_number,
                                  order_revision, content_revision, content, cancelled, state)
        SELECT %s, row.order_id, %s, row.channel_id, row.order_number, 0, 0, '', false, 'local'
        FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS row (order_id, channel_id, order_number)
        ON CONFLICT (tenant_id, order_id) DO NOTHING
        """,
        [
            tenant,
            warehouse.id if warehouse else None,
            sorted(orders),
            [orders[order_id].channel_id for order_id in sorted(orders)],
            [orders[order_id].number for order_id in sorted(orders)],
        ],
    )


async def _remember_revisions(
    connection: Connection, tenant: UUID, orders: Mapping[UUID, order_pb2.Order]
) -> None:
    if not orders:
        return
    ids = sorted(orders)
    await connection.execute(
        """
        UPDATE order_import SET order_revision = row.order_revision,
                                order_number = row.order_number
        FROM unnest(%s::uuid[], %s::bigint[], %s::text[])
            AS row (order_id, order_revision, order_number)
        WHERE order_import.tenant_id = %s AND order_import.order_id = row.order_id
        """,
        [
            ids,
            [orders[order_id].revision for order_id in ids],
            [orders[order_id].number for order_id in ids],
            tenant,
        ],
    )


@dataclass(slots=True)
class _Resolved:
    """An order's goods: which item each line is, or why it is none."""

    items: dict[str, UUID] = field(default_factory=dict)
    quantities: dict[str, Decimal] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


async def _settle(
    connection: Connection,
    tenant: UUID,
    warehouse: ConnectionRow | None,
    orders: Mapping[UUID, order_pb2.Order],
    known: Mapping[UUID, ImportRow],
) -> None:
    if not orders:
        return
    resolved = await _resolve(connection, tenant, orders)
    holds = await load_holds(connection, tenant, orders.keys())
    item_ids = {UUID(hold.item_id) for hold in holds} | {
        item_id for order in resolved.values() for item_id in order.items.values()
    }
    if warehouse is not None:
        rule = await lock_items(connection, warehouse.rule, item_ids)
        holds = await load_holds(connection, tenant, orders.keys())
        after = await _holds_after(connection, warehouse, rule, orders, known, resolved, holds)
        await write_holds(connection, tenant, after)
        # What a document that stands nets of the new lines: it is known already.
        standing = {UUID(hold.item_id) for hold in after if _has_document(known, hold)}
        await absorb_holds(connection, rule, standing)
    for order_id, order in orders.items():
        await _advance(connection, tenant, warehouse, order, known[order_id], resolved[order_id])
    if warehouse is not None:
        await publish(connection, rule, item_ids, _cause(orders))
        await leases.offer(connection, CONNECTION_WORK, str(warehouse.id), tenant)


def _has_document(known: Mapping[UUID, ImportRow], hold: Hold) -> bool:
    return bool(known[UUID(hold.order_id)].document_revision)


def _cause(orders: Mapping[UUID, order_pb2.Order]) -> str:
    numbers = [order.number for order in orders.values()]
    shown = ", ".join(numbers[:3])
    return f"order {shown}" + (f" and {len(numbers) - 3} more" if len(numbers) > 3 else "")  # noqa: PLR2004


async def _resolve(
    connection: Connection, tenant: UUID, orders: Mapping[UUID, order_pb2.Order]
) -> dict[UUID, _Resolved]:
    result = {order_id: _Resolved() for order_id in orders}
    keys: list[LineKeys] = []
    places: list[tuple[UUID, str]] = []
    for order_id, order in orders.items():
        for line in goods_lines(order):
            result[order_id].quantities[line.id] = parse_decimal(line.quantity)
            keys.append(LineKeys(order.channel_id, line.listing_id, line.product_number, line.ean))
            places.append((order_id, line.id))
    found = await resolve_lines(connection, tenant, keys)
    kinds = await _kinds(
        connection, tenant, [link.item_id for link in found if isinstance(link, Link)]
    )
    for (order_id, line_id), link in zip(places, found, strict=True):
        if isinstance(link, Unpaired):
            result[order_id].problems[line_id] = link.problem
        elif kinds[link.item_id] == "set":
            result[order_id].problems[line_id] = A_SET
        elif kinds[link.item_id] == "goods":
            result[order_id].items[line_id] = link.item_id
    return result


async def _kinds(connection: Connection, tenant: UUID, item_ids: Sequence[UUID]) -> dict[UUID, str]:
    cursor = await connection.execute(
        "SELECT id, kind FROM item WHERE tenant_id = %s AND id = ANY(%s)", [tenant, list(item_ids)]
    )
    kinds: dict[UUID, str] = dict(await cursor.fetchall())
    return kinds


async def _removed(connection: Connection, tenant: UUID, holds: Sequence[Hold]) -> set[str]:
    cursor = await connection.execute(
        "SELECT id::text FROM item WHERE tenant_id = %s AND id = ANY(%s) AND removed",
        [tenant, [UUID(hold.item_id) for hold in holds]],
    )
    return {row[0] for row in await cursor.fetchall()}


def goods_lines(order: order_pb2.Order) -> list[order_pb2.OrderLine]:
    """The lines of an order that may take a hold."""
    return [
        line
        for line in order.lines
        if line.kind in {order_pb2.LINE_KIND_UNSPECIFIED, order_pb2.LINE_KIND_GOODS}
    ]


async def _holds_after(
    connection: Connection,
    warehouse: ConnectionRow,
    rule: StockRule,
    orders: Mapping[UUID, order_pb2.Order],
    known: Mapping[UUID, ImportRow],
    resolved: Mapping[UUID, _Resolved],
    holds: Sequence[Hold],
) -> list[Hold]:
    present = {(UUID(hold.order_id), hold.line_id, hold.item_id): hold for hold in holds}
    stocks = await item_stock(
        connection,
        rule,
        {item for order in resolved.values() for item in order.items.values()},
    )
    allowed = await channel_warehouses(
        connection, warehouse, {order.channel_id for order in orders.values()}
    )
    removed = await _removed(connection, warehouse.tenant_id, holds)
    after: list[Hold] = []
    for order_id, order in orders.items():
        row = known[order_id]
        cancelled = order.fulfilment_state == order_pb2.FULFILMENT_STATE_CANCELLED
        if row.document_revision and (cancelled or row.status is ImportState.WITHDRAWN):
            # It stands in the warehouse system, or may: its document is dealt with
            # first. Or a person has settled it: it holds nothing any more.
            continue
        wanted = {} if cancelled else resolved[order_id].items
        kept = set()
        for line_id, item_id in wanted.items():
            quantity = resolved[order_id].quantities[line_id]
            hold = present.get((order_id, line_id, str(item_id)))
            if hold is None:
                code = _assign(quantity, stocks.get(item_id), allowed[order.channel_id])
                _take(stocks, item_id, code, quantity)
                hold = Hold(str(order_id), line_id, str(item_id), code, ZERO, ZERO)
            elif hold.warehouse is None and not row.document_revision:
                # No warehouse had the item when it was ordered; one may have it now.
                code = _assign(quantity, stocks.get(item_id), allowed[order.channel_id])
                hold = replace(hold, warehouse=code)
            kept.add((line_id, str(item_id)))
            after.append(hold.want(quantity))
        after += [
            hold.want(ZERO)
            for (held_order, line_id, item), hold in present.items()
            if held_order == order_id
            and (line_id, item) not in kept
            # What vanished from the warehouse system stays held: it may come back.
            and not (line_id in resolved[order_id].problems and item in removed)
        ]
    return after


def _assign(quantity: Decimal, stock: ItemStock | None, preference: Sequence[str]) -> str | None:
    if stock is None:
        return None
    free = {code: part.free for code, part in stock.warehouses.items()}
    return assign(quantity, free, preference)


def _take(
    stocks: dict[UUID, ItemStock], item_id: UUID, code: str | None, quantity: Decimal
) -> None:
    # Later lines of the same batch see what earlier ones took.
    stock = stocks.get(item_id)
    if stock is not None and code is not None:
        part = stock.warehouses[code]
        taken = type(part)(part.erp_available, part.held + quantity)
        stocks[item_id] = ItemStock({**stock.warehouses, code: taken}, stock.held_unassigned)


async def _advance(
    connection: Connection,
    tenant: UUID,
    warehouse: ConnectionRow | None,
    order: order_pb2.Order,
    row: ImportRow,
    resolved: _Resolved,
) -> None:
    cancelled = order.fulfilment_state == order_pb2.FULFILMENT_STATE_CANCELLED
    values: dict[str, Any] = {
        "content": order.SerializeToString(),
        "content_revision": order.content_revision,
        "cancelled": cancelled,
    }
    state, reason = row.state, row.reason
    problems: dict[str, str] = {}
    if not row.document_revision:
        problems = {} if cancelled else resolved.problems
        state, reason = _unsent_state(order, problems, cancelled=cancelled)
        values |= {
            "connection_id": warehouse.id if warehouse else None,
            "complete": cancelled,
            "attempts": 0,
        }
    elif row.status is not ImportState.WITHDRAWN:
        values["complete"] = False  # There is a newer content: its document is outdated.
        problems = {} if cancelled else resolved.problems
        if problems or row.problem_lines:
            reason = describe_problems(order, problems) if problems else ""
    values |= {"state": state, "reason": reason, "problem_lines": Jsonb(problems)}
    await update_import(connection, tenant, row.order_id, **values)
    # One that is on its way keeps its time: a look-up before then proves nothing.
    await connection.execute(
        "UPDATE order_import SET next_attempt_time = now()"
        " WHERE tenant_id = %s AND order_id = %s AND state NOT IN ('sent', 'unknown')",
        [tenant, row.order_id],
    )
    if (state, reason) != (row.state, row.reason):
        await publish_import(connection, tenant, row.order_id)


def _unsent_state(
    order: order_pb2.Order, problems: Mapping[str, str], *, cancelled: bool
) -> tuple[str, str]:
    if cancelled:
        return ImportState.WITHDRAWN, "cancelled before it was sent"
    if problems:
        return ImportState.BLOCKED, describe_problems(order, problems)
    return ImportState.LOCAL, ""


def describe_problems(order: order_pb2.Order, problems: Mapping[str, str]) -> str:
    """The lines in the way, in one sentence."""
    names = {line.id: line.name for line in order.lines}
    parts = [
        f"line {line_id} ({names.get(line_id, '')}) {why}"
        for line_id, why in sorted(problems.items())
    ]
    return "; ".join(parts) + ". Link the listing or mend the number; the import then goes on."
