"""What is sent for an order: its document, and which of its lines are goods of which card."""

from collections.abc import Mapping
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from spojka.api.orders.v1 import order_pb2
from spojka.database import Connection
from spojka.values import parse_decimal
from stock.domain.imports import external_id
from stock.domain.netting import SentLine
from stock.imports.documents import order_document, order_line
from stock.imports.goods import goods_lines
from stock.imports.importer import Importer
from stock.imports.outcomes import blocked
from stock.imports.store import ImportRow
from stock.warehouses.port import OrderDocument, OrderLine

Outgoing = tuple[OrderDocument, list[SentLine]]
Card = tuple[str, str, str | None]
"""The product number, the warehouse and the card's id."""

log = structlog.get_logger()


async def outgoing(importer: Importer, connection: Connection, found: ImportRow) -> Outgoing | None:
    """The document of a locked import, its goods as its holds say where they come from.

    None where it can't be made: the import is BLOCKED then.
    """
    cards = await _cards(connection, importer.row.tenant_id, found.order_id)
    try:
        return _made(found, cards, importer.zone)
    except Exception as error:
        # Whatever is odd about one order must not hold up the others.
        log.exception("an order's document can't be made", order=found.order_number)
        reason = (
            f"its document can't be made: {error}. Amend the order where it is odd; or put it into"
            " the warehouse system by hand, and settle its import"
        )
        await blocked(importer, connection, found, reason, {})
        return None


def _made(found: ImportRow, cards: Mapping[str, Card], zone: ZoneInfo) -> Outgoing:
    order = order_pb2.Order.FromString(found.content)
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


async def _cards(connection: Connection, tenant_id: UUID, order_id: UUID) -> dict[str, Card]:
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
