"""Create: the warehouse system is asked to make an order's document."""

from uuid import UUID

import structlog

from spojka import crash_points
from spojka.api.orders.v1 import order_pb2
from spojka.database import Connection
from spojka.values import ZERO
from stock.domain.imports import ImportState, retry_delay
from stock.imports.goods import resolve_goods
from stock.imports.importer import Importer
from stock.imports.outcomes import acknowledged, blocked, unknown, without_document
from stock.imports.outgoing import outgoing
from stock.imports.store import ImportRow, dump_sent_lines, load_holds, update_import
from stock.warehouses.errors import OutcomeUnknown, Refused, Unreadable, WarehouseError
from stock.warehouses.port import OrderDocument
from stock.worker.numbering import draw_number

log = structlog.get_logger()


async def mark_create(
    importer: Importer, connection: Connection, found: ImportRow
) -> OrderDocument | None:
    """Mark a locked import as SENT; gives what is sent once that is committed.

    None where no document can be made of the order: its import is BLOCKED
    then. Raises LeaseLost.
    """
    await importer.require_lease(connection)
    numbered = await draw_number(connection, importer.row.tenant_id, importer.row.id)
    made = await outgoing(importer, connection, found)
    if made is None:
        return None
    document, sent = made
    await update_import(
        connection,
        importer.row.tenant_id,
        found.order_id,
        state=ImportState.SENT,
        action="create",
        external_id=document.external_id,
        document_revision=found.content_revision,
        document_id="",
        document_number="",
        sent_lines=dump_sent_lines(sent),
        sent_number=numbered.number,
        sent_time=numbered.asked_time,
        attempts=found.attempts + 1,
        reason="",
        due_in=importer.settle_time,
    )
    return document


async def create(importer: Importer, found: ImportRow, document: OrderDocument) -> None:
    """Send the document of an import that is marked. Raises WarehouseError, LeaseLost."""
    resend = found.external_id == document.external_id
    crash_points.reach("import-marked")
    try:
        acknowledgement = await importer.client.create_document(document, resend=resend)
        crash_points.reach("import-answered")
    except (OutcomeUnknown, Unreadable) as error:
        await importer.record(found.order_id, unknown, error)
    except Refused as error:
        await importer.record(found.order_id, _refused, error)
    except WarehouseError as error:
        await importer.record(found.order_id, _not_sent, error)
        raise
    else:
        await importer.record(
            found.order_id,
            acknowledged,
            acknowledgement.document_id,
            acknowledgement.number,
            warnings="; ".join(acknowledgement.warnings),
        )
        log.info("order sent", order=found.order_number, document=acknowledgement.number)


async def _refused(
    importer: Importer, connection: Connection, found: ImportRow, error: Refused
) -> None:
    outdated = found.cancelled or found.document_revision < found.content_revision
    if outdated or await _is_of_other_items(connection, importer.row.tenant_id, found):
        # What was refused is not what the order wants any more.
        await without_document(importer, connection, found, reason="")
        return
    reason = " ".join(part for part in (error.message, error.advice) if part)
    problem_lines = dict.fromkeys(error.line_ids, error.message)
    await blocked(importer, connection, found, reason, problem_lines)


async def _is_of_other_items(connection: Connection, tenant_id: UUID, found: ImportRow) -> bool:
    """Whether a listing was linked to another item while the document was on its way."""
    order = order_pb2.Order.FromString(found.content)
    goods = (await resolve_goods(connection, tenant_id, {found.order_id: order}))[found.order_id]
    holds = await load_holds(connection, tenant_id, [found.order_id])
    held = {(hold.line_id, hold.item_id) for hold in holds if hold.wanted > ZERO}
    meant = {
        (line_id, str(item_id))
        for line_id, item_id in goods.items.items()
        if goods.quantities[line_id] > ZERO
    }
    return held != meant


async def _not_sent(
    importer: Importer, connection: Connection, found: ImportRow, error: WarehouseError
) -> None:
    await without_document(
        importer, connection, found, reason=error.message, delay=retry_delay(found.attempts)
    )
