"""Listings, links, offers and items together: what one call leaves behind for the others."""

from collections.abc import AsyncIterator
from random import Random
from typing import TYPE_CHECKING, Final

import pytest

from spojka.api.stock.v1 import listing_service_pb2 as api
from stock.listings.feed import ChangeFeed
from stock.listings.links import link_adrift
from tests.at_once import Act, at_once
from tests.stock.listings.desk import ESHOP, Desk, listing, open_desk

if TYPE_CHECKING:
    from tests.stock.listings.conftest import MakeDatabase, World

EAN: Final = "8594001234561"
OTHER_EAN: Final = "4006381333931"
MOST: Final = "999999999999999.999999"


@pytest.fixture
async def desk(
    world: "World", feed: ChangeFeed, make_database: "MakeDatabase"
) -> AsyncIterator[Desk]:
    async with open_desk(world, feed, await make_database("orders")) as desk:
        yield desk


async def coverage(desk: Desk) -> api.ChannelCoverage:
    answer = await desk.call("GetCoverage", channel_id=ESHOP)
    (channel,) = answer.channels
    assert isinstance(channel, api.ChannelCoverage)
    return channel


async def assert_the_unlinked_are_listed(desk: Desk, *ids: str) -> None:
    """What coverage misses is in the list of the unlinked, and each says why."""
    known = await coverage(desk)
    assert known.listings - known.linked == len(ids)
    unlinked = await desk.listed(unlinked=True)
    assert [each.id for each in unlinked] == sorted(ids)
    assert all(each.problem for each in unlinked)


async def test_listings_whose_item_was_removed_are_listed_as_unlinked(
    desk: Desk, world: "World"
) -> None:
    gone, gone_too = await world.item("GONE-1"), await world.item("GONE-2")
    await world.item("HERE-1")
    await desk.put(listing("1", "HERE-1"), listing("2", "GONE-1"), listing("3"), listing("4"))
    await desk.link("3", gone_too)
    await assert_the_unlinked_are_listed(desk, "4")
    for item in (gone, gone_too):
        await world.publish(item, {}, removed=True)
    assert await desk.offered("1", "2", "3", "4") == {"1": "10", "2": "0", "3": "0"}
    await assert_the_unlinked_are_listed(desk, "2", "3", "4")


async def test_a_link_by_hand_to_an_item_of_the_former_connection_is_listed_as_unlinked(
    desk: Desk, world: "World"
) -> None:
    old = await world.item("A-1")
    await desk.put(listing("1", "X"))
    await desk.link("1", old)
    await world.execute("UPDATE connection SET state = 'inactive'")
    await world.connect()
    async with world.database.transaction(world.tenant) as connection:
        await link_adrift(connection, world.tenant)
    assert await desk.offered("1") == {"1": "0"}
    await assert_the_unlinked_are_listed(desk, "1")


async def test_a_listing_that_becomes_a_service_is_no_longer_offered_what_it_was(
    desk: Desk, world: "World"
) -> None:
    goods = await world.item("A-1")
    service = await world.item("WORK-1", kind="service")
    await desk.put(listing("1", "A-1"), listing("2", "A-1"), listing("never", "WORK-1"))
    stream = desk.watch()
    assert await stream.batch() == {"1": "10", "2": "10"}
    await desk.link("1", service)
    assert await desk.offered("1", "2") == {"2": "10"}
    # Another change, so that the stream has something to tell in any case.
    await desk.put(listing("3", "A-1"))
    told: dict[str, str] = {}
    while "3" not in told:
        told |= await stream.batch()
    stream.leave()
    assert told == {"1": "0", "3": "10"}
    assert (await desk.link("1", goods)).item_id == str(goods)


async def test_a_service_that_became_goods_is_withdrawn_with_its_link(
    desk: Desk, world: "World"
) -> None:
    item = await world.item("WORK-1", kind="service")
    await desk.put(listing("1", "WORK-1"), listing("2", "WORK-1"))
    await world.execute("UPDATE item SET kind = 'goods'")
    await world.publish(item, {"MAIN": (4, 0)})
    stream = desk.watch()
    assert await stream.batch() == {"1": "4", "2": "4"}
    await desk.put(listing("1", "X"))
    assert await stream.batch() == {"1": "0"}
    stream.leave()


async def test_goods_that_were_a_service_are_withdrawn_when_they_are_one_again(
    desk: Desk, world: "World"
) -> None:
    item = await world.item("WORK-1", kind="service")
    await desk.put(listing("1", "WORK-1"))
    await world.execute("UPDATE item SET kind = 'goods'")
    await world.publish(item, {"MAIN": (4, 0)})
    stream = desk.watch()
    assert await stream.batch() == {"1": "4"}
    stream.leave()
    await world.execute("UPDATE item SET kind = 'service'")
    await world.publish(item, {"MAIN": (4, 0)})
    resumed = desk.watch(stream.token)
    assert await resumed.batch() == {"1": "0"}
    resumed.leave()


async def test_a_stream_that_resumes_is_told_of_all_that_happened_between(
    desk: Desk, world: "World"
) -> None:
    first, second = await world.item("A-1"), await world.item("B-1", stock={"MAIN": (4, 1)})
    await desk.put(*(listing(id_, "A-1") for id_ in ("gone", "moved", "same", "unlinked")))
    await desk.link("unlinked", first)
    stream = desk.watch()
    assert set((await stream.batch()).values()) == {"10"}
    stream.leave()
    await desk.put(listing("unlinked", "X"), listing("new", "A-1"), listing("same", "A-1"))
    await desk.call("RemoveListings", channel_id=ESHOP, ids=["gone", "gone"])
    await desk.link("moved", second)
    await desk.call("UnlinkListing", channel_id=ESHOP, listing_id="unlinked")
    resumed = desk.as_key(ESHOP).watch(stream.token)
    wanted = {"gone": "0", "moved": "3", "unlinked": "0", "new": "10"}
    assert await resumed.batch() == wanted
    await desk.put(listing("gone", "B-1"))
    assert await resumed.batch() == {"gone": "3"}
    resumed.leave()


async def test_channels_and_people_who_change_the_same_listings_at_once_all_get_through(
    desk: Desk, world: "World"
) -> None:
    items = [await world.item(f"A-{place}") for place in range(5)]
    listings = [listing(f"{place:02}", f"A-{place % 6}") for place in range(40)]
    await desk.put(*listings[10:30])
    key = desk.as_key(ESHOP)

    def putting(part: list[api.Listing]) -> Act:
        return lambda: key.put(*part)

    def linking(place: int) -> Act:
        return lambda: desk.link(f"{place}", items[0])

    def unlinking(place: int) -> Act:
        return lambda: desk.call("UnlinkListing", channel_id=ESHOP, listing_id=f"{place}")

    def adding(number: str) -> Act:
        return lambda: world.item(number)

    acts: list[Act] = [putting(listings), putting(listings[::-1]), putting(listings[5:35])]
    acts += [make(place) for place in (12, 17, 23) for make in (linking, unlinking)]
    acts += [adding("A-5"), adding("A-6")]
    await at_once(Random(11), acts)
    await key.put(*listings)
    for place in (12, 17, 23):
        await desk.call("UnlinkListing", channel_id=ESHOP, listing_id=f"{place}")
    found = await desk.listed(7)
    assert len(found) == len(listings)
    assert all(each.item_id and not each.problem for each in found)
    assert (await coverage(desk)).linked == len(listings)
