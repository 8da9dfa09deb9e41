"""What is sent for an order: its document, and which of its lines are goods of which card."""

from uuid import UUID
from zoneinfo import ZoneInfo

from spojka.api.orders.v1 import order_pb2
from spojka.database import Connection
from spojka.values import parse_decimal
from stock.domain.imports import external_id
from stock.domain.netting import SentLine
from stock.imports.documents import order_document, order_line
from stock.imports.goods import goods_lines
from stock.imports.store import ImportRow
from stock.warehouses.port import OrderDocument, OrderLine


async def outgoing(
    connection: Connection, tenant_id: UUID, found: ImportRow, zone: ZoneInfo
) -> tuple[OrderDocument, list[SentLine]]:
    """The document of a locked import, its goods as its holds say where they come from.

    `zone` is where the merchant keeps books.
    """
    order = order_pb2.Order.FromString(found.content)
    cards = await _cards(connection, tenant_id, found.order_id)
    lines: dict[str, OrderLine] = {}
    sent: list[SentLine] = []
    for line in goods_lines(order):
        if line.id not in cards:
            continue
        product_number, warehouse, card_id = cards[line.id]
        lines[line.id] = order_line(
            line, product_number=product_number, warehouse=warehouse, card_id=card_id
        )
        sent.append(SentLine(line.id, product_number, warehouse, parse_decimal(line.quantity)))
    document = order_document(
        order,
        external_id(str(found.order_id), found.content_revision),
        lines,
        zone=zone,
        reserve=True,
    )
    return document, sent


async def _cards(
    connection: Connection, tenant_id: UUID, order_id: UUID
) -> dict[str, tuple[str, str, str | None]]:
    cursor = await connection.execute(
        """
        SELECT hold.line_id, item.product_number, coalesce(hold.warehouse, ''), level.card_id
        FROM hold JOIN item ON item.tenant_id = hold.tenant_id AND item.id = hold.item_id
        LEFT JOIN level ON level.tenant_id = hold.tenant_id AND level.item_id = hold.item_id
                       AND level.warehouse = hold.warehouse
        WHERE hold.tenant_id = %s AND hold.order_id = %s AND hold.wanted > 0
        """,
        [tenant_id, order_id],
    )
    return {line: (number, code, card) for line, number, code, card in await cursor.fetchall()}
