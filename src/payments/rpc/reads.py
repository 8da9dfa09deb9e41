"""The calls that read payments, and the tasks of the money side."""

from datetime import date
from uuid import UUID

from payments.rpc.assembling import one_snapshot, whole_payment
from payments.storage.pages import Filter, list_payments
from payments.storage.reading import read_messages
from spojka.api.payments.v1 import payment_service_pb2 as pb
from spojka.database import Database
from spojka.errors import InvalidArgument, Violation
from spojka.rpc.pagination import decode_uuid_token, encode_token, page_size
from spojka.rpc.server import Call
from spojka.tasks import list_tasks, resolve_task
from spojka.values import symbol_key


class PaymentReads:
    """Answers them from the database."""

    def __init__(self, database: Database) -> None:
        """Stand on a database that is open when the first call comes."""
        self._database = database

    async def get_payment(self, request: pb.GetPaymentRequest, call: Call) -> pb.GetPaymentResponse:
        """Find one payment with its whole explanation."""
        tenant = call.identity.tenant
        async with self._database.transaction(tenant) as connection:
            await one_snapshot(connection)
            payment = await whole_payment(connection, tenant, UUID(request.id))
        return pb.GetPaymentResponse(payment=payment)

    async def list_payments(
        self, request: pb.ListPaymentsRequest, call: Call
    ) -> pb.ListPaymentsResponse:
        """List payments, newest first; what each criterion found is left to `get_payment`."""
        wanted = _filter(request)
        limit = page_size(request.page_size, default=50, maximum=500)
        before = decode_uuid_token(request.page_token)
        tenant = call.identity.tenant
        async with self._database.transaction(tenant) as connection:
            await one_snapshot(connection)
            ids, more = await list_payments(connection, tenant, wanted, before, limit)
            found = await read_messages(connection, tenant, ids)
        payments = [found[payment_id] for payment_id in ids]
        for payment in payments:
            payment.verdict.ClearField("runs")
        return pb.ListPaymentsResponse(
            payments=payments, next_page_token=encode_token([str(ids[-1])]) if more else ""
        )

    async def list_payment_tasks(
        self, request: pb.ListPaymentTasksRequest, call: Call
    ) -> pb.ListPaymentTasksResponse:
        """The tasks of the money side, newest first."""
        tenant = call.identity.tenant
        async with self._database.transaction(tenant) as connection:
            tasks, token = await list_tasks(
                connection,
                tenant,
                size=request.page_size,
                token=request.page_token,
                include_resolved=request.include_resolved,
            )
        return pb.ListPaymentTasksResponse(tasks=tasks, next_page_token=token)

    async def resolve_payment_task(
        self, request: pb.ResolvePaymentTaskRequest, call: Call
    ) -> pb.ResolvePaymentTaskResponse:
        """Close a task that a person has dealt with."""
        tenant = call.identity.tenant
        async with self._database.transaction(tenant) as connection:
            task = await resolve_task(connection, tenant, UUID(request.id), call.identity.actor)
        return pb.ResolvePaymentTaskResponse(task=task)


def _filter(request: pb.ListPaymentsRequest) -> Filter:
    symbol = symbol_key(request.variable_symbol)
    if request.variable_symbol and not symbol:
        only_zeros = "is made of zeros alone; such a symbol counts as none"
        raise InvalidArgument([Violation("variable_symbol", only_zeros)])
    from_, to = (
        date.fromisoformat(text) if text else None
        for text in (request.value_date_from, request.value_date_to)
    )
    if from_ and to and from_ > to:
        raise InvalidArgument([Violation("value_date_to", "is before value_date_from")])
    return Filter(
        status=request.status,
        connection_id=UUID(request.connection_id) if request.connection_id else None,
        variable_symbol=symbol,
        order_id=UUID(request.order_id) if request.order_id else None,
        value_date_from=from_,
        value_date_to=to,
        needs_person=request.needs_person,
    )
