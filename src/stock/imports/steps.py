"""The next step of an import: decided under its lock, taken outside it."""

from datetime import timedelta
from uuid import UUID

from spojka.database import Connection
from stock.domain.imports import Step, next_step
from stock.imports.creating import create, mark_create
from stock.imports.importer import Importer
from stock.imports.looking_up import look_up
from stock.imports.replacing import replace
from stock.imports.store import ImportRow, lock_imports, update_import


async def take_step(importer: Importer, order_id: UUID) -> None:
    """Do the next step of one import, if there is one.

    Raises WarehouseError when the system is away or misconfigured; the import
    then waits and nothing is lost. Raises LeaseLost.
    """
    async with importer.database.transaction(importer.row.tenant_id) as connection:
        found = (await lock_imports(connection, importer.row.tenant_id, [order_id]))[order_id]
        step = next_step(found.situation(automatic=importer.row.automatic_import))
        if step is Step.NONE:
            await _wait(importer, connection, found)
            return
        if step is Step.CREATE:
            document = await mark_create(importer, connection, found)
    if step is Step.CREATE:
        if document is None:
            importer.after_commit()
        else:
            await create(importer, found, document)
    elif step is Step.LOOK_UP:
        await look_up(importer, found)
    else:
        await replace(importer, found)


async def _wait(importer: Importer, connection: Connection, found: ImportRow) -> None:
    await update_import(
        connection,
        importer.row.tenant_id,
        found.order_id,
        due_in=timedelta(days=3650),
    )
