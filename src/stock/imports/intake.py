"""Orders as events bring them: holds at once, and an import that waits to be sent.

Order events carry the order's whole state and its revision: a newer one is
applied, an older one is not, and any of them may be the first.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from spojka.api.orders.v1 import events_pb2, order_pb2
from spojka.database import Connection
from spojka.delivery.handler import ReceivedEvent
from stock.connections.model import ConnectionRow, active_connection
from stock.imports.settling import settle_orders
from stock.imports.store import ImportRow, lock_imports

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
    await settle_orders(connection, tenant, warehouse, changed, known)


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
