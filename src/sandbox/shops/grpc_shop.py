"""A merchant's own e-shop: Spojka streams its offers to it."""

import asyncio
from contextlib import suppress
from typing import Final

from sandbox.shops.shop import Shop
from spojka.api.stock.v1 import listing_service_pb2 as api
from spojka.api.stock.v1.listing_service_pb2_grpc import ListingServiceStub
from spojka.errors import Overloaded, Unavailable
from spojka.values import parse_decimal

RECONNECT_SECONDS: Final = 0.5


class GrpcShop(Shop):
    """Shows what WatchStock offers, and goes on after a break where it stopped."""

    resume_token: str = ""

    async def follow(self) -> None:
        """Watch without end. Raises RequestError for what trying again does not mend."""
        while True:
            # An edge that restarts, or a service behind it.
            with suppress(Unavailable, Overloaded):
                await self._watch()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _watch(self) -> None:
        request = api.WatchStockRequest(channel_id=self.channel_id, resume_token=self.resume_token)
        method = ListingServiceStub(self.edge.channel).WatchStock
        async for batch in self.edge.stream(method, request):
            for offer in batch.offers:
                version = (offer.epoch, offer.revision)
                self.shelf.tell(offer.listing_id, parse_decimal(offer.offered), version)
            # Only now the batch is dealt with.
            self.resume_token = batch.resume_token
