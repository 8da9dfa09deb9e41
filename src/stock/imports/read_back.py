"""What the warehouse system shows of an order's document, recorded and acted upon."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Final
from uuid import UUID

from spojka.database import Connection
from spojka.tasks import Task, close_tasks, open_task
from spojka.values import format_decimal
from stock.connections.model import StockRule
from stock.domain.netting import ReadBack, delivered_by_line, missing_lines
from stock.imports.absorb import absorb_orders
from stock.imports.events import publish_import
from stock.imports.store import (
    ImportRow,
    Seen,
    load_holds,
    lock_imports,
    write_holds,
    write_read_backs,
    write_seen,
)
from stock.levels.publish import lock_items, publish
from stock.warehouses.port import Document

DOCUMENT_GONE: Final = "stock.document_gone"
DOCUMENT_CANCELLED: Final = "stock.document_cancelled"
NAMED_MAX: Final = 5
"""Documents that a movement's cause names, when several were read at once."""


async def record_read_backs(
    connection: Connection, rule: StockRule, read_backs: Mapping[UUID, ReadBack]
) -> None:
    """Record what was read back of orders inside the running transaction, and what follows.

    All at once: the items of one order are in many others, and are published once.
    """
    imports = await lock_imports(connection, rule.tenant_id, read_backs)
    # What was asked before our last write to a document says nothing any more.
    told = [
        row
        for row in imports.values()
        if read_backs[row.order_id].number > row.barrier and row.state == "acked"
    ]
    if not told:
        return
    await write_read_backs(
        connection, rule.tenant_id, {row.order_id: read_backs[row.order_id] for row in told}
    )
    seen = [_seen(row, read_backs[row.order_id].document) for row in told]
    await write_seen(connection, rule.tenant_id, seen)
    await _watch_documents(connection, rule.tenant_id, told, read_backs)
    for row, after in zip(told, seen, strict=True):
        before = Seen(row.order_id, row.document_number, row.delivered, row.complete)
        if after != before:
            await publish_import(connection, rule.tenant_id, row.order_id)
    orders = [row.order_id for row in told]
    await settle_holds(connection, rule, orders, f"{_named(seen)} read back")


async def settle_holds(
    connection: Connection, rule: StockRule, order_ids: Collection[UUID], cause: str
) -> None:
    """Decide the holds of locked imports anew and publish their items."""
    holds = await load_holds(connection, rule.tenant_id, order_ids)
    item_ids = {UUID(hold.item_id) for hold in holds}
    rule = await lock_items(connection, rule, item_ids)
    await absorb_orders(connection, rule, order_ids)
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


def _named(seen: Sequence[Seen]) -> str:
    numbers = ", ".join(each.document_number for each in seen[:NAMED_MAX])
    others = len(seen) - NAMED_MAX
    what = "document" if len(seen) == 1 else "documents"
    return f"{what} {numbers} and {others} others" if others > 0 else f"{what} {numbers}"


def _seen(row: ImportRow, document: Document | None) -> Seen:
    delivered = _grown(row, delivered_by_line(document, row.sent))
    # Of a document that a person named, the number is not known until it is read.
    number = row.document_number or (document.number if document is not None else "")
    return Seen(row.order_id, number, delivered, _complete(row, document, delivered))


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


async def _watch_documents(
    connection: Connection,
    tenant_id: UUID,
    imports: Sequence[ImportRow],
    read_backs: Mapping[UUID, ReadBack],
) -> None:
    not_missed = []
    for row in imports:
        document = read_backs[row.order_id].document
        if row.cancelled or (document is not None and not document.cancelled):
            not_missed.append(f"order/{row.order_id}")
        else:
            await open_task(connection, tenant_id, _lost(row, gone=document is None))
    for kind in (DOCUMENT_GONE, DOCUMENT_CANCELLED):
        await close_tasks(connection, tenant_id, kind, not_missed)


def _lost(row: ImportRow, *, gone: bool) -> Task:
    what = "was deleted" if gone else "was cancelled"
    return Task(
        DOCUMENT_GONE if gone else DOCUMENT_CANCELLED,
        f"order/{row.order_id}",
        f"Order {row.order_number}: its document {row.document_number} {what} in the "
        "warehouse system",
        "Cancel the order, or say which document stands for it; its goods stay held till then.",
        {"order": row.order_number, "document": row.document_number},
    )
