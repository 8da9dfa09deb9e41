"""`spojka task …`."""

from typing import Annotated, Any

import grpc
import typer

from spojka.api.mail.v1 import mail_service_pb2 as mails
from spojka.api.mail.v1.mail_service_pb2_grpc import MailServiceStub
from spojka.api.orders.v1 import order_service_pb2 as orders
from spojka.api.orders.v1.order_service_pb2_grpc import OrderServiceStub
from spojka.api.payments.v1 import payment_service_pb2 as payments
from spojka.api.payments.v1.payment_service_pb2_grpc import PaymentServiceStub
from spojka.api.stock.v1 import item_service_pb2 as items
from spojka.api.stock.v1.item_service_pb2_grpc import ItemServiceStub
from spojka.cli.edge import Edge
from spojka.cli.edge_command import edge_command
from spojka.cli.errors import CommandError
from spojka.cli.output import AsJson, Limit, print_message, print_rows

app = typer.Typer(help="What only a person can decide.", no_args_is_help=True, add_completion=False)


@edge_command(app, "list")
async def list_tasks(
    edge: Edge,
    resolved: Annotated[bool, typer.Option("--resolved", help="Resolved ones, too.")] = False,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List the tasks of every side, newest first."""
    sources: list[tuple[Any, Any]] = [
        (OrderServiceStub(edge.channel).ListOrderTasks, orders.ListOrderTasksRequest),
        (ItemServiceStub(edge.channel).ListStockTasks, items.ListStockTasksRequest),
        (PaymentServiceStub(edge.channel).ListPaymentTasks, payments.ListPaymentTasksRequest),
        (MailServiceStub(edge.channel).ListMailTasks, mails.ListMailTasksRequest),
    ]
    found = [
        task
        for method, request in sources
        for task in await edge.rows(method, request(include_resolved=resolved), "tasks", limit)
    ]
    # Ids sort by time.
    rows = sorted(found, key=lambda task: str(task.id), reverse=True)[:limit]
    columns = ("id", "kind", "subject", "summary", "advice", "resolved_by")
    print_rows(rows, columns, as_json=as_json)


@edge_command(app)
async def resolve(edge: Edge, task: Annotated[str, typer.Argument(help="The task's id.")]) -> None:
    """Close a task that was dealt with."""
    *others, last = (
        (ItemServiceStub(edge.channel).ResolveStockTask, items.ResolveStockTaskRequest),
        (OrderServiceStub(edge.channel).ResolveOrderTask, orders.ResolveOrderTaskRequest),
        (PaymentServiceStub(edge.channel).ResolvePaymentTask, payments.ResolvePaymentTaskRequest),
        (MailServiceStub(edge.channel).ResolveMailTask, mails.ResolveMailTaskRequest),
    )
    for method, request in others:
        if await _resolved(edge, method, request(id=task)):
            return
    method, request = last
    print_message((await edge.call(method, request(id=task))).task)


async def _resolved(edge: Edge, method: Any, request: Any) -> bool:
    """Whether the service had this task; it is printed then."""
    try:
        answer = await edge.call(method, request)
    except CommandError as error:
        cause = error.__cause__
        if isinstance(cause, grpc.aio.AioRpcError) and cause.code() is grpc.StatusCode.NOT_FOUND:
            return False
        raise
    print_message(answer.task)
    return True
