"""ItemService: answers what there is of an item, and why."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from spojka.api.stock.v1 import item_service_pb2 as api
from spojka.database import Connection, Database
from spojka.errors import InvalidArgument, Violation
from spojka.rpc.pagination import decode_number_token, encode_token, page_size
from spojka.rpc.server import Call
from spojka.tasks import list_tasks, resolve_task
from spojka.values import format_decimal, parse_decimal
from stock.connections.model import load_connection
from stock.domain.availability import ItemStock
from stock.items.queries import ItemRow, find_item, item_message, list_holds, list_items
from stock.levels.publish import item_stock, lock_items, publish


@dataclass(frozen=True, slots=True)
class ItemServicer:
    """Answers ItemService; `after_commit` hints the relay."""

    database: Database
    after_commit: Callable[[UUID], None]

    async def get_item(self, request: api.GetItemRequest, call: Call) -> api.GetItemResponse:
        """One item by id, number or EAN."""
        if sum(map(bool, (request.id, request.product_number, request.ean))) != 1:
            raise InvalidArgument(
                [Violation("id", "exactly one of id, product_number and ean must be set")]
            )
        async with self.database.transaction(call.identity.tenant) as connection:
            row = await find_item(
                connection,
                call.identity.tenant,
                item_id=request.id,
                product_number=request.product_number,
                ean=request.ean,
            )
        return api.GetItemResponse(item=item_message(row))

    async def list_items(self, request: api.ListItemsRequest, call: Call) -> api.ListItemsResponse:
        """A page of items."""
        async with self.database.transaction(call.identity.tenant) as connection:
            return await list_items(connection, call.identity.tenant, request)

    async def set_item_buffer(
        self, request: api.SetItemBufferRequest, call: Call
    ) -> api.SetItemBufferResponse:
        """Set or clear an item's own buffer; what it offers follows at once."""
        tenant, item_id = call.identity.tenant, UUID(request.id)
        buffer = parse_decimal(request.buffer) if request.HasField("buffer") else None
        async with self.database.transaction(tenant) as connection:
            found = await find_item(connection, tenant, item_id=request.id)
            warehouse = await load_connection(connection, tenant, found.connection_id)
            rule = await lock_items(connection, warehouse.rule, [item_id])
            await connection.execute(
                "UPDATE item SET buffer = %s, xid = pg_current_xact_id()"
                " WHERE tenant_id = %s AND id = %s",
                [buffer, tenant, item_id],
            )
            await publish(connection, rule, [item_id], f"buffer by {call.identity.actor}")
            row = await find_item(connection, tenant, item_id=request.id)
        self.after_commit(tenant)
        return api.SetItemBufferResponse(item=item_message(row))

    async def trace_item(self, request: api.TraceItemRequest, call: Call) -> api.TraceItemResponse:
        """Why an item's number is what it is."""
        tenant = call.identity.tenant
        async with self.database.transaction(tenant) as connection:
            row = await find_item(connection, tenant, item_id=request.id)
            warehouse = await load_connection(connection, tenant, row.connection_id)
            rule = warehouse.rule
            stocks = await item_stock(connection, rule, [row.id])
            buffer = rule.buffer if row.buffer is None else row.buffer
            answer = api.TraceItemResponse(
                item=item_message(row),
                explanation=stocks.get(row.id, ItemStock({})).explain(rule.aggregation, buffer),
                levels=await _levels(connection, tenant, row),
            )
            holds = api.ListHoldsRequest(item_id=request.id, include_ended=True, page_size=200)
            answer.holds.extend((await list_holds(connection, tenant, holds)).holds)
            await _add_movements(connection, tenant, request, answer)
        return answer

    async def list_holds(self, request: api.ListHoldsRequest, call: Call) -> api.ListHoldsResponse:
        """A page of holds."""
        if not request.order_id and not request.item_id:
            raise InvalidArgument([Violation("order_id", "name an order or an item")])
        async with self.database.transaction(call.identity.tenant) as connection:
            return await list_holds(connection, call.identity.tenant, request)

    async def list_stock_tasks(
        self, request: api.ListStockTasksRequest, call: Call
    ) -> api.ListStockTasksResponse:
        """A page of tasks."""
        async with self.database.transaction(call.identity.tenant) as connection:
            tasks, more = await list_tasks(
                connection,
                call.identity.tenant,
                size=request.page_size,
                token=request.page_token,
                include_resolved=request.include_resolved,
            )
        return api.ListStockTasksResponse(tasks=tasks, next_page_token=more)

    async def resolve_stock_task(
        self, request: api.ResolveStockTaskRequest, call: Call
    ) -> api.ResolveStockTaskResponse:
        """A person's word that a task is dealt with."""
        async with self.database.transaction(call.identity.tenant) as connection:
            task = await resolve_task(
                connection, call.identity.tenant, UUID(request.id), call.identity.actor
            )
        return api.ResolveStockTaskResponse(task=task)


async def _levels(connection: Connection, tenant: UUID, row: ItemRow) -> list[api.LevelTrace]:
    cursor = await connection.execute(
        """
        SELECT warehouse, card_id, on_hand, reserved, ordered, available, capture,
               greatest(capture, (SELECT max(coverage.capture) FROM coverage
                                  WHERE coverage.tenant_id = level.tenant_id
                                    AND coverage.connection_id = level.connection_id
                                    AND level.card_id = ANY(coverage.cards))),
               as_of_time
        FROM level WHERE tenant_id = %s AND item_id = %s ORDER BY warehouse
        """,
        [tenant, row.id],
    )
    traces = []
    for (
        warehouse,
        card,
        on_hand,
        reserved,
        ordered,
        available,
        capture,
        confirmed,
        time,
    ) in await cursor.fetchall():
        trace = api.LevelTrace(
            warehouse=warehouse,
            card_id=card,
            on_hand=format_decimal(on_hand),
            reserved=format_decimal(reserved),
            ordered=format_decimal(ordered),
            erp_available=format_decimal(available),
            capture=capture,
            confirmed_capture=confirmed,
        )
        trace.as_of_time.FromDatetime(time)
        traces.append(trace)
    return traces


async def _add_movements(
    connection: Connection,
    tenant: UUID,
    request: api.TraceItemRequest,
    answer: api.TraceItemResponse,
) -> None:
    limit = page_size(request.page_size, default=50, maximum=500)
    after = decode_number_token(request.page_token)
    cursor = await connection.execute(
        """
        SELECT revision, time, before, after, cause FROM movement
        WHERE tenant_id = %s AND item_id = %s AND (%s::bigint IS NULL OR revision < %s::bigint)
        ORDER BY revision DESC LIMIT %s
        """,
        [tenant, UUID(request.id), *([after] * 2), limit + 1],
    )
    rows = await cursor.fetchall()
    for revision, time, before, now, cause in rows[:limit]:
        movement = answer.movements.add(
            revision=revision,
            available_before=format_decimal(before),
            available_after=format_decimal(now),
            cause=cause,
        )
        movement.time.FromDatetime(time)
    if len(rows) > limit:
        answer.next_page_token = encode_token([str(rows[limit - 1][0])])
