"""WatchStock: everything, then every change; nothing is lost and little repeated."""

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import psycopg
import pytest

from spojka.api.stock.v1 import listing_service_pb2 as api
from spojka.errors import Overloaded, Unavailable
from stock.listings.feed import ChangeFeed
from stock.listings.links import link_by_hand, remove_listings, unlink_by_hand
from stock.listings.offer_pages import resolve_offers
from stock.listings.offer_rules import update_offer_rule
from stock.listings.watch import watch

if TYPE_CHECKING:
    from tests.stock.listings.conftest import MakeWatcher, World


async def items_and_listings(world: "World", count: int) -> list[UUID]:
    """Items A0… with 10 units each, and a listing of each with the item's place as id."""
    items = [await world.item(f"A{place}") for place in range(count)]
    await world.put("eshop", *((str(place), f"A{place}", "") for place in range(count)))
    return items


async def test_everything_comes_in_pages_then_changes_as_they_come(
    world: "World", feed: ChangeFeed, make_watcher: "MakeWatcher"
) -> None:
    items = await items_and_listings(world, 7)
    watcher = make_watcher()
    await watcher.until(lambda it: it.caught_up)
    assert watcher.told == [(str(place), Decimal(10)) for place in range(7)]
    assert watcher.batches >= 3
    await world.publish(items[4], {"MAIN": (3, 1)})
    feed.nudge(world.tenant)
    await watcher.until(lambda it: it.offers["4"] == 2)
    assert watcher.told[7:] == [("4", Decimal(2))]


async def test_a_change_in_pages_is_told_whole(
    world: "World", feed: ChangeFeed, make_watcher: "MakeWatcher"
) -> None:
    # More changes than a batch holds: the round goes on by scanning.
    items = await items_and_listings(world, 11)
    watcher = make_watcher()
    await watcher.until(lambda it: it.caught_up)
    async with world.database.transaction(world.tenant) as connection:
        for item in items[1:]:
            await world.publish(item, {"MAIN": (5, 0)}, connection=connection)
    feed.nudge(world.tenant)
    await watcher.until(lambda it: list(it.offers.values()).count(Decimal(5)) == 10)
    assert len(watcher.told) == 11 + 10


async def test_a_late_commit_is_not_lost(
    world: "World", feed: ChangeFeed, make_watcher: "MakeWatcher"
) -> None:
    late, early = await items_and_listings(world, 2)
    watcher = make_watcher()
    await watcher.until(lambda it: it.caught_up)
    async with world.database.transaction(world.tenant) as slow:
        await world.publish(late, {"MAIN": (1, 0)}, connection=slow)
        await world.publish(early, {"MAIN": (2, 0)})
        # The later transaction is told while the earlier one still runs…
        feed.nudge(world.tenant)
        await watcher.until(lambda it: it.offers["1"] == 2)
        token = watcher.token
    # …and the earlier one once it has committed: to the stream, and to one that resumes.
    feed.nudge(world.tenant)
    await watcher.until(lambda it: it.offers["0"] == 1)
    assert watcher.told.count(("1", Decimal(2))) == 1, "the stream repeated what it had told"
    resumed = make_watcher("eshop", token)
    await resumed.until(lambda it: it.caught_up)
    assert resumed.offers["0"] == 1


async def test_nothing_is_lost_under_concurrent_commits_and_reconnects(
    world: "World", feed: ChangeFeed, make_watcher: "MakeWatcher"
) -> None:
    items = await items_and_listings(world, 6)
    final: dict[int, int] = {}

    async def write(worker: int) -> None:
        for step in range(15):
            async with world.database.transaction(world.tenant) as connection:
                place = worker * 2 + step % 2
                final[place] = 100 * worker + step
                await world.publish(
                    items[place], {"MAIN": (final[place], 0)}, connection=connection
                )
                # Transactions overlap, and commit in another order than they began.
                await connection.execute("SELECT pg_sleep(%s)", [0.001 * (3 - worker) * (step % 3)])
            feed.nudge(world.tenant)

    async def reconnect() -> dict[str, Decimal]:
        seen: dict[str, Decimal] = {}
        token = ""
        while True:
            watcher = make_watcher("eshop", token)
            await watcher.until(lambda it: it.caught_up)
            await watcher.stop()
            seen |= watcher.offers
            token = watcher.token
            if writing.done() and all(seen[str(place)] == final[place] for place in final):
                return seen

    writing = asyncio.gather(*(write(worker) for worker in range(3)))
    steady = make_watcher()
    seen = await asyncio.wait_for(reconnect(), 30)
    await writing
    await steady.until(lambda it: all(it.offers[str(place)] == final[place] for place in final))
    assert seen == steady.offers


async def test_resuming_tells_only_what_changed_since(
    world: "World", make_watcher: "MakeWatcher"
) -> None:
    items = await items_and_listings(world, 9)
    first = make_watcher()
    await first.until(lambda it: it.caught_up)
    await first.stop()
    await world.publish(items[2], {"MAIN": (4, 0)})
    second = make_watcher("eshop", first.token)
    await second.until(lambda it: it.caught_up)
    assert second.told == [("2", Decimal(4))]
    third = make_watcher("eshop", second.token)
    await third.until(lambda it: it.caught_up)
    assert third.told == []


async def test_resuming_in_the_middle_of_everything_tells_the_rest(
    world: "World", feed: ChangeFeed, make_watcher: "MakeWatcher"
) -> None:
    items = await items_and_listings(world, 7)
    stream = watch(world.database, feed, world.tenant, "eshop", None, batch_max_offers=3)
    first = await anext(stream)
    await stream.aclose()
    assert [offer.listing_id for offer in first.offers] == ["0", "1", "2"]
    assert not first.caught_up
    # What was told already changes meanwhile: it is told again before the end of catching up.
    await world.publish(items[0], {"MAIN": (4, 0)})
    rest = make_watcher("eshop", first.resume_token)
    await rest.until(lambda it: it.caught_up)
    assert [listing_id for listing_id, _ in rest.told] == ["3", "4", "5", "6", "0"]
    assert rest.offers["0"] == 4


async def test_an_unlinked_or_removed_listing_is_told_0_once(
    world: "World", feed: ChangeFeed, make_watcher: "MakeWatcher"
) -> None:
    items = await items_and_listings(world, 3)
    await world.put("eshop", ("never", "X", ""), ("hand", "Y", ""))
    async with world.database.transaction(world.tenant) as connection:
        await link_by_hand(connection, world.tenant, "eshop", "hand", items[0])
    watcher = make_watcher()
    await watcher.until(lambda it: it.caught_up)
    assert watcher.offers == {"0": 10, "1": 10, "2": 10, "hand": 10}
    async with world.database.transaction(world.tenant) as connection:
        await unlink_by_hand(connection, world.tenant, "eshop", "hand")
        await remove_listings(connection, world.tenant, "eshop", ["1", "never"])
    feed.nudge(world.tenant)
    await watcher.until(lambda it: it.offers["hand"] == 0 and it.offers["1"] == 0)
    # Never a listing that no number was told of: its stock is not ours to zero.
    assert "never" not in watcher.offers
    await world.publish(items[1], {"MAIN": (8, 0)})
    await world.publish(items[2], {"MAIN": (9, 0)})
    feed.nudge(world.tenant)
    await watcher.until(lambda it: it.offers["2"] == 9)
    assert watcher.offers["1"] == 0
    assert watcher.told.count(("hand", Decimal(0))) == 1


async def test_a_changed_rule_tells_everything_again(
    world: "World", feed: ChangeFeed, make_watcher: "MakeWatcher"
) -> None:
    await items_and_listings(world, 4)
    watcher = make_watcher()
    await watcher.until(lambda it: it.caught_up)
    await watcher.stop()
    async with world.database.transaction(world.tenant) as connection:
        await update_offer_rule(
            connection, world.tenant, api.OfferRule(channel_id="eshop", percent=50)
        )
    resumed = make_watcher("eshop", watcher.token)
    await resumed.until(lambda it: list(it.offers.values()) == [5, 5, 5, 5])
    await world.execute("UPDATE connection SET buffer = 4")
    feed.nudge(world.tenant)
    await resumed.until(lambda it: list(it.offers.values()) == [3, 3, 3, 3])


async def test_a_restored_database_tells_everything_again(
    world: "World", make_watcher: "MakeWatcher"
) -> None:
    items = await items_and_listings(world, 2)
    watcher = make_watcher()
    await watcher.until(lambda it: it.caught_up)
    # Transactions of the former cluster have numbers that this one has not reached.
    await world.execute(
        "UPDATE item SET xid = (pg_current_xact_id()::text::bigint + 1000000)::text::xid8"
    )
    await world.execute("INSERT INTO epoch (value, cluster) VALUES (7, 'another')")
    resumed = make_watcher("eshop", watcher.token)
    await resumed.until(lambda it: it.caught_up)
    assert resumed.told == [("0", Decimal(10)), ("1", Decimal(10))]
    await world.publish(items[1], {"MAIN": (6, 0)})
    again = make_watcher("eshop", resumed.token)
    await again.until(lambda it: it.offers.get("1") == 6 and it.caught_up)
    assert "0" not in again.offers


async def test_services_and_items_not_published_yet_are_not_offered(world: "World") -> None:
    await world.item("WORK", kind="service")
    unpublished = await world.item("NEW")
    await world.execute("UPDATE item SET content = '' WHERE id = %s", unpublished)
    goods = await world.item("A")
    await world.put("eshop", ("w", "WORK", ""), ("n", "NEW", ""), ("a", "A", ""))
    async with world.database.transaction(world.tenant) as connection:
        ids = ["w", "n", "a", "a", "unknown"]
        [offer] = await resolve_offers(connection, world.tenant, "eshop", ids)
    assert (offer.listing_id, offer.item_id, offer.offered) == ("a", str(goods), "10")
    assert (offer.revision, offer.epoch) == (1, 1)


async def test_a_channel_sells_from_its_own_warehouses(world: "World") -> None:
    await world.item("A", stock={"MAIN": (10, 2), "SHOP": (5, 0)})
    await world.put("eshop", ("a", "A", ""))
    await world.put("shop", ("a", "A", ""))
    async with world.database.transaction(world.tenant) as connection:
        await update_offer_rule(
            connection,
            world.tenant,
            api.OfferRule(channel_id="shop", warehouses=["SHOP"], buffer="1", maximum="3"),
        )
        [whole] = await resolve_offers(connection, world.tenant, "eshop", ["a"])
        [shop] = await resolve_offers(connection, world.tenant, "shop", ["a"])
    assert (whole.offered, shop.offered) == ("13", "3")


async def test_items_of_a_connection_that_was_replaced_are_not_offered(
    world: "World", make_watcher: "MakeWatcher", feed: ChangeFeed
) -> None:
    await items_and_listings(world, 2)
    watcher = make_watcher()
    await watcher.until(lambda it: it.caught_up)
    await world.execute("UPDATE connection SET state = 'inactive'")
    await world.connect("starting")
    async with world.database.transaction(world.tenant) as connection:
        offers = await resolve_offers(connection, world.tenant, "eshop", ["0"])
    assert [offer.offered for offer in offers] == ["10"], (
        "nothing may fall while the next one starts"
    )
    await world.execute("UPDATE connection SET state = 'active' WHERE id = %s", world.warehouse)
    feed.nudge(world.tenant)
    await watcher.until(lambda it: set(it.offers.values()) == {Decimal(0)})


async def test_one_hint_wakes_every_watcher(
    world: "World", feed: ChangeFeed, make_watcher: "MakeWatcher"
) -> None:
    [item] = await items_and_listings(world, 1)
    for place in range(40):
        await world.put(f"shop-{place}", ("x", "A0", ""))
    watchers = [make_watcher(f"shop-{place}") for place in range(40)]
    await asyncio.gather(*(watcher.until(lambda it: it.caught_up) for watcher in watchers))
    await world.publish(item, {"MAIN": (2, 0)})
    feed.nudge(world.tenant)
    await asyncio.gather(*(watcher.until(lambda it: it.offers["x"] == 2) for watcher in watchers))
    assert all(watcher.told == [("x", Decimal(10)), ("x", Decimal(2))] for watcher in watchers)


async def test_a_hint_of_another_process_wakes(
    world: "World", feed: ChangeFeed, make_watcher: "MakeWatcher"
) -> None:
    assert feed.watchers == 0
    [item] = await items_and_listings(world, 1)
    watcher = make_watcher()
    await watcher.until(lambda it: it.caught_up)
    other = ChangeFeed(world.database, sweep_seconds=3600)
    await other.start()
    try:
        await world.publish(item, {"MAIN": (2, 0)})
        other.nudge(world.tenant)
        await watcher.until(lambda it: it.offers["0"] == 2)
    finally:
        await other.stop()


async def test_without_any_hint_the_sweep_finds_the_change(world: "World") -> None:
    [item] = await items_and_listings(world, 1)
    feed = ChangeFeed(world.database, sweep_seconds=0.05)
    await feed.start()
    stream = watch(world.database, feed, world.tenant, "eshop", None)
    try:
        async with asyncio.timeout(10):
            await anext(stream)
            await world.publish(item, {"MAIN": (2, 0)})
            assert [offer.offered for offer in (await anext(stream)).offers] == ["2"]
            await world.put("eshop", ("more", "A0", ""))
            assert [offer.listing_id for offer in (await anext(stream)).offers] == ["more"]
            await world.execute("UPDATE connection SET buffer = 1")
            assert {offer.offered for offer in (await anext(stream)).offers} == {"1"}
    finally:
        await stream.aclose()
        await feed.stop()


async def test_hints_are_heard_again_after_the_connection_was_lost(
    world: "World", make_watcher: "MakeWatcher", postgres_url: str
) -> None:
    [item] = await items_and_listings(world, 1)
    watcher = make_watcher()
    await watcher.until(lambda it: it.caught_up)
    other = ChangeFeed(world.database, sweep_seconds=3600)
    await other.start()
    try:
        async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as admin:
            cursor = await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE query LIKE 'LISTEN %%' AND datname = %s",
                [await _database_name(world)],
            )
            assert len(await cursor.fetchall()) == 2
        # Hints are sent until one is heard: it reconnects in its own time.
        for number in range(1, 200):
            await world.publish(item, {"MAIN": (number, 0)})
            other.nudge(world.tenant)
            try:
                await watcher.until(lambda it: it.offers["0"] != 10, seconds=0.1)
            except AssertionError:
                continue
            break
        assert watcher.offers["0"] != 10
    finally:
        await other.stop()


async def _database_name(world: "World") -> str:
    async with world.database.transaction(world.tenant) as connection:
        row = await (await connection.execute("SELECT current_database()")).fetchone()
    assert row is not None
    return str(row[0])


async def test_watchers_have_a_limit_and_leave_room(world: "World") -> None:
    feed = ChangeFeed(world.database, watchers_max=1)
    with feed.watching(world.tenant, "eshop"):
        assert feed.watchers == 1
        with pytest.raises(Overloaded, match="serves 1 streams"), feed.watching(uuid4(), "eshop"):
            pass
    assert feed.watchers == 0


async def test_a_process_that_stops_sends_its_watchers_on(world: "World") -> None:
    feed = ChangeFeed(world.database)
    await feed.start()
    stream = watch(world.database, feed, world.tenant, "eshop", None)
    assert (await anext(stream)).caught_up
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    await feed.stop()
    with pytest.raises(Unavailable, match="resume token"):
        await waiting
    assert feed.watchers == 0


async def test_another_tenants_watcher_hears_nothing(
    world: "World", feed: ChangeFeed, make_watcher: "MakeWatcher"
) -> None:
    await items_and_listings(world, 2)
    stranger = uuid4()
    stream = watch(world.database, feed, stranger, "eshop", None)
    assert list((await anext(stream)).offers) == []
    await stream.aclose()
    watcher = make_watcher()
    await watcher.until(lambda it: it.caught_up and len(it.offers) == 2)
