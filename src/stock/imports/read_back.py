"""What the warehouse system shows of an order's document, recorded and acted upon."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final
from uuid import UUID

from psycopg.types.json import Jsonb

from spojka.database import Connection
from spojka.tasks import Task, close_tasks, open_task
from spojka.values import format_decimal
from stock.connections.model import StockRule
from stock.domain.netting import ReadBack, delivered_by_line, missing_lines
from stock.imports.absorb import absorb_holds
from stock.imports.events import publish_import
from stock.imports.store import (
    ImportRow,
    load_holds,
    lock_imports,
    update_import,
    write_holds,
    write_read_back,
)
from stock.levels.publish import lock_items, publish
from stock.warehouses.port import Document

DOCUMENT_GONE: Final = "stock.document_gone"
DOCUMENT_CANCELLED: Final = "stock.document_cancelled"


async def record_read_back(
    connection: Connection, rule: StockRule, order_id: UUID, read_back: ReadBack
) -> None:
    """Record one read-back inside the running transaction, and what follows from it."""
    row = (await lock_imports(connection, rule.tenant_id, [order_id]))[order_id]
    if read_back.number <= row.barrier or row.state != "acked":
        return  # Asked before our last write to the document: it says nothing any more.
    await write_read_back(connection, rule.tenant_id, order_id, read_back)
    delivered = _grown(row, delivered_by_line(read_back.document, row.sent))
    complete = _complete(row, read_back.document, delivered)
    await update_import(
        connection,
        rule.tenant_id,
        order_id,
        unread=False,
        delivered=Jsonb(delivered),
        complete=complete,
    )
    await _watch_document(connection, rule.tenant_id, row, read_back.document)
    if delivered != dict(row.delivered) or complete != row.complete:
        await publish_import(connection, rule.tenant_id, order_id)
    await settle_holds(connection, rule, order_id, f"document {row.document_number} read back")


async def settle_holds(connection: Connection, rule: StockRule, order_id: UUID, cause: str) -> None:
    """Decide the holds of a locked import anew and publish their items."""
    holds = await load_holds(connection, rule.tenant_id, [order_id])
    item_ids = {UUID(hold.item_id) for hold in holds}
    rule = await lock_items(connection, rule, item_ids)
    await absorb_holds(connection, rule, item_ids)
    await publish(connection, rule, item_ids, cause)


async def release_holds(
    connection: Connection, rule: StockRule, order_id: UUID, cause: str
) -> None:
    """End the holds of a locked import: the order wants nothing any more."""
    holds = await load_holds(connection, rule.tenant_id, [order_id])
    item_ids = {UUID(hold.item_id) for hold in holds}
    rule = await lock_items(connection, rule, item_ids)
    holds = await load_holds(connection, rule.tenant_id, [order_id])
    await write_holds(connection, rule.tenant_id, [hold.want(Decimal(0)) for hold in holds])
    await publish(connection, rule, item_ids, cause)


def _grown(row: ImportRow, shown: Mapping[str, Decimal]) -> dict[str, str]:
    # What was delivered stays delivered: a return is another document.
    result = dict(row.delivered)
    for line_id, quantity in shown.items():
        if quantity > Decimal(result.get(line_id, "0")):
            result[line_id] = format_decimal(quantity)
    return result


def _complete(row: ImportRow, document: Document | None, delivered: Mapping[str, str]) -> bool:
    if document is None or document.cancelled or row.document_revision < row.content_revision:
        return False
    if document.executed:
        return True
    shown = {line_id: Decimal(quantity) for line_id, quantity in delivered.items()}
    return bool(row.sent) and not missing_lines(shown, row.sent)


async def _watch_document(
    connection: Connection, tenant_id: UUID, row: ImportRow, document: Document | None
) -> None:
    subject = f"order/{row.order_id}"
    if document is not None and not document.cancelled:
        await close_tasks(connection, tenant_id, DOCUMENT_GONE, [subject])
        await close_tasks(connection, tenant_id, DOCUMENT_CANCELLED, [subject])
        return
    if row.cancelled:
        return
    gone = document is None
    what = "was deleted" if gone else "was cancelled"
    await open_task(
        connection,
        tenant_id,
        Task(
            DOCUMENT_GONE if gone else DOCUMENT_CANCELLED,
            subject,
            f"Order {row.order_number}: its document {row.document_number} {what} in the "
            "warehouse system",
            "Cancel the order, or say which document stands for it; its goods stay held till then.",
            {"order": row.order_number, "document": row.document_number},
        ),
    )
