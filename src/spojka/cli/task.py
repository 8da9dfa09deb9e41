"""`spojka task …`."""

from typing import Annotated

import grpc
import typer

from spojka.api.orders.v1 import order_service_pb2 as orders
from spojka.api.orders.v1.order_service_pb2_grpc import OrderServiceStub
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
    """List the tasks of orders and of the goods side, newest first."""
    of_orders = await edge.rows(
        OrderServiceStub(edge.channel).ListOrderTasks,
        orders.ListOrderTasksRequest(include_resolved=resolved),
        "tasks",
        limit,
    )
    of_stock = await edge.rows(
        ItemServiceStub(edge.channel).ListStockTasks,
        items.ListStockTasksRequest(include_resolved=resolved),
        "tasks",
        limit,
    )
    # Ids sort by time.
    rows = sorted([*of_orders, *of_stock], key=lambda task: str(task.id), reverse=True)[:limit]
    columns = ("id", "kind", "subject", "summary", "advice", "resolved_by")
    print_rows(rows, columns, as_json=as_json)


@edge_command(app)
async def resolve(edge: Edge, task: Annotated[str, typer.Argument(help="The task's id.")]) -> None:
    """Close a task that was dealt with."""
    try:
        answer = await edge.call(
            ItemServiceStub(edge.channel).ResolveStockTask, items.ResolveStockTaskRequest(id=task)
        )
        print_message(answer.task)
    except CommandError as error:
        cause = error.__cause__
        if not isinstance(cause, grpc.aio.AioRpcError):
            raise
        if cause.code() is not grpc.StatusCode.NOT_FOUND:
            raise
        request = orders.ResolveOrderTaskRequest(id=task)
        method = OrderServiceStub(edge.channel).ResolveOrderTask
        print_message((await edge.call(method, request)).task)
