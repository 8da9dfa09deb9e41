"""`spojka import …`."""

from typing import Annotated

import typer

from spojka.api.orders.v1 import order_pb2
from spojka.api.stock.v1 import item_service_pb2 as imports
from spojka.api.stock.v1.item_service_pb2_grpc import ImportServiceStub
from spojka.cli.edge import Edge
from spojka.cli.edge_command import edge_command
from spojka.cli.enums import number_of
from spojka.cli.output import AsJson, Limit, print_message, print_rows

app = typer.Typer(
    help="The way of orders into the warehouse system.", no_args_is_help=True, add_completion=False
)

OrderId = Annotated[str, typer.Argument(help="The order's id.")]


@edge_command(app, "list")
async def list_imports(
    edge: Edge,
    state: Annotated[str, typer.Option(help="local, sent, unknown, acked, blocked, …")] = "",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List imports, newest first."""
    request = imports.ListImportsRequest(
        state=number_of(order_pb2.ImportState.DESCRIPTOR, state)  # type: ignore[arg-type]
    )
    rows = await edge.rows(ImportServiceStub(edge.channel).ListImports, request, "imports", limit)
    columns = (
        "order_id",
        "order_number",
        "channel_id",
        "import.state",
        "import.document_number",
        "attempts",
        "import.reason",
    )
    print_rows(rows, columns, as_json=as_json)


@edge_command(app)
async def show(edge: Edge, order: OrderId) -> None:
    """Show the import of one order with its lines."""
    request = imports.GetImportRequest(order_id=order)
    answer = await edge.call(ImportServiceStub(edge.channel).GetImport, request)
    print_message(getattr(answer, "import"))


@edge_command(app)
async def retry(edge: Edge, order: OrderId) -> None:
    """Try a blocked import again now."""
    request = imports.RetryImportRequest(order_id=order)
    answer = await edge.call(ImportServiceStub(edge.channel).RetryImport, request)
    print_message(getattr(answer, "import"))


@edge_command(app)
async def settle(
    edge: Edge,
    order: OrderId,
    document: Annotated[str, typer.Option(help="The document that stands for the order.")] = "",
    none: Annotated[
        bool, typer.Option("--none", help="There is none and will be none; its holds end.")
    ] = False,
) -> None:
    """Say which document stands for an order that Spojka is not to send."""
    if bool(document) == none:
        raise typer.BadParameter("give either --document or --none")
    request = imports.SettleImportRequest(order_id=order, document_id=document)
    answer = await edge.call(ImportServiceStub(edge.channel).SettleImport, request)
    print_message(getattr(answer, "import"))
