"""`spojka item …`."""

from typing import Annotated
from uuid import UUID

import typer

from spojka.api.stock.v1 import item_service_pb2 as items
from spojka.api.stock.v1.item_service_pb2_grpc import ItemServiceStub
from spojka.cli.edge import Edge
from spojka.cli.edge_command import edge_command
from spojka.cli.output import AsJson, Limit, print_message, print_rows

app = typer.Typer(
    help="What is in the warehouse, and why.", no_args_is_help=True, add_completion=False
)

ItemName = Annotated[str, typer.Argument(help="The item's id or product number, or its EAN.")]
ByEan = Annotated[bool, typer.Option("--ean", help="The argument is an EAN.")]


@edge_command(app)
async def show(edge: Edge, item: ItemName, ean: ByEan = False) -> None:
    """Show one item."""
    print_message(await _find(edge, item, ean))


@edge_command(app, "list")
async def list_items(
    edge: Edge,
    prefix: Annotated[str, typer.Option(help="The beginning of a product number.")] = "",
    unlinked: Annotated[bool, typer.Option("--unlinked", help="Only those no one lists.")] = False,
    removed: Annotated[bool, typer.Option("--removed", help="Removed ones, too.")] = False,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List items by product number."""
    request = items.ListItemsRequest(
        product_number_prefix=prefix, unlinked_only=unlinked, include_removed=removed
    )
    rows = await edge.rows(ItemServiceStub(edge.channel).ListItems, request, "items", limit)
    columns = ("id", "product_number", "ean", "name", "available", "unit", "revision", "conflict")
    print_rows(rows, columns, as_json=as_json)


@edge_command(app)
async def trace(edge: Edge, item: ItemName, ean: ByEan = False, movements: Limit = 50) -> None:
    """Explain an item's numbers: which reading, which holds, which rule."""
    found = await _find(edge, item, ean)
    request = items.TraceItemRequest(id=found.id, page_size=movements)
    answer = await edge.call(ItemServiceStub(edge.channel).TraceItem, request)
    print_message(answer)


@edge_command(app)
async def holds(
    edge: Edge,
    item: Annotated[str, typer.Argument(help="The item's id or product number.")] = "",
    order: Annotated[str, typer.Option(help="An order's id.")] = "",
    ended: Annotated[bool, typer.Option("--ended", help="Ended ones, too.")] = False,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List the holds of an item or of an order, oldest first."""
    if not item and not order:
        raise typer.BadParameter("name an item, or an order with --order")
    request = items.ListHoldsRequest(
        item_id=(await _find(edge, item, by_ean=False)).id if item else "",
        order_id=order,
        include_ended=ended,
    )
    rows = await edge.rows(ItemServiceStub(edge.channel).ListHolds, request, "holds", limit)
    columns = ("order_id", "line_id", "warehouse", "state", "created", "live", "reason")
    print_rows(rows, columns, as_json=as_json)


async def _find(edge: Edge, item: str, by_ean: bool) -> items.Item:
    if by_ean:
        request = items.GetItemRequest(ean=item)
    else:
        try:
            request = items.GetItemRequest(id=str(UUID(item)))
        except ValueError:
            request = items.GetItemRequest(product_number=item)
    return (await edge.call(ItemServiceStub(edge.channel).GetItem, request)).item
