"""ListingService over gRPC, with an orders service that knows the channel "eshop"."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import grpc
import pytest

from spojka.api.orders.v1 import channel_service_pb2 as channels
from spojka.api.stock.v1 import listing_service_pb2 as api
from spojka.api.stock.v1 import listing_service_pb2_grpc as rpc
from spojka.database import Connection
from spojka.errors import InvalidArgument, NotFound
from spojka.identity import Identity, Scope
from spojka.rpc.client import call_metadata, open_channel
from spojka.rpc.server import Call, Server
from spojka.rpc.status import from_rpc_error
from stock.listings.directory import ChannelDirectory
from stock.listings.feed import ChangeFeed
from stock.listings.links import Relink
from stock.listings.service import ListingServicer

if TYPE_CHECKING:
    from tests.stock.listings.conftest import World

TOKEN = "internal"


class Channels:
    """An orders service with one channel; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def get_channel(
        self, request: channels.GetChannelRequest, call: Call
    ) -> channels.GetChannelResponse:
        assert call.identity.tenant
        self.asked += 1
        if request.id != "eshop":
            raise NotFound(f"there is no channel {request.id!r}")
        return channels.GetChannelResponse(channel=channels.Channel(id=request.id))

    async def unused(self, request: object, call: Call) -> channels.GetChannelResponse:
        raise AssertionError(f"{call.identity.actor} asked for {request}")

    create_channel = list_channels = update_channel = unused
    get_status_rule = update_status_rule = unused


@dataclass
class Followed:
    """What rests on links, as the rest of the service would be told."""

    relinks: list[Relink] = field(default_factory=list)

    async def relinked(
        self, connection: Connection, tenant_id: UUID, relinks: Sequence[Relink]
    ) -> None:
        cursor = await connection.execute(
            "SELECT count(*) FROM listing WHERE tenant_id = %s AND id = ANY(%s)",
            [tenant_id, [relink.listing_id for relink in relinks]],
        )
        assert await cursor.fetchone() == (len(relinks),), "not in the transaction of the link"
        self.relinks += relinks


@dataclass
class Client:
    """A caller of the service."""

    stub: "rpc.ListingServiceAsyncStub"
    tenant: UUID
    channels: Channels
    followed: Followed

    def metadata(self, channel_id: str | None = None) -> tuple[tuple[str, str], ...]:
        """Who calls: an operator, or a key of one channel."""
        scope = Scope.OPERATOR if channel_id is None else Scope.CHANNEL
        return call_metadata(Identity(self.tenant, scope, "test", channel_id), TOKEN)

    async def put(self, *listings: api.Listing) -> api.PutListingsResponse:
        """PutListings of "eshop" as the operator."""
        request = api.PutListingsRequest(channel_id="eshop", listings=listings)
        return await self.stub.PutListings(request, metadata=self.metadata())


@pytest.fixture
async def client(world: "World", feed: ChangeFeed) -> AsyncIterator[Client]:
    orders = Server("127.0.0.1", 0, internal_token=TOKEN, call_deadline_seconds=10)
    known = Channels()
    orders.add(channels.DESCRIPTOR.services_by_name["ChannelService"], known)
    await orders.start()
    directory = ChannelDirectory(f"127.0.0.1:{orders.port}", TOKEN)
    await directory.start()
    followed = Followed()
    stock = Server("127.0.0.1", 0, internal_token=TOKEN, call_deadline_seconds=10)
    servicer = ListingServicer(world.database, feed, directory, followed)
    stock.add(api.DESCRIPTOR.services_by_name["ListingService"], servicer)
    await stock.start()
    async with open_channel(f"127.0.0.1:{stock.port}") as channel:
        yield Client(rpc.ListingServiceStub(channel), world.tenant, known, followed)
    await stock.stop()
    await directory.stop()
    await orders.stop()


def listing(id_: str, number: str = "", ean: str = "", name: str = "") -> api.Listing:
    return api.Listing(id=id_, product_number=number, ean=ean, name=name)


async def violated(call: Awaitable[object]) -> list[str]:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    error = from_rpc_error(refused.value)
    assert isinstance(error, InvalidArgument)
    return [violation.field for violation in error.violations]


async def code_of(call: Awaitable[object]) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return refused.value.code()


async def test_from_a_reported_listing_to_its_offer(client: Client, world: "World") -> None:
    item = await world.item("A-1", name="Hrnek")
    answer = await client.put(listing("1", " a-1 "), listing("2", "X"))
    assert [(each.item_id, each.link_source) for each in answer.listings] == [
        (str(item), api.LINK_SOURCE_PRODUCT_NUMBER),
        ("", api.LINK_SOURCE_UNSPECIFIED),
    ]
    request = api.ResolveOfferedRequest(channel_id="eshop", listing_ids=["2", "1"])
    resolved = await client.stub.ResolveOffered(request, metadata=client.metadata("eshop"))
    assert [(offer.listing_id, offer.offered) for offer in resolved.offers] == [("1", "10")]


async def test_listings_are_listed_in_pages(client: Client) -> None:
    await client.put(*(listing(f"{place:03}") for place in range(5)))
    seen, token = [], ""
    while True:
        request = api.ListListingsRequest(channel_id="eshop", page_size=2, page_token=token)
        page = await client.stub.ListListings(request, metadata=client.metadata())
        seen += [each.id for each in page.listings]
        token = page.next_page_token
        if not token:
            break
    assert seen == ["000", "001", "002", "003", "004"]


async def test_a_listing_twice_in_one_request_is_refused(client: Client) -> None:
    request = api.PutListingsRequest(channel_id="eshop", listings=[listing("1"), listing("1")])
    call = client.stub.PutListings(request, metadata=client.metadata())
    assert await violated(call) == ["listings[1].id"]


async def test_a_link_by_hand_and_its_end_are_followed(client: Client, world: "World") -> None:
    item = await world.item("A-1")
    await client.put(listing("1", "X"))
    link = api.LinkListingRequest(channel_id="eshop", listing_id="1", item_id=str(item))
    answer = await client.stub.LinkListing(link, metadata=client.metadata())
    assert answer.listing.link_source == api.LINK_SOURCE_MANUAL
    again = await client.stub.LinkListing(link, metadata=client.metadata())
    assert again == answer
    unlink = api.UnlinkListingRequest(channel_id="eshop", listing_id="1")
    ended = await client.stub.UnlinkListing(unlink, metadata=client.metadata())
    assert ended.listing.problem
    assert (await client.stub.UnlinkListing(unlink, metadata=client.metadata())) == ended
    assert client.followed.relinks == [
        Relink("eshop", "1", None, item),
        Relink("eshop", "1", item, None),
    ]


async def test_a_channel_is_asked_for_once_and_must_be_there(client: Client) -> None:
    request = api.GetOfferRuleRequest(channel_id="eshop")
    for _ in range(3):
        await client.stub.GetOfferRule(request, metadata=client.metadata())
    assert client.channels.asked == 1
    for _ in range(2):
        call = client.stub.GetOfferRule(
            api.GetOfferRuleRequest(channel_id="nowhere"), metadata=client.metadata()
        )
        assert await code_of(call) is grpc.StatusCode.NOT_FOUND
    assert client.channels.asked == 3


async def test_a_channels_key_is_for_that_channel(client: Client) -> None:
    request = api.ListListingsRequest(channel_id="eshop")
    await client.stub.ListListings(request, metadata=client.metadata("eshop"))
    assert client.channels.asked == 0
    call = client.stub.ListListings(request, metadata=client.metadata("market"))
    assert await code_of(call) is grpc.StatusCode.PERMISSION_DENIED
    stream = client.stub.WatchStock(
        api.WatchStockRequest(channel_id="eshop"), metadata=client.metadata("market")
    )
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await anext(aiter(stream))
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_an_offer_rule_is_checked_kept_and_told(client: Client) -> None:
    def update(rule: api.OfferRule) -> Awaitable[api.UpdateOfferRuleResponse]:
        rule.channel_id = "eshop"
        request = api.UpdateOfferRuleRequest(offer_rule=rule)
        return client.stub.UpdateOfferRule(request, metadata=client.metadata())

    call = update(api.OfferRule(warehouses=["MAIN", "ATTIC"], percent=101))
    assert await violated(call) == ["offer_rule.percent", "offer_rule.warehouses[1]"]
    request = api.GetOfferRuleRequest(channel_id="eshop")
    default = await client.stub.GetOfferRule(request, metadata=client.metadata())
    assert default.offer_rule == api.OfferRule(channel_id="eshop", buffer="0", percent=100)
    await update(
        api.OfferRule(warehouses=["SHOP", "SHOP"], buffer="1.50", maximum="7.0", fractions=True)
    )
    kept = await client.stub.GetOfferRule(request, metadata=client.metadata())
    assert kept.offer_rule == api.OfferRule(
        channel_id="eshop",
        warehouses=["SHOP"],
        buffer="1.5",
        percent=100,
        maximum="7",
        fractions=True,
    )


async def test_suggestions_name_their_reason(client: Client, world: "World") -> None:
    by_number = await world.item("00-AB-12", name="Něco")
    by_ean = await world.item("E", "8594001234561", name="Jiné")
    by_name = await world.item("N", name="TRIČKO bavlněné modré L")
    await world.item("U", name="Talíř")
    gone = await world.item("AB/12", name="Tričko")
    await world.publish(gone, {}, removed=True)
    await client.put(listing("1", "ab 12", "859400123456", "Tricko modre bavlnene"))
    request = api.SuggestItemsRequest(channel_id="eshop", listing_id="1")
    answer = await client.stub.SuggestItems(request, metadata=client.metadata())
    assert [each.item_id for each in answer.suggestions] == [
        str(by_number),
        str(by_ean),
        str(by_name),
    ]
    assert all(each.reason for each in answer.suggestions)


async def test_coverage_counts_what_is_linked(client: Client, world: "World") -> None:
    await world.item("A")
    hand, gone = await world.item("B"), await world.item("C")
    await world.item("D")
    await client.put(listing("1", "A"), listing("2", "X"), listing("3", "C"), listing("4"))
    await world.put("market", ("1", "A", ""))
    await world.publish(gone, {}, removed=True)
    link = api.LinkListingRequest(channel_id="eshop", listing_id="2", item_id=str(hand))
    await client.stub.LinkListing(link, metadata=client.metadata())
    answer = await client.stub.GetCoverage(api.GetCoverageRequest(), metadata=client.metadata())
    assert list(answer.channels) == [
        api.ChannelCoverage(channel_id="eshop", listings=4, linked=2, linked_by_hand=1),
        api.ChannelCoverage(channel_id="market", listings=1, linked=1),
    ]
    assert answer.unlisted_items == 1
    one = await client.stub.GetCoverage(
        api.GetCoverageRequest(channel_id="market"), metadata=client.metadata()
    )
    assert [each.channel_id for each in one.channels] == ["market"]


async def test_conflicts_are_listed_in_pages(client: Client, world: "World") -> None:
    for place in range(3):
        await world.execute(
            "INSERT INTO conflict (tenant_id, id, connection_id, key_kind, key, card_id, advice)"
            " VALUES (%s, %s, %s, 'ean', '1', %s, 'Change one of them.')",
            world.tenant,
            UUID(int=place + 1),
            world.warehouse,
            str(place),
        )
    request = api.ListConflictsRequest(page_size=2)
    first = await client.stub.ListConflicts(request, metadata=client.metadata())
    request.page_token = first.next_page_token
    second = await client.stub.ListConflicts(request, metadata=client.metadata())
    cards = [each.card_id for page in (first, second) for each in page.conflicts]
    assert (cards, second.next_page_token) == (["0", "1", "2"], "")
    request.page_token = "WyJ4Il0"
    call = client.stub.ListConflicts(request, metadata=client.metadata())
    assert await violated(call) == ["page_token"]


async def test_a_stream_over_grpc_ends_when_its_client_leaves(
    client: Client, world: "World", feed: ChangeFeed
) -> None:
    item = await world.item("A")
    await client.put(listing("1", "A"))
    stream = client.stub.WatchStock(
        api.WatchStockRequest(channel_id="eshop"), metadata=client.metadata("eshop")
    )
    batches = aiter(stream)
    first = await anext(batches)
    assert (first.caught_up, [offer.offered for offer in first.offers]) == (True, ["10"])
    remove = api.RemoveListingsRequest(channel_id="eshop", ids=["1"])
    assert (await client.stub.RemoveListings(remove, metadata=client.metadata())).removed == 1
    second = await anext(batches)
    assert [(offer.offered, offer.item_id) for offer in second.offers] == [("0", str(item))]
    stream.cancel()
    async with asyncio.timeout(10):
        while feed.watchers:  # noqa: ASYNC110 - the feed tells nobody that one left
            await asyncio.sleep(0.01)
    resumed = client.stub.WatchStock(
        api.WatchStockRequest(channel_id="eshop", resume_token="x"), metadata=client.metadata()
    )
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await anext(aiter(resumed))
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_tenant_sees_nothing_of_another(client: Client, world: "World") -> None:
    item = await world.item("A-1", "8594001234561", name="Hrnek")
    await client.put(listing("1", "A-1"), listing("2", "X", name="Hrnek"))
    mine, client.tenant = client.tenant, uuid4()
    operator = client.metadata()
    assert not (
        await client.stub.ListListings(
            api.ListListingsRequest(channel_id="eshop"), metadata=operator
        )
    ).listings
    assert not (
        await client.stub.ResolveOffered(
            api.ResolveOfferedRequest(channel_id="eshop", listing_ids=["1"]), metadata=operator
        )
    ).offers
    coverage = await client.stub.GetCoverage(api.GetCoverageRequest(), metadata=operator)
    assert coverage == api.GetCoverageResponse()
    removal = api.RemoveListingsRequest(channel_id="eshop", ids=["1", "2"])
    assert (await client.stub.RemoveListings(removal, metadata=operator)).removed == 0
    for call in (
        client.stub.SuggestItems(
            api.SuggestItemsRequest(channel_id="eshop", listing_id="2"), metadata=operator
        ),
        client.stub.LinkListing(
            api.LinkListingRequest(channel_id="eshop", listing_id="2", item_id=str(item)),
            metadata=operator,
        ),
    ):
        assert await code_of(call) is grpc.StatusCode.NOT_FOUND
    # The same keys under the other tenant neither find the item nor touch the listing.
    stranger = await client.put(listing("1", "A-1"))
    assert stranger.listings[0].problem == "no warehouse system is connected yet"
    link = api.LinkListingRequest(channel_id="eshop", listing_id="1", item_id=str(item))
    call = client.stub.LinkListing(link, metadata=operator)
    assert await code_of(call) is grpc.StatusCode.NOT_FOUND
    client.tenant = mine
    page = await client.stub.ListListings(
        api.ListListingsRequest(channel_id="eshop"), metadata=client.metadata()
    )
    assert [each.item_id for each in page.listings] == [str(item), ""]
