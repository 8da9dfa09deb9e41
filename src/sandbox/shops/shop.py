"""A shop: what all have in common, however they are told of stock."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from sandbox.shops.edge import EdgeClient
from sandbox.shops.listing import Listing
from sandbox.shops.shelf import Shelf
from sandbox.shops.till import Till
from spojka.api.stock.v1 import listing_service_pb2 as api
from spojka.api.stock.v1.listing_service_pb2_grpc import ListingServiceStub


class Shop:
    """A catalogue, a shelf and a till. Open it as an async context manager.

    Opening reports the listings to Spojka and begins to follow the stock.
    """

    def __init__(
        self, name: str, channel_id: str, edge: EdgeClient, listings: Sequence[Listing]
    ) -> None:
        """Sell these listings on a channel that Spojka knows; `edge` carries the channel's key."""
        self.name = name
        self.channel_id = channel_id
        self.edge = edge
        self.listings = {listing.id: listing for listing in listings}
        self.shelf = Shelf(self.listings)
        self.till = Till(edge, channel_id, self.shelf, self.listings, f"{channel_id}-")
        self._following: asyncio.Task[None] | None = None

    async def follow(self) -> None:
        """Put what Spojka says on the shelf, without end."""
        raise NotImplementedError

    async def report_listings(self) -> list[api.Listing]:
        """Tell Spojka what the shop sells; returns the listings with their links."""
        request = api.PutListingsRequest(
            channel_id=self.channel_id,
            listings=[listing.message() for listing in self.listings.values()],
        )
        method = ListingServiceStub(self.edge.channel).PutListings
        return list((await self.edge.call(method, request)).listings)

    async def __aenter__(self) -> Self:
        """Open. Raises RequestError where the listings can't be reported."""
        await self.report_listings()
        self._following = asyncio.create_task(self._follow(), name=f"{self.name} follows stock")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        assert self._following is not None
        self._following.cancel()
        with suppress(asyncio.CancelledError):
            await self._following

    async def _follow(self) -> None:
        try:
            await self.follow()
        except Exception as error:  # noqa: BLE001 - told to whoever waits at the shelf
            self.shelf.fail(error)
