"""Orders that were not sent yet, and those with a problem: their lines resolved anew."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from spojka.api.orders.v1 import order_pb2
from spojka.database import Connection
from stock.connections.model import active_connection
from stock.imports.settling import settle_orders
from stock.imports.store import lock_imports

RESOLVED_AT_ONCE: Final = 500
"""Orders whose lines are resolved in one go."""


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
    await settle_orders(connection, tenant, warehouse, open_orders, known)
