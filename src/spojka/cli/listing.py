"""`spojka listing …`."""

from typing import Annotated

import typer

from spojka.api.stock.v1 import listing_service_pb2 as listings
from spojka.api.stock.v1.listing_service_pb2_grpc import ListingServiceStub
from spojka.cli.edge import Edge
from spojka.cli.edge_command import edge_command
from spojka.cli.output import AsJson, Limit, print_message, print_rows

app = typer.Typer(
    help="What channels sell, and which item it is.", no_args_is_help=True, add_completion=False
)

ChannelId = Annotated[str, typer.Argument(help="The channel's id.")]
ListingId = Annotated[str, typer.Argument(help="The channel's own id of the listing.")]


@edge_command(app, "list")
async def list_listings(
    edge: Edge,
    channel: ChannelId,
    unlinked: Annotated[bool, typer.Option("--unlinked", help="Only those without item.")] = False,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List a channel's listings."""
    request = listings.ListListingsRequest(channel_id=channel, unlinked_only=unlinked)
    method = ListingServiceStub(edge.channel).ListListings
    rows = await edge.rows(method, request, "listings", limit)
    columns = ("id", "product_number", "ean", "name", "item_id", "link_source", "problem")
    print_rows(rows, columns, as_json=as_json)


@edge_command(app)
async def link(
    edge: Edge,
    channel: ChannelId,
    listing: ListingId,
    item: Annotated[str, typer.Argument(help="The item's id.")],
) -> None:
    """Link a listing to an item by hand."""
    request = listings.LinkListingRequest(channel_id=channel, listing_id=listing, item_id=item)
    print_message((await edge.call(ListingServiceStub(edge.channel).LinkListing, request)).listing)


@edge_command(app)
async def unlink(edge: Edge, channel: ChannelId, listing: ListingId) -> None:
    """End a link made by hand; the pairing rule applies again."""
    request = listings.UnlinkListingRequest(channel_id=channel, listing_id=listing)
    method = ListingServiceStub(edge.channel).UnlinkListing
    print_message((await edge.call(method, request)).listing)


@edge_command(app)
async def suggest(
    edge: Edge, channel: ChannelId, listing: ListingId, as_json: AsJson = False
) -> None:
    """Suggest items for a listing, best first."""
    request = listings.SuggestItemsRequest(channel_id=channel, listing_id=listing)
    answer = await edge.call(ListingServiceStub(edge.channel).SuggestItems, request)
    columns = ("item_id", "product_number", "ean", "name", "reason")
    print_rows(answer.suggestions, columns, as_json=as_json)


@edge_command(app)
async def coverage(
    edge: Edge,
    channel: Annotated[str, typer.Argument(help="A channel's id; without it, all.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say what share of each channel is linked."""
    request = listings.GetCoverageRequest(channel_id=channel)
    answer = await edge.call(ListingServiceStub(edge.channel).GetCoverage, request)
    if as_json:
        print_message(answer)
        return
    columns = ("channel_id", "listings", "linked", "linked_by_hand")
    print_rows(answer.channels, columns, as_json=False)
    typer.echo(f"items that no channel lists: {answer.unlisted_items}")


@edge_command(app)
async def conflicts(edge: Edge, limit: Limit = 100, as_json: AsJson = False) -> None:
    """List keys that name more than one thing."""
    method = ListingServiceStub(edge.channel).ListConflicts
    rows = await edge.rows(method, listings.ListConflictsRequest(), "conflicts", limit)
    columns = ("key_kind", "key", "warehouse", "card_id", "item_id", "advice")
    print_rows(rows, columns, as_json=as_json)
