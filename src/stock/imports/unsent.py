"""Orders that were not sent yet, and those with a problem: their lines resolved anew."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from spojka.api.orders.v1 import order_pb2
from spojka.database import Connection
from stock.connections.model import active_connection
from stock.imports.settling import settle_orders
from stock.imports.store import ImportRow, lock_imports

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
          AND (state IN ('local', 'blocked', 'sent', 'unknown')
               OR state = 'acked' AND document_revision < content_revision)
        ORDER BY order_id
        """,
        [tenant],
    )
    # Of one on its way it may show just now that no document stands: once locked, it is known.
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
        if not row.cancelled and _waits(row)
    }
    await settle_orders(connection, tenant, warehouse, open_orders, known)


def _waits(row: ImportRow) -> bool:
    # What a document stands for is held as it stands, with a problem or without one.
    outdated = row.document_revision < row.content_revision
    return not row.document_revision or (outdated and bool(row.problem_lines))
