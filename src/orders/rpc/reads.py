"""The calls that read orders, their history and their tasks."""

from uuid import UUID

from orders.rpc.visibility import may_see
from orders.storage.changing import no_order
from orders.storage.placing import known_orders
from orders.storage.reading import Filter, find_order, list_history, list_orders
from spojka.api.orders.v1 import order_pb2
from spojka.api.orders.v1 import order_service_pb2 as pb
from spojka.database import Database
from spojka.errors import InvalidArgument, Violation
from spojka.rpc.pagination import decode_token, encode_token, page_size
from spojka.rpc.server import Call
from spojka.tasks import list_tasks, resolve_task


class OrderReads:
    """Answers them from the database."""

    def __init__(self, database: Database) -> None:
        """Stand on a database that is open when the first call comes."""
        self._database = database

    async def get_order(self, request: pb.GetOrderRequest, call: Call) -> pb.GetOrderResponse:
        """Find an order by its id or by its channel's identity."""
        by_key = bool(request.channel_id and request.channel_order_id)
        if bool(request.id) == by_key:
            wants = "name the order either by id or by channel_id and channel_order_id"
            raise InvalidArgument([Violation("id", wants)])
        order = await (self._by_key(request, call) if by_key else self._by_id(request.id, call))
        return pb.GetOrderResponse(order=order)

    async def list_orders(self, request: pb.ListOrdersRequest, call: Call) -> pb.ListOrdersResponse:
        """List orders, newest first; a channel's key sees its own channel's alone."""
        if request.channel_id:
            call.identity.require_channel(request.channel_id)
        wanted = Filter(
            channel_id=request.channel_id or call.identity.channel_id or "",
            payment_state=request.payment_state,
            fulfilment_state=request.fulfilment_state,
            import_state=request.import_state,
            reference=request.reference.strip(),
        )
        limit = page_size(request.page_size, default=50, maximum=500)
        before = _id_token(request.page_token)
        tenant = call.identity.tenant
        async with self._database.transaction(tenant) as connection:
            orders, more = await list_orders(connection, tenant, wanted, before, limit)
        return pb.ListOrdersResponse(
            orders=orders, next_page_token=encode_token([orders[-1].id]) if more else ""
        )

    async def list_order_history(
        self, request: pb.ListOrderHistoryRequest, call: Call
    ) -> pb.ListOrderHistoryResponse:
        """What happened to an order, oldest first."""
        limit = page_size(request.page_size, default=100, maximum=1000)
        after = _revision_token(request.page_token)
        tenant, order_id = call.identity.tenant, UUID(request.id)
        async with self._database.transaction(tenant) as connection:
            entries = await list_history(connection, tenant, order_id, after, limit + 1)
        if not entries and not request.page_token:
            # Every order has the entry of its placing.
            raise no_order(request.id)
        more = len(entries) > limit
        return pb.ListOrderHistoryResponse(
            entries=entries[:limit],
            next_page_token=encode_token([str(entries[limit - 1].revision)]) if more else "",
        )

    async def list_order_tasks(
        self, request: pb.ListOrderTasksRequest, call: Call
    ) -> pb.ListOrderTasksResponse:
        """The tasks of orders, newest first."""
        tenant = call.identity.tenant
        async with self._database.transaction(tenant) as connection:
            tasks, token = await list_tasks(
                connection,
                tenant,
                size=request.page_size,
                token=request.page_token,
                include_resolved=request.include_resolved,
                subject=f"order/{UUID(request.order_id)}" if request.order_id else "",
            )
        return pb.ListOrderTasksResponse(tasks=tasks, next_page_token=token)

    async def resolve_order_task(
        self, request: pb.ResolveOrderTaskRequest, call: Call
    ) -> pb.ResolveOrderTaskResponse:
        """Close a task that a person has dealt with."""
        tenant = call.identity.tenant
        async with self._database.transaction(tenant) as connection:
            task = await resolve_task(connection, tenant, UUID(request.id), call.identity.actor)
        return pb.ResolveOrderTaskResponse(task=task)

    async def _by_id(self, order_id: str, call: Call) -> order_pb2.Order:
        tenant = call.identity.tenant
        async with self._database.transaction(tenant) as connection:
            order = await find_order(connection, tenant, UUID(order_id))
        if order is None or not may_see(call.identity, order.channel_id):
            raise no_order(order_id)
        return order

    async def _by_key(self, request: pb.GetOrderRequest, call: Call) -> order_pb2.Order:
        call.identity.require_channel(request.channel_id)
        key = (request.channel_id, request.channel_order_id)
        tenant = call.identity.tenant
        async with self._database.transaction(tenant) as connection:
            known = await known_orders(connection, tenant, [key])
        if key not in known:
            raise no_order(f"{request.channel_order_id!r} of channel {request.channel_id!r}")
        return known[key].message


def _id_token(token: str) -> UUID | None:
    key = decode_token(token, 1)
    try:
        return UUID(key[0]) if key is not None else None
    except ValueError as error:
        raise _foreign_token() from error


def _revision_token(token: str) -> int:
    key = decode_token(token, 1)
    try:
        return int(key[0]) if key is not None else 0
    except ValueError as error:
        raise _foreign_token() from error


def _foreign_token() -> InvalidArgument:
    return InvalidArgument([Violation("page_token", "is not a token that this method gave")])
