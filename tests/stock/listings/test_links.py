"""Links in PostgreSQL: made, kept, taken over and ended."""

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from spojka.api.stock.v1 import listing_service_pb2 as api
from spojka.errors import FailedPrecondition, NotFound
from stock.listings.links import (
    Relink,
    link_adrift,
    link_by_hand,
    link_new_items,
    remove_listings,
    unlink_by_hand,
)
from stock.listings.pairing import LinkSource
from stock.listings.rows import Listing, list_listings

if TYPE_CHECKING:
    from tests.stock.listings.conftest import World

EAN = "8594001234561"
OTHER_EAN = "4006381333931"


async def listings_of(world: "World", channel_id: str = "eshop") -> dict[str, Listing]:
    async with world.database.transaction(world.tenant) as connection:
        request = api.ListListingsRequest(channel_id=channel_id)
        listings, _token = await list_listings(connection, world.tenant, request)
    return {listing.id: listing for listing in listings}


async def link(world: "World", listing_id: str, item_id: object) -> list[Relink]:
    async with world.database.transaction(world.tenant) as connection:
        _listing, relinks = await link_by_hand(
            connection,
            world.tenant,
            "eshop",
            listing_id,
            item_id,  # type: ignore[arg-type]
        )
    return relinks


async def test_listings_find_items_and_come_back_in_their_order(world: "World") -> None:
    one, two = await world.item("A-1"), await world.item("B-1", EAN)
    listings, relinks = await world.put("eshop", ("9", "", EAN), ("1", " a-1 ", ""), ("5", "X", ""))
    assert [listing.id for listing in listings] == ["9", "1", "5"]
    assert [listing.item_id for listing in listings] == [two, one, None]
    assert [listing.link.source if listing.link else None for listing in listings] == [
        LinkSource.EAN,
        LinkSource.PRODUCT_NUMBER,
        None,
    ]
    assert listings[2].problem == "no item has the product number 'X'; it has no EAN"
    assert {(relink.listing_id, relink.after) for relink in relinks} == {("9", two), ("1", one)}


async def test_one_number_on_two_listings_is_no_conflict(world: "World") -> None:
    item = await world.item("A-1", EAN)
    listings, _ = await world.put("eshop", ("1", "A-1", ""), ("2", "A-1", ""), ("3", "", EAN))
    assert {listing.item_id for listing in listings} == {item}


async def test_items_that_appear_find_their_listings(world: "World") -> None:
    await world.put("eshop", ("1", "A-1", ""), ("2", "", EAN), ("3", "C", ""))
    await world.put("market", ("1", "a-1", ""))
    item = await world.item("A-1", EAN)
    assert {key: value.item_id for key, value in (await listings_of(world)).items()} == {
        "1": item,
        "2": item,
        "3": None,
    }
    assert (await listings_of(world, "market"))["1"].item_id == item


async def test_a_link_by_hand_survives_every_import(world: "World") -> None:
    right, wrong = await world.item("A-1"), await world.item("B-1")
    await world.put("eshop", ("1", "B-1", ""))
    assert await link(world, "1", right) == [Relink("eshop", "1", wrong, right)]
    for number in ("B-1", "C-1", ""):
        [listing], relinks = await world.put("eshop", ("1", number, ""))
        assert (listing.item_id, relinks) == (right, [])
    async with world.database.transaction(world.tenant) as connection:
        assert await link_new_items(connection, world.tenant, world.warehouse, [wrong]) == []
        assert await link_adrift(connection, world.tenant) == []
        await remove_listings(connection, world.tenant, "eshop", ["1"])
    [listing], _ = await world.put("eshop", ("1", "B-1", ""))
    assert listing.item_id == right
    async with world.database.transaction(world.tenant) as connection:
        listing, relinks = await unlink_by_hand(connection, world.tenant, "eshop", "1")
    assert listing.item_id == wrong
    assert relinks == [Relink("eshop", "1", right, wrong)]


async def test_an_established_link_survives_a_rival(world: "World") -> None:
    by_ean = await world.item("A-1", EAN)
    await world.put("eshop", ("1", "B-1", EAN))
    rival = await world.item("B-1")
    assert (await listings_of(world))["1"].item_id == by_ean
    # Without the key that made it, the link ends.
    [listing], _ = await world.put("eshop", ("1", "B-1", OTHER_EAN))
    assert listing.item_id == rival


async def test_a_link_follows_when_the_items_key_moves(world: "World") -> None:
    old = await world.item("A-1")
    await world.put("eshop", ("1", "A-1", ""))
    await world.execute(
        "UPDATE item SET number_key = 'a-2' WHERE tenant_id = %s AND id = %s", world.tenant, old
    )
    new = await world.item("A-1")
    assert (await listings_of(world))["1"].item_id == new


async def test_a_listing_of_a_removed_item_is_taken_by_the_item_that_follows(
    world: "World",
) -> None:
    old = await world.item("A-1", EAN)
    await world.put("eshop", ("1", "", EAN))
    await world.publish(old, {}, removed=True)
    await world.execute("UPDATE item SET gtin = NULL WHERE id = %s", old)
    new = await world.item("A-2", EAN)
    assert (await listings_of(world))["1"].item_id == new


async def test_another_connection_takes_the_listings_over(world: "World") -> None:
    old, only_old = await world.item("A-1"), await world.item("B-1")
    await world.put("eshop", ("1", "A-1", ""), ("2", "B-1", ""))
    await world.execute("UPDATE connection SET state = 'inactive'")
    await world.connect()
    new = await world.item("A-1")
    before = await listings_of(world)
    assert (before["1"].item_id, before["2"].item_id) == (new, only_old)
    async with world.database.transaction(world.tenant) as connection:
        relinks = await link_adrift(connection, world.tenant)
    assert relinks == [Relink("eshop", "2", only_old, None)]
    with pytest.raises(FailedPrecondition, match="no longer used"):
        await link(world, "2", old)


async def test_a_listing_and_its_item_that_come_at_once_meet(world: "World") -> None:
    # Neither transaction sees the other's row: the pairing lock makes one wait.
    async with world.database.transaction(world.tenant) as reading:
        item = await world.item("A-1", connection=reading)
        putting = asyncio.create_task(world.put("eshop", ("1", "A-1", "")))
        done, _ = await asyncio.wait({putting}, timeout=0.3)
        assert not done, "the listing was paired although an item was about to appear"
    [listing], _ = await putting
    assert listing.item_id == item


async def test_the_same_again_changes_nothing(world: "World") -> None:
    await world.item("A-1")
    await world.put("eshop", ("1", "A-1", ""), ("2", "X", ""))

    async def transactions() -> object:
        async with world.database.transaction(world.tenant) as connection:
            cursor = await connection.execute("SELECT id, xid::text, xmin::text FROM listing")
            return sorted(await cursor.fetchall())

    before = await transactions()
    _listings, relinks = await world.put("eshop", ("2", "X", ""), ("1", "A-1", ""))
    assert (await transactions(), relinks) == (before, [])


async def test_removal_counts_what_was_there(world: "World") -> None:
    await world.put("eshop", ("1", "A", ""), ("2", "B", ""))
    async with world.database.transaction(world.tenant) as connection:
        ids = ["1", "1", "7"]
        assert await remove_listings(connection, world.tenant, "eshop", ids) == 1
        assert await remove_listings(connection, world.tenant, "eshop", ids) == 0
    assert list(await listings_of(world)) == ["2"]


async def test_only_what_is_there_is_linked(world: "World") -> None:
    item = await world.item("A-1")
    await world.put("eshop", ("1", "X", ""))
    with pytest.raises(NotFound, match="no listing '7'"):
        await link(world, "7", item)
    with pytest.raises(NotFound, match="there is no item"):
        await link(world, "1", uuid4())
    await world.publish(item, {}, removed=True)
    with pytest.raises(FailedPrecondition, match="no longer in the warehouse system"):
        await link(world, "1", item)


async def test_without_a_connection_the_problem_says_so(world: "World") -> None:
    world.tenant = uuid4()
    [listing], _ = await world.put("eshop", ("1", "A", ""))
    assert listing.problem == "no warehouse system is connected yet"


async def test_many_listings_are_linked_in_batches(
    world: "World", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stock.listings.links.RELINK_BATCH_LISTINGS", 3)
    for channel in ("a", "b"):
        await world.put(channel, *((str(place), "A-1", "") for place in range(5)))
    item = await world.item("A-1")
    for channel in ("a", "b"):
        linked = await listings_of(world, channel)
        assert [listing.item_id for listing in linked.values()] == [item] * 5
