"""The goods of an order: which of its lines they are, and which item each is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final
from uuid import UUID

from spojka.api.orders.v1 import order_pb2
from spojka.database import Connection
from spojka.values import parse_decimal
from stock.listings.lines import LineKeys, resolve_lines
from stock.listings.pairing import Link, Unpaired

A_SET: Final = "is a set: Spojka can't hold its parts; sell the parts, or make it a product"


@dataclass(slots=True)
class Goods:
    """The goods of one order: by line id which item it is, or why it is none."""

    items: dict[str, UUID] = field(default_factory=dict)
    quantities: dict[str, Decimal] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def goods_lines(order: order_pb2.Order) -> list[order_pb2.OrderLine]:
    """The lines of an order that may take a hold."""
    return [
        line
        for line in order.lines
        if line.kind in {order_pb2.LINE_KIND_UNSPECIFIED, order_pb2.LINE_KIND_GOODS}
    ]


async def resolve_goods(
    connection: Connection, tenant: UUID, orders: Mapping[UUID, order_pb2.Order]
) -> dict[UUID, Goods]:
    """Find the item of each line of orders that may take a hold."""
    result = {order_id: Goods() for order_id in orders}
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


def describe_problems(order: order_pb2.Order, problems: Mapping[str, str]) -> str:
    """The lines in the way, in one sentence."""
    names = {line.id: line.name for line in order.lines}
    parts = [
        f"line {line_id} ({names.get(line_id, '')}) {why}"
        for line_id, why in sorted(problems.items())
    ]
    return "; ".join(parts) + ". Link the listing or mend the number; the import then goes on."


async def _kinds(connection: Connection, tenant: UUID, item_ids: Sequence[UUID]) -> dict[UUID, str]:
    cursor = await connection.execute(
        "SELECT id, kind FROM item WHERE tenant_id = %s AND id = ANY(%s)", [tenant, list(item_ids)]
    )
    kinds: dict[UUID, str] = dict(await cursor.fetchall())
    return kinds
