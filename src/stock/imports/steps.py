"""The steps of an import: each is a decision under lock, a call outside it, and its outcome.

SENT is committed before the first byte leaves. An outcome that is not known
becomes UNKNOWN, and is looked up before anything is sent again; what is sent
again carries the same document id.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from psycopg.types.json import Jsonb

from spojka import crash_points, leases
from spojka.api.orders.v1 import order_pb2
from spojka.database import Connection, Database
from spojka.tasks import Task, close_tasks, open_task
from stock.connections.model import ConnectionRow
from stock.domain.imports import (
    ImportState,
    Situation,
    Step,
    may_delete,
    next_step,
    retry_delay,
)
from stock.domain.netting import ReadBack
from stock.imports.events import publish_import
from stock.imports.intake import describe_problems
from stock.imports.outgoing import outgoing
from stock.imports.read_back import record_read_back, release_holds, settle_holds
from stock.imports.store import (
    ImportRow,
    dump_sent_lines,
    lock_imports,
    update_import,
)
from stock.warehouses.errors import OutcomeUnknown, Refused, Unreadable, WarehouseError
from stock.warehouses.port import Document, OrderDocument, WarehouseClient
from stock.worker.numbering import Numbered, draw, draw_number

CANNOT_AMEND: Final = "stock.cannot_amend"
BLOCKED_DELETE_RETRY: Final = timedelta(minutes=30)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Importer:
    """Takes the imports of one leased connection a step further.

    `after_commit` is called after each transaction that may have made events.
    `settle_time` is how long an earlier request may still be running at the
    partner, so that a look-up before then proves nothing.
    """

    database: Database
    row: ConnectionRow
    lease: leases.Lease
    client: WarehouseClient
    after_commit: Callable[[], None]
    zone: ZoneInfo
    settle_time: timedelta

    async def step(self, order_id: UUID) -> None:
        """Do the next step of one import, if there is one.

        Raises WarehouseError when the system is away or misconfigured; the
        import then waits and nothing is lost.
        """
        async with self.database.transaction(self.row.tenant_id) as connection:
            known = await lock_imports(connection, self.row.tenant_id, [order_id])
            step = next_step(self._situation(known[order_id]))
            found = known[order_id]
            if step is Step.NONE:
                await self._wait(connection, found)
                return
            if step is Step.CREATE:
                numbered, document = await self._mark_create(connection, found)
        if step is Step.CREATE:
            await self._create(found, numbered, document)
        elif step is Step.LOOK_UP:
            await self._look_up(found)
        else:
            await self._replace(found)

    async def adopt(self, order_id: UUID) -> None:
        """Look whether a person has put an order into the warehouse system; if so, follow it."""
        async with self.database.transaction(self.row.tenant_id) as connection:
            found = (await lock_imports(connection, self.row.tenant_id, [order_id]))[order_id]
            if found.status is not ImportState.LOCAL:
                return
            wanted, sent = await outgoing(connection, self.row.tenant_id, found, self.zone)
        document = await self.client.find_document(wanted.external_id, wanted.number)
        if document is None:
            return

        async def outcome(connection: Connection, found: ImportRow) -> None:
            await update_import(
                connection,
                self.row.tenant_id,
                found.order_id,
                document_revision=found.content_revision,
                sent_lines=dump_sent_lines(sent),
            )

        await self._record(order_id, outcome)
        # As after a look-up: the worker reads the document back, and the order's cards.
        await self._acknowledge(order_id, document.document_id, document.number)

    def _situation(self, found: ImportRow) -> Situation:
        return Situation(
            found.status,
            found.content_revision,
            found.document_revision,
            found.cancelled,
            self.row.automatic_import,
            resolved=not found.problem_lines,
        )

    async def _wait(self, connection: Connection, found: ImportRow) -> None:
        await update_import(
            connection,
            self.row.tenant_id,
            found.order_id,
            due_in=timedelta(days=3650),
        )

    async def _mark_create(
        self, connection: Connection, found: ImportRow
    ) -> tuple[Numbered, OrderDocument]:
        await self._still_ours(connection)
        numbered = await draw_number(connection, self.row.tenant_id, self.row.id)
        document, sent = await outgoing(connection, self.row.tenant_id, found, self.zone)
        await update_import(
            connection,
            self.row.tenant_id,
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
            due_in=self.settle_time,
        )
        return numbered, document

    async def _create(self, found: ImportRow, numbered: Numbered, document: OrderDocument) -> None:
        resend = found.external_id == document.external_id
        crash_points.reach("import-marked")
        try:
            acknowledgement = await self.client.create_document(document, resend=resend)
            crash_points.reach("import-answered")
        except (OutcomeUnknown, Unreadable) as error:
            await self._unknown(found.order_id, error)
        except Refused as error:
            await self._block(found.order_id, error)
        except WarehouseError as error:
            await self._not_sent(found.order_id, error)
            raise
        else:
            await self._acknowledge(
                found.order_id,
                acknowledgement.document_id,
                acknowledgement.number,
                warnings="; ".join(acknowledgement.warnings),
            )
        log.info("order sent", order=found.order_number, number=numbered.number)

    async def _look_up(self, found: ImportRow) -> None:
        numbered = await draw(self.database, self.row.tenant_id, self.row.id)
        if found.action == "delete":
            documents = await self.client.read_documents([found.document_id])
            if documents:
                await self._record(found.order_id, self._kept)
            else:
                await self._record(found.order_id, self._deleted, numbered)
            return
        document = await self.client.find_document(found.external_id, found.order_number)
        if document is None:
            await self._record(found.order_id, self._resend)
            return
        # The document stays unread: it is read back next, and the order's cards after it.
        await self._acknowledge(found.order_id, document.document_id, document.number)

    async def _replace(self, found: ImportRow) -> None:
        numbered = await draw(self.database, self.row.tenant_id, self.row.id)
        documents = await self.client.read_documents([found.document_id])
        document = documents[0] if documents else None
        await self._keep(found.order_id, ReadBack(numbered.number, document))
        if document is None:
            await self._record(found.order_id, self._deleted, numbered)
            return
        if document.cancelled and found.cancelled:
            await self._record(found.order_id, self._deleted, numbered)
            return
        reason = may_delete(document)
        if reason is not None:
            await self._record(found.order_id, self._cannot_amend, document, reason)
            return
        await self._record(found.order_id, self._mark_delete)
        try:
            await self.client.delete_document(found.document_id)
        except (OutcomeUnknown, Unreadable) as error:
            await self._unknown(found.order_id, error)
        except Refused as error:
            await self._record(found.order_id, self._cannot_amend, document, error.message)
        except WarehouseError:
            await self._record(found.order_id, self._kept)
            raise
        else:
            await self._record(found.order_id, self._deleted, numbered)

    async def _record(
        self, order_id: UUID, outcome: Callable[..., Awaitable[None]], *facts: object
    ) -> None:
        async with self.database.transaction(self.row.tenant_id) as connection:
            known = await lock_imports(connection, self.row.tenant_id, [order_id])
            await outcome(connection, known[order_id], *facts)
            # Last: whoever takes orders locks items before the lease, too.
            await self._still_ours(connection)
        self.after_commit()

    async def _keep(self, order_id: UUID, read_back: ReadBack) -> None:
        async with self.database.transaction(self.row.tenant_id) as connection:
            await record_read_back(connection, self.row.rule, order_id, read_back)
        self.after_commit()

    async def _acknowledge(
        self, order_id: UUID, document_id: str, number: str, warnings: str = ""
    ) -> None:
        async def outcome(connection: Connection, found: ImportRow) -> None:
            await update_import(
                connection,
                self.row.tenant_id,
                order_id,
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
            await publish_import(connection, self.row.tenant_id, found.order_id)

        await self._record(order_id, outcome)

    async def _unknown(self, order_id: UUID, error: WarehouseError) -> None:
        async def outcome(connection: Connection, found: ImportRow) -> None:
            await update_import(
                connection,
                self.row.tenant_id,
                found.order_id,
                state=ImportState.UNKNOWN,
                reason=f"no usable answer: {error.message}; it is being looked up",
                due_in=self.settle_time,
            )
            await publish_import(connection, self.row.tenant_id, found.order_id)

        await self._record(order_id, outcome)

    async def _block(self, order_id: UUID, error: Refused) -> None:
        async def outcome(connection: Connection, found: ImportRow) -> None:
            if found.cancelled or found.document_revision < found.content_revision:
                # What was refused is not what the order wants any more.
                await self._without_document(connection, found, reason="")
                return
            await update_import(
                connection,
                self.row.tenant_id,
                found.order_id,
                state=ImportState.BLOCKED,
                action="",
                document_revision=0,
                reason=" ".join(part for part in (error.message, error.advice) if part),
                problem_lines=Jsonb(dict.fromkeys(error.line_ids, error.message)),
            )
            await publish_import(connection, self.row.tenant_id, found.order_id)

        await self._record(order_id, outcome)

    async def _not_sent(self, order_id: UUID, error: WarehouseError) -> None:
        async def outcome(connection: Connection, found: ImportRow) -> None:
            await self._without_document(
                connection, found, reason=error.message, delay=retry_delay(found.attempts)
            )

        await self._record(order_id, outcome)

    async def _resend(self, connection: Connection, found: ImportRow) -> None:
        # The look-up proved that nothing stands: the same document goes again.
        await self._without_document(
            connection,
            found,
            reason="the request did not arrive; it is sent again",
            delay=retry_delay(max(0, found.attempts - 1)),
        )

    async def _without_document(
        self,
        connection: Connection,
        found: ImportRow,
        *,
        reason: str,
        delay: timedelta = timedelta(0),
    ) -> None:
        # No document stands and none is under way: what the order is by now decides.
        state = ImportState.LOCAL
        if found.cancelled:
            state, reason = ImportState.WITHDRAWN, "cancelled; no document stands"
        elif found.problem_lines:
            order = order_pb2.Order.FromString(found.content)
            state, reason = ImportState.BLOCKED, describe_problems(order, found.problem_lines)
        await update_import(
            connection,
            self.row.tenant_id,
            found.order_id,
            state=state,
            action="",
            document_revision=0,
            document_id="",
            document_number="",
            reason=reason,
            complete=found.cancelled,
            unread=False,
            due_in=delay,
        )
        if found.cancelled:
            await release_holds(connection, self.row.rule, found.order_id, "order cancelled")
        else:
            await settle_holds(connection, self.row.rule, found.order_id, "no document stands")
        await publish_import(connection, self.row.tenant_id, found.order_id)

    async def _mark_delete(self, connection: Connection, found: ImportRow) -> None:
        numbered = await draw_number(connection, self.row.tenant_id, self.row.id)
        # From here on the document may be gone: a hold that it netted counts
        # again, unless the order itself is no longer wanted.
        barrier = found.barrier if found.cancelled else numbered.number
        await update_import(
            connection,
            self.row.tenant_id,
            found.order_id,
            state=ImportState.SENT,
            action="delete",
            barrier=barrier,
            sent_number=numbered.number,
            sent_time=numbered.asked_time,
            due_in=self.settle_time,
        )
        await settle_holds(
            connection, self.row.rule, found.order_id, f"document {found.document_number} replaced"
        )

    async def _kept(self, connection: Connection, found: ImportRow) -> None:
        await update_import(
            connection,
            self.row.tenant_id,
            found.order_id,
            state=ImportState.ACKED,
            action="",
            attempts=found.attempts + 1,
            due_in=retry_delay(found.attempts),
            unread=True,
        )

    async def _deleted(self, connection: Connection, found: ImportRow, numbered: Numbered) -> None:
        await close_tasks(connection, self.row.tenant_id, CANNOT_AMEND, [f"order/{found.order_id}"])
        await update_import(
            connection,
            self.row.tenant_id,
            found.order_id,
            attempts=0,
            barrier=max(found.barrier, numbered.number),
        )
        await self._without_document(connection, found, reason="")

    async def _cannot_amend(
        self, connection: Connection, found: ImportRow, document: Document, reason: str
    ) -> None:
        what = "cancelled" if found.cancelled else "changed"
        summary = (
            f"Order {found.order_number} was {what}, but its document {document.number} can't be "
            f"deleted: {reason}"
        )
        await open_task(
            connection,
            self.row.tenant_id,
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
            self.row.tenant_id,
            found.order_id,
            state=ImportState.ACKED,
            action="",
            reason=summary,
            due_in=BLOCKED_DELETE_RETRY,
        )
        if found.reason != summary:
            await publish_import(connection, self.row.tenant_id, found.order_id)

    async def _still_ours(self, connection: Connection) -> None:
        if not await leases.still_held(connection, self.lease):
            raise LeaseLost(self.lease.subject)


class LeaseLost(Exception):
    """Another process works on the connection now: stop at once, it goes on."""
