"""Orders settled: what each is by now decides its holds and how its import goes on."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from spojka import leases
from spojka.api.orders.v1 import order_pb2
from spojka.database import Connection
from stock.connections.model import ConnectionRow
from stock.domain.imports import ImportState
from stock.imports.absorb import absorb_orders
from stock.imports.events import publish_import
from stock.imports.goods import Goods, describe_problems, resolve_goods
from stock.imports.holding import holds_after
from stock.imports.resolving import CONNECTION_WORK
from stock.imports.store import ImportRow, load_holds, update_import, write_holds
from stock.levels.publish import lock_items, publish


async def settle_orders(
    connection: Connection,
    tenant: UUID,
    warehouse: ConnectionRow | None,
    orders: Mapping[UUID, order_pb2.Order],
    known: Mapping[UUID, ImportRow],
) -> None:
    """Decide holds and imports of orders whose imports are locked (`known`), and publish both."""
    if not orders:
        return
    if warehouse is None:
        goods = await resolve_goods(connection, tenant, orders)
    else:
        goods = await hold_goods(connection, warehouse, orders, known, _cause(orders))
    for order_id, order in orders.items():
        await _advance(connection, tenant, warehouse, order, known[order_id], goods[order_id])
    if warehouse is not None:
        await leases.offer(connection, CONNECTION_WORK, str(warehouse.id), tenant)


async def hold_goods(
    connection: Connection,
    warehouse: ConnectionRow,
    orders: Mapping[UUID, order_pb2.Order],
    known: Mapping[UUID, ImportRow],
    cause: str,
) -> dict[UUID, Goods]:
    """Decide and publish the holds of orders, by what their lines are linked to by now.

    Their imports are locked (`known`). Gives what their goods are, with the
    lines that are in the way: what follows for the imports is the caller's.
    """
    tenant = warehouse.tenant_id
    goods = await resolve_goods(connection, tenant, orders)
    holds = await load_holds(connection, tenant, orders.keys())
    item_ids = {UUID(hold.item_id) for hold in holds} | {
        item_id for order in goods.values() for item_id in order.items.values()
    }
    rule = await lock_items(connection, warehouse.rule, item_ids)
    holds = await load_holds(connection, tenant, orders.keys())
    after = await holds_after(connection, warehouse, rule, orders, known, goods, holds)
    await write_holds(connection, tenant, after)
    # What a document that stands nets of the new lines is known already; what one
    # netted that is gone counts again.
    netted = {order_id for order_id in orders if known[order_id].document_revision} | {
        UUID(hold.order_id) for hold in after if hold.absorbed
    }
    await absorb_orders(connection, rule, netted)
    await publish(connection, rule, item_ids, cause)
    return goods


async def _advance(
    connection: Connection,
    tenant: UUID,
    warehouse: ConnectionRow | None,
    order: order_pb2.Order,
    row: ImportRow,
    goods: Goods,
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
        problems = {} if cancelled else goods.problems
        state, reason = _unsent_state(order, problems, cancelled=cancelled)
        values |= {
            "connection_id": warehouse.id if warehouse else None,
            "complete": cancelled,
            "attempts": 0,
        }
    elif row.status is not ImportState.WITHDRAWN:
        values["complete"] = False  # There is a newer content: its document is outdated.
        problems = {} if cancelled else goods.problems
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


def _cause(orders: Mapping[UUID, order_pb2.Order]) -> str:
    numbers = [order.number for order in orders.values()]
    shown = ", ".join(numbers[:3])
    return f"order {shown}" + (f" and {len(numbers) - 3} more" if len(numbers) > 3 else "")  # noqa: PLR2004
