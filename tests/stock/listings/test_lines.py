"""Lines of orders find their items."""

from typing import TYPE_CHECKING
from uuid import uuid4

from stock.listings.lines import LineKeys, resolve_lines
from stock.listings.links import link_by_hand, remove_listings
from stock.listings.pairing import Link, LinkSource, Unpaired

if TYPE_CHECKING:
    from tests.stock.listings.conftest import World

EAN = "8594001234561"


async def resolve(world: "World", *lines: LineKeys) -> list[Link | Unpaired]:
    async with world.database.transaction(world.tenant) as connection:
        return await resolve_lines(connection, world.tenant, lines)


async def test_the_listings_link_first_then_the_lines_keys(world: "World") -> None:
    one, two = await world.item("A-1"), await world.item("B-1", EAN)
    await world.put("eshop", ("1", "A-1", ""))
    await world.put("market", ("1", "B-1", ""))
    assert await resolve(
        world,
        LineKeys("eshop", "1", "B-1", ""),
        LineKeys("market", "1", "A-1", ""),
        LineKeys("eshop", "", "a-1", ""),
        LineKeys("eshop", "unknown", "", EAN),
        LineKeys("eshop", "1", "", ""),
    ) == [
        Link(one, LinkSource.PRODUCT_NUMBER),
        Link(two, LinkSource.PRODUCT_NUMBER),
        Link(one, LinkSource.PRODUCT_NUMBER),
        Link(two, LinkSource.EAN),
        Link(one, LinkSource.PRODUCT_NUMBER),
    ]


async def test_the_problem_names_the_listing_and_the_keys(world: "World") -> None:
    await world.put("eshop", ("1", "X", ""))
    assert await resolve(
        world,
        LineKeys("eshop", "1", "", ""),
        LineKeys("eshop", "2", "Y", ""),
        LineKeys("eshop", "", "Y", ""),
    ) == [
        Unpaired(
            "listing '1' is linked to no item,"
            " and no item has the product number 'X'; it has no EAN"
        ),
        Unpaired("listing '2' is not known, and no item has the product number 'Y'; it has no EAN"),
        Unpaired("no item has the product number 'Y'; it has no EAN"),
    ]


async def test_an_order_finds_the_item_of_a_listing_that_was_removed(world: "World") -> None:
    item, other = await world.item("A-1"), await world.item("B-1")
    await world.put("eshop", ("1", "B-1", ""))
    async with world.database.transaction(world.tenant) as connection:
        await link_by_hand(connection, world.tenant, "eshop", "1", item)
        await remove_listings(connection, world.tenant, "eshop", ["1"])
    line = LineKeys("eshop", "1", "B-1", "")
    assert await resolve(world, line) == [Link(item, LinkSource.MANUAL)]
    # A person chose the item: where it is gone a person chooses again.
    await world.publish(item, {}, removed=True)
    [outcome] = await resolve(world, line)
    assert isinstance(outcome, Unpaired)
    assert "linked by hand to an item that is no longer" in outcome.problem
    assert other != item


async def test_without_a_connection_every_line_says_so(world: "World") -> None:
    world.tenant = uuid4()
    line = LineKeys("eshop", "1", "A", "")
    assert (
        await resolve(world, line, line) == [Unpaired("no warehouse system is connected yet")] * 2
    )
    assert await resolve(world) == []
