"""ImportService: the way of orders into the warehouse system, and people's word on it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from psycopg.rows import class_row

from spojka import leases
from spojka.api.orders.v1 import order_pb2
from spojka.api.stock.v1 import item_service_pb2 as api
from spojka.database import Connection, Database
from spojka.errors import FailedPrecondition, NotFound
from spojka.rpc.pagination import decode_uuid_token, encode_token, page_size
from spojka.rpc.server import Call
from spojka.values import format_decimal, parse_decimal
from stock.connections.model import load_connection
from stock.domain.imports import ImportState
from stock.imports.by_hand import stands, stands_nowhere
from stock.imports.events import STATES, import_message, publish_import
from stock.imports.goods import goods_lines
from stock.imports.resolving import CONNECTION_WORK
from stock.imports.store import (
    COLUMNS,
    ImportRow,
    load_holds,
    lock_imports,
    update_import,
)
from stock.imports.unsent import resolve_order


@dataclass(frozen=True, slots=True)
class ImportServicer:
    """Answers ImportService. `wake` hints the scheduler; `after_commit` the relay."""

    database: Database
    wake: Callable[[], None]
    after_commit: Callable[[UUID], None]

    async def get_import(self, request: api.GetImportRequest, call: Call) -> api.GetImportResponse:
        """The import of one order."""
        tenant = call.identity.tenant
        async with self.database.transaction(tenant) as connection:
            row = await _load(connection, tenant, UUID(request.order_id))
            return api.GetImportResponse(**{"import": await _message(connection, tenant, row)})

    async def list_imports(
        self, request: api.ListImportsRequest, call: Call
    ) -> api.ListImportsResponse:
        """A page of imports, newest first."""
        tenant = call.identity.tenant
        limit = page_size(request.page_size, default=50, maximum=500)
        after = decode_uuid_token(request.page_token)
        state = next((name for name, value in STATES.items() if value == request.state), None)
        async with self.database.transaction(tenant) as connection:
            async with connection.cursor(row_factory=class_row(ImportRow)) as cursor:
                await cursor.execute(
                    f"""
                    SELECT {COLUMNS} FROM order_import
                    WHERE tenant_id = %s AND (%s::text IS NULL OR state = %s)
                      AND (%s::uuid IS NULL OR order_id < %s::uuid)
                    ORDER BY order_id DESC LIMIT %s
                    """.encode(),
                    [tenant, state, state, *([after] * 2), limit + 1],
                )
                rows = await cursor.fetchall()
            imports = [await _message(connection, tenant, row) for row in rows[:limit]]
        more = encode_token([imports[-1].order_id]) if len(rows) > limit else ""
        return api.ListImportsResponse(imports=imports, next_page_token=more)

    async def retry_import(
        self, request: api.RetryImportRequest, call: Call
    ) -> api.RetryImportResponse:
        """Resolve a blocked import's lines anew and try it at once.

        One that is on its way keeps its time: a look-up before then proves nothing.
        """
        tenant, order_id = call.identity.tenant, UUID(request.order_id)
        async with self.database.transaction(tenant) as connection:
            row = await _load(connection, tenant, order_id)
            if row.status in {ImportState.LOCAL, ImportState.BLOCKED}:
                await resolve_order(connection, tenant, order_id)
            if row.status not in {ImportState.SENT, ImportState.UNKNOWN}:
                await update_import(connection, tenant, order_id, due_in=timedelta(0))
            if row.connection_id is not None:
                await leases.offer(connection, CONNECTION_WORK, str(row.connection_id), tenant)
            row = await _load(connection, tenant, order_id)
            message = await _message(connection, tenant, row)
        self.after_commit(tenant)
        self.wake()
        return api.RetryImportResponse(**{"import": message})

    async def settle_import(
        self, request: api.SettleImportRequest, call: Call
    ) -> api.SettleImportResponse:
        """A person's word: the document that stands for the order, or that there is none."""
        tenant, order_id = call.identity.tenant, UUID(request.order_id)
        async with self.database.transaction(tenant) as connection:
            found = (await lock_imports(connection, tenant, [order_id])).get(order_id)
            if found is None or found.connection_id is None:
                raise NotFound(f"there is no import of order {order_id}")
            if found.status in {ImportState.SENT, ImportState.UNKNOWN}:
                raise FailedPrecondition("the order is on its way; wait for its look-up")
            warehouse = await load_connection(connection, tenant, found.connection_id)
            if request.document_id:
                await stands(connection, warehouse, found, request.document_id, call.identity.actor)
            else:
                await stands_nowhere(connection, warehouse, found, call.identity.actor)
            await publish_import(connection, tenant, order_id)
            await leases.offer(connection, CONNECTION_WORK, str(found.connection_id), tenant)
            row = await _load(connection, tenant, order_id)
            message = await _message(connection, tenant, row)
        self.after_commit(tenant)
        self.wake()
        return api.SettleImportResponse(**{"import": message})


async def _load(connection: Connection, tenant: UUID, order_id: UUID) -> ImportRow:
    row = (await lock_imports(connection, tenant, [order_id])).get(order_id)
    if row is None:
        raise NotFound(f"there is no import of order {order_id}")
    return row


async def _message(connection: Connection, tenant: UUID, row: ImportRow) -> api.Import:
    order = order_pb2.Order.FromString(row.content)
    holds = {
        hold.line_id: hold
        for hold in await load_holds(connection, tenant, [row.order_id])
        if hold.wanted or not row.cancelled
    }
    message = api.Import(
        order_id=str(row.order_id),
        order_number=row.order_number,
        channel_id=row.channel_id,
        attempts=row.attempts,
    )
    getattr(message, "import").CopyFrom(import_message(row))
    message.create_time.FromDatetime(row.create_time)
    if row.status in {ImportState.LOCAL, ImportState.UNKNOWN}:
        message.next_attempt_time.FromDatetime(row.next_attempt_time)
    for line in goods_lines(order):
        hold = holds.get(line.id)
        message.lines.add(
            line_id=line.id,
            item_id=hold.item_id if hold else "",
            warehouse=(hold.warehouse or "") if hold else "",
            quantity=format_decimal(parse_decimal(line.quantity)),
            delivered=row.delivered.get(line.id, "0"),
            problem=row.problem_lines.get(line.id, ""),
        )
    return message
