"""What orders hold: how much of each item, and from which warehouse."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from spojka.api.orders.v1 import order_pb2
from spojka.database import Connection
from spojka.values import ZERO
from stock.connections.model import ConnectionRow, StockRule
from stock.connections.warehouses import Sources, channel_warehouses
from stock.domain.assignment import assign
from stock.domain.availability import ItemStock
from stock.domain.holds import Hold
from stock.domain.imports import ImportState
from stock.imports.goods import Goods
from stock.imports.store import ImportRow
from stock.levels.publish import item_stock


async def holds_after(
    connection: Connection,
    warehouse: ConnectionRow,
    rule: StockRule,
    orders: Mapping[UUID, order_pb2.Order],
    known: Mapping[UUID, ImportRow],
    goods: Mapping[UUID, Goods],
    holds: Sequence[Hold],
) -> list[Hold]:
    """The holds of orders whose items are locked, as the orders want them now.

    `holds` are those that they have. Nothing here refuses an order for lack of stock.
    """
    present = {(UUID(hold.order_id), hold.line_id, hold.item_id): hold for hold in holds}
    stocks = await item_stock(
        connection,
        rule,
        {item for order in goods.values() for item in order.items.values()},
    )
    sources = await channel_warehouses(
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
        wanted = {} if cancelled else goods[order_id].items
        kept = set()
        for line_id, item_id in wanted.items():
            quantity = goods[order_id].quantities[line_id]
            hold = present.get((order_id, line_id, str(item_id)))
            if hold is None:
                code = _assign(quantity, stocks.get(item_id), sources[order.channel_id])
                _take(stocks, item_id, code, quantity)
                hold = Hold(str(order_id), line_id, str(item_id), code, ZERO, ZERO)
            elif hold.warehouse is None and not row.document_revision:
                # No warehouse had the item when it was ordered; one may have it now.
                code = _assign(quantity, stocks.get(item_id), sources[order.channel_id])
                hold = replace(hold, warehouse=code)
            kept.add((line_id, str(item_id)))
            after.append(hold.want(quantity))
        after += [
            hold.want(ZERO)
            for (held_order, line_id, item), hold in present.items()
            if held_order == order_id
            and (line_id, item) not in kept
            # What vanished from the warehouse system stays held: it may come back.
            and not (line_id in goods[order_id].problems and item in removed)
        ]
    return after


async def _removed(connection: Connection, tenant: UUID, holds: Sequence[Hold]) -> set[str]:
    cursor = await connection.execute(
        "SELECT id::text FROM item WHERE tenant_id = %s AND id = ANY(%s) AND removed",
        [tenant, [UUID(hold.item_id) for hold in holds]],
    )
    return {row[0] for row in await cursor.fetchall()}


def _assign(quantity: Decimal, stock: ItemStock | None, sources: Sources) -> str | None:
    # What none of the channel's own warehouses carries is sold all the same. In
    # no warehouse it would be held for good: no level ever speaks for it.
    if stock is None:
        return None
    free = {code: part.free for code, part in stock.warehouses.items()}
    own = assign(quantity, free, sources.own)
    return assign(quantity, free, sources.others) if own is None else own


def _take(
    stocks: dict[UUID, ItemStock], item_id: UUID, code: str | None, quantity: Decimal
) -> None:
    # Later lines of the same batch see what earlier ones took.
    stock = stocks.get(item_id)
    if stock is not None and code is not None:
        part = stock.warehouses[code]
        taken = type(part)(part.erp_available, part.held + quantity)
        stocks[item_id] = ItemStock({**stock.warehouses, code: taken}, stock.held_unassigned)
