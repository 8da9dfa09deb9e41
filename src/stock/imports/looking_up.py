"""Look up: the warehouse system is asked whether an order's document stands."""

from collections.abc import Sequence
from uuid import UUID

from spojka.database import Connection
from stock.domain.imports import ImportState, retry_delay
from stock.domain.netting import SentLine
from stock.imports.importer import Importer
from stock.imports.outcomes import acknowledged, without_document
from stock.imports.outgoing import outgoing
from stock.imports.replacing import deleted, kept
from stock.imports.store import ImportRow, dump_sent_lines, lock_imports, update_import
from stock.warehouses.port import Document
from stock.worker.numbering import draw


async def look_up(importer: Importer, found: ImportRow) -> None:
    """Settle a request whose end is not known. Raises WarehouseError, LeaseLost."""
    numbered = await draw(importer.database, importer.row.tenant_id, importer.row.id)
    if found.action == "delete":
        documents = await importer.client.read_documents([found.document_id])
        if documents:
            await importer.record(found.order_id, kept)
        else:
            await importer.record(found.order_id, deleted, numbered)
        return
    document = await importer.client.find_document(found.external_id, found.order_number)
    if document is None:
        await importer.record(found.order_id, _resend)
        return
    await importer.record(found.order_id, acknowledged, document.document_id, document.number)


async def adopt(importer: Importer, order_id: UUID) -> None:
    """Look whether a person has put an order into the warehouse system; if so, follow it.

    Raises WarehouseError, LeaseLost.
    """
    tenant_id = importer.row.tenant_id
    async with importer.database.transaction(tenant_id) as connection:
        found = (await lock_imports(connection, tenant_id, [order_id]))[order_id]
        if found.status is not ImportState.LOCAL:
            return
        made = await outgoing(importer, connection, found)
    if made is None:
        importer.after_commit()
        return
    wanted, sent = made
    document = await importer.client.find_document(wanted.external_id, wanted.number)
    if document is None:
        return
    await importer.record(order_id, _adopted, found.content_revision, sent, document)


async def _adopted(
    importer: Importer,
    connection: Connection,
    found: ImportRow,
    content_revision: int,
    sent: Sequence[SentLine],
    document: Document,
) -> None:
    if found.status is not ImportState.LOCAL:
        return  # A person has settled it meanwhile.
    # What was amended since the look began is not in the document yet.
    await update_import(
        connection,
        importer.row.tenant_id,
        found.order_id,
        document_revision=content_revision,
        sent_lines=dump_sent_lines(sent),
    )
    await acknowledged(importer, connection, found, document.document_id, document.number)


async def _resend(importer: Importer, connection: Connection, found: ImportRow) -> None:
    # The look-up proved that nothing stands: the same document goes again.
    await without_document(
        importer,
        connection,
        found,
        reason="the request did not arrive; it is sent again",
        delay=retry_delay(max(0, found.attempts - 1)),
    )
