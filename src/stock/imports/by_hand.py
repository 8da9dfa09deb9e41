"""A person's word on a locked import: the document that stands for the order, or that none does."""

from typing import Final
from uuid import UUID

from psycopg.types.json import Jsonb

from spojka.api.orders.v1 import order_pb2
from spojka.database import Connection
from spojka.tasks import close_task
from stock.connections.model import ConnectionRow
from stock.domain.imports import ImportState
from stock.domain.netting import SentLine
from stock.imports.read_back import (
    DOCUMENT_CANCELLED,
    DOCUMENT_GONE,
    release_holds,
    settle_holds,
)
from stock.imports.replacing import CANNOT_AMEND
from stock.imports.settling import hold_goods
from stock.imports.store import ImportRow, dump_sent_lines, load_imports, update_import
from stock.worker.numbering import draw_number

ENDED_KINDS: Final = (CANNOT_AMEND, DOCUMENT_GONE, DOCUMENT_CANCELLED)
"""Tasks that ask for this word."""


async def stands(
    connection: Connection,
    warehouse: ConnectionRow,
    found: ImportRow,
    document_id: str,
    actor: str,
) -> None:
    """The order as it is now has this document: it is read back next."""
    tenant = warehouse.tenant_id
    numbered = await draw_number(connection, tenant, warehouse.id)
    await update_import(
        connection,
        tenant,
        found.order_id,
        state=ImportState.ACKED,
        action="",
        document_id=document_id,
        document_number="",
        document_revision=found.content_revision,
        # What was read till now is of a document as it was before the word.
        barrier=numbered.number,
        reason="",
        unread=True,
        complete=False,
        acknowledged=True,
    )
    outdated = found.document_revision < found.content_revision
    if not found.cancelled and (outdated or found.status is ImportState.WITHDRAWN):
        await _hold_again(connection, warehouse, found.order_id, _cause(actor))
    else:
        await settle_holds(connection, warehouse.rule, [found.order_id], _cause(actor))
    await _close_tasks(connection, tenant, found, actor)


async def stands_nowhere(
    connection: Connection, warehouse: ConnectionRow, found: ImportRow, actor: str
) -> None:
    """No document stands for the order and none will: it holds nothing any more."""
    await update_import(
        connection,
        warehouse.tenant_id,
        found.order_id,
        state=ImportState.WITHDRAWN,
        action="",
        document_revision=max(found.document_revision, found.content_revision),
        reason=_cause(actor),
        complete=True,
        unread=False,
    )
    await release_holds(connection, warehouse.rule, found.order_id, _cause(actor))
    await _close_tasks(connection, warehouse.tenant_id, found, actor)


def _cause(actor: str) -> str:
    return f"settled by {actor}"


async def _hold_again(
    connection: Connection, warehouse: ConnectionRow, order_id: UUID, cause: str
) -> None:
    """Hold what the order wants now; its document is to have those lines."""
    tenant = warehouse.tenant_id
    known = await load_imports(connection, tenant, [order_id])
    order = order_pb2.Order.FromString(known[order_id].content)
    goods = await hold_goods(connection, warehouse, {order_id: order}, known, cause)
    sent = await _held_lines(connection, tenant, order_id)
    await update_import(
        connection,
        tenant,
        order_id,
        sent_lines=dump_sent_lines(sent),
        problem_lines=Jsonb(goods[order_id].problems),
    )


async def _held_lines(connection: Connection, tenant: UUID, order_id: UUID) -> list[SentLine]:
    cursor = await connection.execute(
        """
        SELECT hold.line_id, item.product_number, coalesce(hold.warehouse, ''), hold.wanted
        FROM hold JOIN item ON item.tenant_id = hold.tenant_id AND item.id = hold.item_id
        WHERE hold.tenant_id = %s AND hold.order_id = %s AND hold.wanted > 0
        ORDER BY hold.line_id
        """,
        [tenant, order_id],
    )
    return [SentLine(*row) for row in await cursor.fetchall()]


async def _close_tasks(connection: Connection, tenant: UUID, found: ImportRow, actor: str) -> None:
    for kind in ENDED_KINDS:
        await close_task(connection, tenant, kind, f"order/{found.order_id}", actor)
