"""A channel's stream of offers: everything or what changed, then every change.

A watcher holds no database connection while it waits or while its client is
slow: gRPC's flow control stops it where it yields, and it goes on from its
cursor. What it remembers is bounded.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Final
from uuid import UUID

from spojka.api.stock.v1 import listing_service_pb2 as api
from spojka.cancelling import heed_cancellation
from spojka.database import Database
from stock.listings.cursor import Cursor
from stock.listings.feed import ChangeFeed
from stock.listings.offer_pages import PAGE_MAX_OFFERS, Page, Told, read_page

ROUND_INTERVAL_SECONDS: Final = 0.1
"""Least time between two rounds of a watcher: changes that come fast are told together."""
RECENT_MAX_OFFERS: Final = 10_000


class Recent:
    """Offers that the next round may find again, because their transactions are so late."""

    def __init__(self) -> None:
        """Begin with none."""
        self._offered: dict[str, tuple[int, str]] = {}

    def unheard(self, told: Sequence[Told], next_round: int) -> list[api.Offer]:
        """Those that were not told before; remembers what the next round may repeat."""
        offers = []
        for entry in told:
            listing_id, value = entry.offer.listing_id, (entry.xid, entry.offer.offered)
            if self._offered.get(listing_id) == value:
                continue
            offers.append(entry.offer)
            self._offered.pop(listing_id, None)
            if entry.xid >= next_round and len(self._offered) < RECENT_MAX_OFFERS:
                self._offered[listing_id] = value
        return offers

    def forget_before(self, round_start: int) -> None:
        """Drop what rounds from `round_start` can't find again."""
        self._offered = {
            listing_id: value
            for listing_id, value in self._offered.items()
            if value[0] >= round_start
        }


async def watch(
    database: Database,
    feed: ChangeFeed,
    tenant_id: UUID,
    channel_id: str,
    place: Cursor | None,
    batch_max_offers: int = PAGE_MAX_OFFERS,
) -> AsyncGenerator[api.WatchStockResponse]:
    """Batches from a place on, without end.

    Raises Overloaded past the limit of watchers, and Unavailable where the
    database is away or the process stops; a client goes on with its last token.
    """
    loop = asyncio.get_running_loop()
    recent = Recent()
    with feed.watching(tenant_id, channel_id):
        # Only a round that began with the stream covers all that was known then.
        covers = place is None or place.round_begins
        caught_up = False
        while True:
            change = feed.change(tenant_id)
            next_round_time = loop.time() + ROUND_INTERVAL_SECONDS
            last = False
            while not last:
                feed.require_running()
                heed_cancellation()
                page = await _read(database, feed, tenant_id, channel_id, place, batch_max_offers)
                offers = recent.unheard(page.told, page.cursor.next)
                place, last = page.cursor, page.last
                ends_catching_up = last and covers and not caught_up
                caught_up = caught_up or ends_catching_up
                if offers or ends_catching_up:
                    yield api.WatchStockResponse(
                        offers=offers, resume_token=place.token(), caught_up=caught_up
                    )
            assert place is not None
            recent.forget_before(place.since)
            heed_cancellation()
            if covers:
                await change.wait()
                await asyncio.sleep(max(0.0, next_round_time - loop.time()))
            covers = True


async def _read(
    database: Database,
    feed: ChangeFeed,
    tenant_id: UUID,
    channel_id: str,
    place: Cursor | None,
    limit: int,
) -> Page:
    async with feed.reads, database.transaction(tenant_id) as connection:
        return await read_page(connection, tenant_id, channel_id, place, limit)
