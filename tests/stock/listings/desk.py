"""A person or a channel at the service of listings, with the orders service that knows channels."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import grpc

from orders.rpc.channel_service import ChannelServicer
from spojka.api.orders.v1 import channel_service_pb2 as channels
from spojka.api.orders.v1.channel_service_pb2_grpc import ChannelServiceStub
from spojka.api.stock.v1 import item_service_pb2 as items
from spojka.api.stock.v1 import listing_service_pb2 as api
from spojka.api.stock.v1.item_service_pb2_grpc import ItemServiceStub
from spojka.api.stock.v1.listing_service_pb2_grpc import ListingServiceStub
from spojka.database import Database
from spojka.identity import Identity, Scope
from spojka.rpc.client import call_metadata, open_channel
from stock.imports.resolving import UnsentOrders
from stock.items.service import ItemServicer
from stock.listings.directory import ChannelDirectory
from stock.listings.feed import ChangeFeed
from stock.listings.service import ListingServicer
from tests.internal_calls import INTERNAL_TOKEN, call_as, internal_server
from tests.stock.listings.conftest import World

ESHOP: Final = "eshop"


@dataclass(frozen=True, slots=True)
class Desk:
    """Calls as one identity. What a call ends with is raised as `spojka.errors` has it."""

    wire: grpc.aio.Channel
    identity: Identity

    def as_key(self, channel_id: str) -> "Desk":
        narrow = replace(self.identity, scope=Scope.CHANNEL, channel_id=channel_id)
        return replace(self, identity=narrow)

    async def call(self, method: str, **fields: Any) -> Any:
        """Call a method of either service by its name, with the fields of its request."""
        known = api if hasattr(api, f"{method}Request") else items
        stubs = [ListingServiceStub(self.wire), ItemServiceStub(self.wire)]
        request = getattr(known, f"{method}Request")(**fields)
        return await call_as(self.identity, stubs, method, request)

    async def put(self, *listings: api.Listing, channel: str = ESHOP) -> list[api.Listing]:
        answer = await self.call("PutListings", channel_id=channel, listings=listings)
        return list(answer.listings)

    async def listed(self, size: int = 0, *, unlinked: bool = False) -> list[api.Listing]:
        """The shop's listings, of all pages; none of these is empty."""
        seen: list[api.Listing] = []
        token = ""
        while True:
            page = await self.call(
                "ListListings",
                channel_id=ESHOP,
                page_size=size,
                page_token=token,
                unlinked_only=unlinked,
            )
            assert page.listings or not token
            seen += page.listings
            token = page.next_page_token
            if not token:
                return seen

    async def items(self, size: int = 0, **fields: Any) -> list[str]:
        """The numbers of the items, of all pages."""
        seen: list[str] = []
        token = ""
        while True:
            page = await self.call("ListItems", page_size=size, page_token=token, **fields)
            assert page.items or not token
            seen += [item.product_number for item in page.items]
            token = page.next_page_token
            if not token:
                return seen

    async def link(self, listing_id: str, item_id: object) -> api.Listing:
        answer = await self.call(
            "LinkListing", channel_id=ESHOP, listing_id=listing_id, item_id=str(item_id)
        )
        linked: api.Listing = answer.listing
        return linked

    async def offered(self, *listing_ids: str) -> dict[str, str]:
        answer = await self.call("ResolveOffered", channel_id=ESHOP, listing_ids=listing_ids)
        return {offer.listing_id: offer.offered for offer in answer.offers}

    def watch(self, token: str = "") -> "Stream":
        """What the shop is told from now on, or from a token on."""
        request = api.WatchStockRequest(channel_id=ESHOP, resume_token=token)
        metadata = call_metadata(self.identity, INTERNAL_TOKEN)
        call = ListingServiceStub(self.wire).WatchStock(request, metadata=metadata, timeout=30)
        return Stream(call)


class Stream:
    """A stream of offers as its client reads it."""

    def __init__(self, call: Any) -> None:
        """Take the call, of which nothing is read yet."""
        self._call = call
        self.token = ""

    async def batch(self) -> dict[str, str]:
        """The offers of the next batch."""
        response = await self._call.read()
        self.token = response.resume_token
        return {offer.listing_id: offer.offered for offer in response.offers}

    def leave(self) -> None:
        self._call.cancel()


def listing(id_: str, number: str = "", ean: str = "", name: str = "") -> api.Listing:
    return api.Listing(id=id_, product_number=number, ean=ean, name=name)


@asynccontextmanager
async def open_desk(world: World, feed: ChangeFeed, book: Database) -> AsyncIterator[Desk]:
    """The desk of the world's tenant, which has the channel ESHOP."""
    operator = Identity(world.tenant, Scope.OPERATOR, "jana")
    async with AsyncExitStack() as stack:
        orders, stock = internal_server(), internal_server()
        orders.add(channels.DESCRIPTOR.services_by_name["ChannelService"], ChannelServicer(book))
        await orders.start()
        stack.push_async_callback(orders.stop)
        directory = ChannelDirectory(f"127.0.0.1:{orders.port}", INTERNAL_TOKEN)
        await directory.start()
        stack.push_async_callback(directory.stop)
        servicer = ListingServicer(world.database, feed, directory, UnsentOrders())
        stock.add(api.DESCRIPTOR.services_by_name["ListingService"], servicer)
        stock.add(
            items.DESCRIPTOR.services_by_name["ItemService"],
            ItemServicer(world.database, feed.nudge),
        )
        await stock.start()
        stack.push_async_callback(stock.stop)
        async with (
            open_channel(f"127.0.0.1:{orders.port}") as book_wire,
            open_channel(f"127.0.0.1:{stock.port}") as wire,
        ):
            request = channels.CreateChannelRequest(channel=channels.Channel(id=ESHOP))
            await call_as(operator, [ChannelServiceStub(book_wire)], "CreateChannel", request)
            yield Desk(wire, operator)
