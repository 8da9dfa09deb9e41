"""ListingService (`proto/spojka/api/stock/v1/listing_service.proto`)."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Protocol
from uuid import UUID

from spojka.api.stock.v1 import listing_service_pb2 as api
from spojka.database import Connection, Database
from spojka.errors import InvalidArgument, Violation
from spojka.rpc.server import Call
from stock.listings.candidates import read_candidates
from stock.listings.cursor import parse_cursor
from stock.listings.directory import ChannelDirectory
from stock.listings.feed import ChangeFeed
from stock.listings.links import (
    NewListing,
    Relink,
    link_by_hand,
    put_listings,
    remove_listings,
    unlink_by_hand,
)
from stock.listings.offer_pages import resolve_offers
from stock.listings.offer_rules import load_offer_rule, offer_rule_message, update_offer_rule
from stock.listings.pairing import Keys
from stock.listings.reports import coverage, list_conflicts
from stock.listings.rows import list_listings, load_listing
from stock.listings.suggestions import Search
from stock.listings.watch import watch


class RelinkListener(Protocol):
    """What rests on links: the lines of orders that were not sent yet."""

    async def relinked(
        self, connection: Connection, tenant_id: UUID, relinks: Sequence[Relink]
    ) -> None:
        """Follow listings whose item changed, in the same transaction.

        The listings are locked and pairing is held up: lock no items here, but
        mark what is to be decided anew.
        """


class ListingServicer:
    """What channels sell, which item each listing is, and what each is offered."""

    def __init__(
        self,
        database: Database,
        feed: ChangeFeed,
        directory: ChannelDirectory,
        listener: RelinkListener,
    ) -> None:
        """Take what the handlers work with."""
        self._database = database
        self._feed = feed
        self._directory = directory
        self._listener = listener

    async def put_listings(
        self, request: api.PutListingsRequest, call: Call
    ) -> api.PutListingsResponse:
        """Add or update listings. Raises InvalidArgument where an id comes twice."""
        await self._directory.require(call.identity, request.channel_id)
        _refuse_repeated(request)
        tenant_id = call.identity.tenant
        reported = [
            NewListing(
                listing.id, Keys(listing.product_number.strip(), listing.ean.strip()), listing.name
            )
            for listing in request.listings
        ]
        async with self._database.transaction(tenant_id) as connection:
            listings, relinks = await put_listings(
                connection, tenant_id, request.channel_id, reported
            )
            await self._follow(connection, tenant_id, relinks)
        self._feed.nudge(tenant_id)
        return api.PutListingsResponse(listings=[listing.message() for listing in listings])

    async def remove_listings(
        self, request: api.RemoveListingsRequest, call: Call
    ) -> api.RemoveListingsResponse:
        """Remove listings; those that are not there are no error."""
        await self._directory.require(call.identity, request.channel_id)
        tenant_id = call.identity.tenant
        async with self._database.transaction(tenant_id) as connection:
            removed = await remove_listings(connection, tenant_id, request.channel_id, request.ids)
        self._feed.nudge(tenant_id)
        return api.RemoveListingsResponse(removed=removed)

    async def list_listings(
        self, request: api.ListListingsRequest, call: Call
    ) -> api.ListListingsResponse:
        """A page of listings by id."""
        await self._directory.require(call.identity, request.channel_id)
        tenant_id = call.identity.tenant
        async with self._database.transaction(tenant_id) as connection:
            listings, token = await list_listings(connection, tenant_id, request)
        return api.ListListingsResponse(
            listings=[listing.message() for listing in listings], next_page_token=token
        )

    async def link_listing(
        self, request: api.LinkListingRequest, call: Call
    ) -> api.LinkListingResponse:
        """Link by hand. Raises NotFound, and FailedPrecondition where the item can't be sold."""
        tenant_id = call.identity.tenant
        async with self._database.transaction(tenant_id) as connection:
            listing, relinks = await link_by_hand(
                connection, tenant_id, request.channel_id, request.listing_id, UUID(request.item_id)
            )
            await self._follow(connection, tenant_id, relinks)
        self._feed.nudge(tenant_id)
        return api.LinkListingResponse(listing=listing.message())

    async def unlink_listing(
        self, request: api.UnlinkListingRequest, call: Call
    ) -> api.UnlinkListingResponse:
        """End a link made by hand; the listing is paired anew. Raises NotFound."""
        tenant_id = call.identity.tenant
        async with self._database.transaction(tenant_id) as connection:
            listing, relinks = await unlink_by_hand(
                connection, tenant_id, request.channel_id, request.listing_id
            )
            await self._follow(connection, tenant_id, relinks)
        self._feed.nudge(tenant_id)
        return api.UnlinkListingResponse(listing=listing.message())

    async def suggest_items(
        self, request: api.SuggestItemsRequest, call: Call
    ) -> api.SuggestItemsResponse:
        """Items that a listing may be, best first. Raises NotFound."""
        tenant_id = call.identity.tenant
        async with self._database.transaction(tenant_id) as connection:
            listing = await load_listing(
                connection, tenant_id, request.channel_id, request.listing_id
            )
            search = Search(listing.keys, listing.name)
            async for candidates in read_candidates(connection, tenant_id):
                search.consider(candidates)
        return api.SuggestItemsResponse(
            suggestions=[
                api.Suggestion(
                    item_id=str(suggestion.candidate.item_id),
                    product_number=suggestion.candidate.product_number,
                    ean=suggestion.candidate.ean,
                    name=suggestion.candidate.name,
                    reason=suggestion.reason,
                )
                for suggestion in search.suggestions()
            ]
        )

    async def list_conflicts(
        self, request: api.ListConflictsRequest, call: Call
    ) -> api.ListConflictsResponse:
        """A page of conflicts of keys, oldest first."""
        tenant_id = call.identity.tenant
        async with self._database.transaction(tenant_id) as connection:
            return await list_conflicts(connection, tenant_id, request)

    async def get_coverage(
        self, request: api.GetCoverageRequest, call: Call
    ) -> api.GetCoverageResponse:
        """What share of each channel is linked."""
        tenant_id = call.identity.tenant
        async with self._database.transaction(tenant_id) as connection:
            return await coverage(connection, tenant_id, request.channel_id)

    async def get_offer_rule(
        self, request: api.GetOfferRuleRequest, call: Call
    ) -> api.GetOfferRuleResponse:
        """The rule in force. Raises NotFound where there is no such channel."""
        await self._directory.require(call.identity, request.channel_id)
        tenant_id = call.identity.tenant
        async with self._database.transaction(tenant_id) as connection:
            rule = await load_offer_rule(connection, tenant_id, request.channel_id)
        return api.GetOfferRuleResponse(offer_rule=offer_rule_message(request.channel_id, rule))

    async def update_offer_rule(
        self, request: api.UpdateOfferRuleRequest, call: Call
    ) -> api.UpdateOfferRuleResponse:
        """Set the rule. Raises NotFound, and InvalidArgument naming what is wrong."""
        channel_id = request.offer_rule.channel_id
        await self._directory.require(call.identity, channel_id)
        tenant_id = call.identity.tenant
        async with self._database.transaction(tenant_id) as connection:
            rule = await update_offer_rule(connection, tenant_id, request.offer_rule)
        self._feed.nudge(tenant_id)
        return api.UpdateOfferRuleResponse(offer_rule=offer_rule_message(channel_id, rule))

    async def resolve_offered(
        self, request: api.ResolveOfferedRequest, call: Call
    ) -> api.ResolveOfferedResponse:
        """What a channel is offered now of the named listings."""
        await self._directory.require(call.identity, request.channel_id)
        tenant_id = call.identity.tenant
        async with self._database.transaction(tenant_id) as connection:
            offers = await resolve_offers(
                connection, tenant_id, request.channel_id, request.listing_ids
            )
        return api.ResolveOfferedResponse(offers=offers)

    async def watch_stock(
        self, request: api.WatchStockRequest, call: Call
    ) -> AsyncIterator[api.WatchStockResponse]:
        """Batches of offers without end. Raises InvalidArgument on a foreign token, Overloaded."""
        await self._directory.require(call.identity, request.channel_id)
        place = parse_cursor(request.resume_token, request.channel_id)
        batches = watch(self._database, self._feed, call.identity.tenant, request.channel_id, place)
        async with aclosing(batches):
            async for batch in batches:
                yield batch

    async def _follow(
        self, connection: Connection, tenant_id: UUID, relinks: Sequence[Relink]
    ) -> None:
        if relinks:
            await self._listener.relinked(connection, tenant_id, relinks)


def _refuse_repeated(request: api.PutListingsRequest) -> None:
    seen: set[str] = set()
    violations = []
    for place, listing in enumerate(request.listings):
        if listing.id in seen:
            violations.append(
                Violation(f"listings[{place}].id", f"{listing.id!r} is in the request already")
            )
        seen.add(listing.id)
    if violations:
        raise InvalidArgument(violations)
