"""What may come of more than one step: an acknowledgement, an unknown end, a block, no document.

Each is recorded by `Importer.record`, on the import as it stands by then.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from psycopg.types.json import Jsonb

from spojka.api.orders.v1 import order_pb2
from spojka.database import Connection
from stock.domain.imports import ImportState
from stock.imports.events import publish_import
from stock.imports.goods import describe_problems
from stock.imports.importer import Importer
from stock.imports.read_back import release_holds
from stock.imports.settling import hold_goods
from stock.imports.store import ImportRow, update_import
from stock.warehouses.errors import WarehouseError


async def acknowledged(
    importer: Importer,
    connection: Connection,
    found: ImportRow,
    document_id: str,
    number: str,
    warnings: str = "",
) -> None:
    """The document stands: it is read back next, and the order's cards after it."""
    await update_import(
        connection,
        importer.row.tenant_id,
        found.order_id,
        state=ImportState.ACKED,
        action="",
        document_id=document_id,
        document_number=number,
        reason=f"the warehouse system says: {warnings}" if warnings else "",
        attempts=0,
        unread=True,
        acknowledged=True,
        due_in=timedelta(0),
    )
    await publish_import(connection, importer.row.tenant_id, found.order_id)


async def unknown(
    importer: Importer, connection: Connection, found: ImportRow, error: WarehouseError
) -> None:
    """The request may have had its effect or not: a look-up says, once it can't be running."""
    await update_import(
        connection,
        importer.row.tenant_id,
        found.order_id,
        state=ImportState.UNKNOWN,
        reason=f"no usable answer: {error.message}; it is being looked up",
        due_in=importer.settle_time,
    )
    await publish_import(connection, importer.row.tenant_id, found.order_id)


async def blocked(
    importer: Importer,
    connection: Connection,
    found: ImportRow,
    reason: str,
    problem_lines: Mapping[str, str],
) -> None:
    """No document can be made of what the order is now: a person must act."""
    await update_import(
        connection,
        importer.row.tenant_id,
        found.order_id,
        state=ImportState.BLOCKED,
        action="",
        document_revision=0,
        reason=reason,
        problem_lines=Jsonb(problem_lines),
    )
    await publish_import(connection, importer.row.tenant_id, found.order_id)


async def without_document(
    importer: Importer,
    connection: Connection,
    found: ImportRow,
    *,
    reason: str,
    delay: timedelta = timedelta(0),
) -> None:
    """No document stands and none is under way: what the order is by now decides.

    A listing that was linked elsewhere meanwhile left it alone: its lines are
    resolved anew before it can be sent again.
    """
    state, problems = ImportState.LOCAL, found.problem_lines
    if found.cancelled:
        state, reason = ImportState.WITHDRAWN, "cancelled; no document stands"
        await release_holds(connection, importer.row.rule, found.order_id, "order cancelled")
    else:
        order = order_pb2.Order.FromString(found.content)
        unsent = replace(found, state=ImportState.LOCAL, document_revision=0)
        goods = await hold_goods(
            connection,
            importer.row,
            {found.order_id: order},
            {found.order_id: unsent},
            "no document stands",
        )
        problems = goods[found.order_id].problems
        if problems:
            state, reason = ImportState.BLOCKED, describe_problems(order, problems)
    await update_import(
        connection,
        importer.row.tenant_id,
        found.order_id,
        state=state,
        action="",
        document_revision=0,
        document_id="",
        document_number="",
        reason=reason,
        problem_lines=Jsonb(problems),
        complete=found.cancelled,
        unread=False,
        due_in=delay,
    )
    await publish_import(connection, importer.row.tenant_id, found.order_id)
