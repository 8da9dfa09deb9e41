"""Replace: an outdated document is read, and deleted where nothing of it was done yet."""

from datetime import timedelta
from typing import Final

from spojka.database import Connection
from spojka.tasks import Task, close_tasks, open_task
from stock.domain.imports import ImportState, Step, may_delete, next_step, retry_delay
from stock.domain.netting import ReadBack
from stock.imports.events import publish_import
from stock.imports.importer import Importer
from stock.imports.outcomes import unknown, without_document
from stock.imports.read_back import record_read_backs, settle_holds
from stock.imports.store import ImportRow, lock_imports, update_import
from stock.warehouses.errors import OutcomeUnknown, Refused, Unreadable, WarehouseError
from stock.warehouses.port import Document
from stock.worker.numbering import Numbered, draw, draw_number

CANNOT_AMEND: Final = "stock.cannot_amend"
BLOCKED_DELETE_RETRY: Final = timedelta(minutes=30)


async def replace(importer: Importer, found: ImportRow) -> None:
    """Delete the document of an order that was changed or cancelled, or have a person mend it.

    Raises WarehouseError, LeaseLost.
    """
    numbered = await draw(importer.database, importer.row.tenant_id, importer.row.id)
    documents = await importer.client.read_documents([found.document_id])
    document = documents[0] if documents else None
    await _keep(importer, found, ReadBack(numbered.number, document))
    to_delete = await _decide(importer, found, document, numbered)
    if to_delete is None:
        return
    try:
        await importer.client.delete_document(found.document_id)
    except (OutcomeUnknown, Unreadable) as error:
        await importer.record(found.order_id, unknown, error)
    except Refused as error:
        await importer.record(found.order_id, _cannot_amend, to_delete, error.message)
    except WarehouseError:
        await importer.record(found.order_id, kept)
        raise
    else:
        await importer.record(found.order_id, deleted, numbered)


async def kept(importer: Importer, connection: Connection, found: ImportRow) -> None:
    """The document was not deleted: it is read back, and deleted later."""
    await update_import(
        connection,
        importer.row.tenant_id,
        found.order_id,
        state=ImportState.ACKED,
        action="",
        attempts=found.attempts + 1,
        due_in=retry_delay(found.attempts),
        unread=True,
    )


async def deleted(
    importer: Importer, connection: Connection, found: ImportRow, numbered: Numbered
) -> None:
    """The document is gone: what was read of it up to this request is void."""
    tenant_id = importer.row.tenant_id
    await close_tasks(connection, tenant_id, CANNOT_AMEND, [f"order/{found.order_id}"])
    await update_import(
        connection,
        tenant_id,
        found.order_id,
        attempts=0,
        barrier=max(found.barrier, numbered.number),
    )
    await without_document(importer, connection, found, reason="")


async def _keep(importer: Importer, found: ImportRow, read_back: ReadBack) -> None:
    async with importer.database.transaction(importer.row.tenant_id) as connection:
        await record_read_backs(connection, importer.row.rule, {found.order_id: read_back})
    importer.after_commit()


async def _decide(
    importer: Importer, before: ImportRow, document: Document | None, numbered: Numbered
) -> Document | None:
    """What follows from what was read; gives the document if it is to be deleted now.

    Nothing follows where a person has settled the order while it was read, or
    the order is such by now that its document stays.
    """
    automatic = importer.row.automatic_import
    to_delete = None
    async with importer.database.transaction(importer.row.tenant_id) as connection:
        known = await lock_imports(connection, importer.row.tenant_id, [before.order_id])
        found = known[before.order_id]
        step = next_step(found.situation(automatic=automatic))
        if step is not Step.READ_BEFORE_DELETE or found.document_id != before.document_id:
            return None
        if document is None or (document.cancelled and found.cancelled):
            await deleted(importer, connection, found, numbered)
        elif (reason := may_delete(document)) is not None:
            await _cannot_amend(importer, connection, found, document, reason)
        elif not found.cancelled and not automatic:
            # Deleted, it would stand nowhere: nothing is put in its place.
            await _cannot_amend(importer, connection, found, document, "automatic import is off")
        else:
            await _mark_delete(importer, connection, found)
            to_delete = document
        await importer.require_lease(connection)
    importer.after_commit()
    return to_delete


async def _mark_delete(importer: Importer, connection: Connection, found: ImportRow) -> None:
    numbered = await draw_number(connection, importer.row.tenant_id, importer.row.id)
    # From here on the document may be gone: a hold that it netted counts
    # again, unless the order itself is no longer wanted.
    barrier = found.barrier if found.cancelled else numbered.number
    await update_import(
        connection,
        importer.row.tenant_id,
        found.order_id,
        state=ImportState.SENT,
        action="delete",
        barrier=barrier,
        sent_number=numbered.number,
        sent_time=numbered.asked_time,
        due_in=importer.settle_time,
    )
    await settle_holds(
        connection,
        importer.row.rule,
        [found.order_id],
        f"document {found.document_number} replaced",
    )


async def _cannot_amend(
    importer: Importer, connection: Connection, found: ImportRow, document: Document, reason: str
) -> None:
    what = "cancelled" if found.cancelled else "changed"
    summary = (
        f"Order {found.order_number} was {what}, but its document {document.number} can't be "
        f"deleted: {reason}"
    )
    await open_task(
        connection,
        importer.row.tenant_id,
        Task(
            CANNOT_AMEND,
            f"order/{found.order_id}",
            summary,
            "Mend the document in the warehouse system by hand.",
            {"order": found.order_number, "document": document.number},
        ),
    )
    await update_import(
        connection,
        importer.row.tenant_id,
        found.order_id,
        state=ImportState.ACKED,
        action="",
        reason=summary,
        due_in=BLOCKED_DELETE_RETRY,
    )
    if found.reason != summary:
        await publish_import(connection, importer.row.tenant_id, found.order_id)
