"""`spojka order …`."""

import sys
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from google.protobuf.json_format import Parse, ParseError

from spojka.api.orders.v1 import order_pb2
from spojka.api.orders.v1 import order_service_pb2 as orders
from spojka.api.orders.v1.order_service_pb2_grpc import OrderServiceStub
from spojka.cli.edge import Edge
from spojka.cli.edge_command import edge_command
from spojka.cli.enums import number_of
from spojka.cli.errors import CommandError
from spojka.cli.output import AsJson, Limit, print_message, print_rows

app = typer.Typer(help="The order book.", no_args_is_help=True, add_completion=False)

MAX_FILE_BYTES = 4 * 1024 * 1024

OrderName = Annotated[
    str, typer.Argument(help="The order's id, or, with --channel, the channel's own id of it.")
]
Channel = Annotated[str, typer.Option(help="A channel's id.")]


@edge_command(app, "list")
async def list_orders(
    edge: Edge,
    channel: Channel = "",
    payment: Annotated[str, typer.Option(help="unpaid, partial, paid, …")] = "",
    fulfilment: Annotated[str, typer.Option(help="open, partly-delivered, delivered, …")] = "",
    import_state: Annotated[str, typer.Option("--import", help="local, acked, blocked, …")] = "",
    reference: Annotated[
        str, typer.Option(help="Order number, channel order id, variable symbol, invoice number.")
    ] = "",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List orders, newest first."""
    request = orders.ListOrdersRequest(
        channel_id=channel,
        payment_state=number_of(order_pb2.PaymentState.DESCRIPTOR, payment),  # type: ignore[arg-type]
        fulfilment_state=number_of(order_pb2.FulfilmentState.DESCRIPTOR, fulfilment),  # type: ignore[arg-type]
        import_state=number_of(order_pb2.ImportState.DESCRIPTOR, import_state),  # type: ignore[arg-type]
        reference=reference,
    )
    rows = await edge.rows(OrderServiceStub(edge.channel).ListOrders, request, "orders", limit)
    columns = (
        "id",
        "channel_id",
        "number",
        "total",
        "currency",
        "status",
        "payment_state",
        "fulfilment_state",
        "import.state",
        "order_time",
    )
    print_rows(rows, columns, as_json=as_json)


@edge_command(app)
async def show(edge: Edge, order: OrderName, channel: Channel = "") -> None:
    """Show one order."""
    print_message(await _find(edge, order, channel))


@edge_command(app)
async def place(
    edge: Edge,
    file: Annotated[Path, typer.Argument(help="The order as JSON; - reads standard input.")],
) -> None:
    """Take an order from its JSON form; the same again is the same order."""
    request = orders.PlaceOrderRequest(order=_read(file))
    answer = await edge.call(OrderServiceStub(edge.channel).PlaceOrder, request)
    if not answer.created:
        typer.echo("spojka: the order was there already", err=True)
    print_message(answer.order)


@edge_command(app)
async def cancel(
    edge: Edge,
    order: OrderName,
    channel: Channel = "",
    reason: Annotated[str, typer.Option(help="Why, for the history.")] = "",
    revision: Annotated[
        int, typer.Option(help="Only at this content revision; without it, the current one.")
    ] = 0,
) -> None:
    """Cancel an order."""
    found = await _find(edge, order, channel)
    request = orders.CancelOrderRequest(
        id=found.id, expected_revision=revision or found.content_revision, reason=reason
    )
    print_message((await edge.call(OrderServiceStub(edge.channel).CancelOrder, request)).order)


@edge_command(app)
async def history(
    edge: Edge, order: OrderName, channel: Channel = "", limit: Limit = 100, as_json: AsJson = False
) -> None:
    """Say what happened to an order, oldest first."""
    found = await _find(edge, order, channel)
    method = OrderServiceStub(edge.channel).ListOrderHistory
    request = orders.ListOrderHistoryRequest(id=found.id)
    rows = await edge.rows(method, request, "entries", limit)
    print_rows(rows, ("revision", "time", "actor", "summary"), as_json=as_json)


async def _find(edge: Edge, order: str, channel: str) -> order_pb2.Order:
    if channel:
        request = orders.GetOrderRequest(channel_id=channel, channel_order_id=order)
    else:
        try:
            request = orders.GetOrderRequest(id=str(UUID(order)))
        except ValueError:
            raise typer.BadParameter(
                f"{order!r} is not an order's id; with the channel's own id give --channel, too"
            ) from None
    return (await edge.call(OrderServiceStub(edge.channel).GetOrder, request)).order


def _read(file: Path) -> order_pb2.Order:
    try:
        if str(file) == "-":
            text = sys.stdin.read(MAX_FILE_BYTES + 1)
        else:
            with file.open(encoding="utf-8") as stream:
                text = stream.read(MAX_FILE_BYTES + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} can't be read: {error}") from error
    if len(text) > MAX_FILE_BYTES:
        raise CommandError(f"{file} is longer than {MAX_FILE_BYTES} characters")
    try:
        return Parse(text, order_pb2.Order())
    except ParseError as error:
        raise CommandError(f"{file} is not an order in JSON: {error}") from error
