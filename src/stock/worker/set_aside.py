"""Documents that can't be read: people are told, and nothing else waits for them."""

from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

from spojka.database import Connection
from spojka.tasks import Task, close_tasks, open_tasks
from stock.connections.model import ConnectionRow
from stock.imports.store import ImportRow, load_imports
from stock.warehouses.errors import WarehouseError
from stock.worker.agenda import orders_of_documents

DOCUMENT_UNREADABLE: Final = "stock.document_unreadable"


async def set_aside(
    connection: Connection, row: ConnectionRow, document_ids: Collection[str]
) -> None:
    """Let these documents wait for the next reading; their goods stay held."""
    await connection.execute(
        "UPDATE order_import SET unread = false WHERE tenant_id = %s"
        " AND connection_id = %s AND document_id = ANY(%s)",
        [row.tenant_id, row.id, list(document_ids)],
    )


async def tell_unreadable(
    connection: Connection, row: ConnectionRow, errors: Mapping[str, WarehouseError]
) -> None:
    """Ask a person about each order whose document, named by its id, can't be read."""
    orders = await orders_of_documents(connection, row, errors)
    imports = await load_imports(connection, row.tenant_id, [order_id for _, order_id in orders])
    await open_tasks(
        connection,
        row.tenant_id,
        [_task(imports[order_id], errors[document_id]) for document_id, order_id in orders],
    )


async def note_readable(
    connection: Connection, row: ConnectionRow, order_ids: Collection[UUID]
) -> None:
    """The documents of these orders were read: nobody needs to do anything about that."""
    subjects = [f"order/{order_id}" for order_id in order_ids]
    await close_tasks(connection, row.tenant_id, DOCUMENT_UNREADABLE, subjects)


async def forget_settled(connection: Connection, row: ConnectionRow) -> None:
    """Close the tasks of orders whose document, by a person's word, need not be read any more."""
    cursor = await connection.execute(
        """
        SELECT subject FROM task
        WHERE tenant_id = %s AND kind = %s AND resolve_time IS NULL
          AND NOT EXISTS (SELECT FROM order_import
                          WHERE tenant_id = %s AND connection_id = %s
                            AND state = 'acked' AND NOT complete
                            AND 'order/' || order_id = subject)
        """,
        [row.tenant_id, DOCUMENT_UNREADABLE, row.tenant_id, row.id],
    )
    over = [found[0] for found in await cursor.fetchall()]
    await close_tasks(connection, row.tenant_id, DOCUMENT_UNREADABLE, over)


def _task(found: ImportRow, error: WarehouseError) -> Task:
    named = found.document_number or found.document_id
    return Task(
        DOCUMENT_UNREADABLE,
        f"order/{found.order_id}",
        f"Order {found.order_number}: its document {named} can't be read: {error.message}",
        "Mend the document, or settle the import with the id of the one that stands for the order;"
        " its goods stay held till then.",
        {"order": found.order_number, "document": found.document_id},
    )
