"""A merchant's world for the tests of listings: connections, items and stock, written by SQL."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from spojka.api.stock.v1 import events_pb2
from spojka.api.stock.v1 import listing_service_pb2 as api
from spojka.database import Connection, Database
from spojka.values import gtin_key, product_number_key
from stock.listings.feed import ChangeFeed
from stock.listings.links import NewListing, Relink, link_new_items, put_listings
from stock.listings.pairing import Keys
from stock.listings.rows import Listing
from stock.listings.watch import watch

MakeDatabase = Callable[[str], Awaitable[Database]]
Stock = Mapping[str, tuple[int, int]]
"""By warehouse: what the warehouse system says, and what is held there."""


@dataclass(slots=True)
class World:
    """One tenant with its warehouse connection."""

    database: Database
    tenant: UUID
    warehouse: UUID

    async def connect(
        self,
        state: str = "active",
        *,
        pairing: str = "product_number_then_ean",
        aggregation: str = "sum",
        buffer: int = 0,
    ) -> UUID:
        """Add a warehouse connection with the warehouses MAIN and SHOP."""
        self.warehouse = uuid4()
        async with self.database.transaction(self.tenant) as connection:
            await connection.execute(
                """
                INSERT INTO connection (tenant_id, id, system, name, state, settings, sealing_key,
                    credentials, credential_names, meaning, aggregation, buffer, pairing,
                    automatic_import, reading_seconds, probe_seconds, full_hours,
                    mass_change_limit_percent, impulse_token, last_reading_time)
                VALUES (%s, %s, 'pohoda', 'Pohoda', %s, '{}', 'k', '', '{}', 'physical', %s, %s, %s,
                        true, 1800, 60, 24, 20, %s, now())
                """,
                [self.tenant, self.warehouse, state, aggregation, buffer, pairing, str(uuid4())],
            )
            await connection.execute(
                """
                INSERT INTO warehouse (tenant_id, connection_id, code, name, place, included)
                SELECT %s, %s, code, code, 1, true FROM unnest(ARRAY['MAIN', 'SHOP']) AS code
                """,
                [self.tenant, self.warehouse],
            )
        return self.warehouse

    async def execute(self, statement: str, *parameters: object) -> None:
        """Run one statement in the tenant's own transaction."""
        async with self.database.transaction(self.tenant) as connection:
            await connection.execute(statement.encode(), parameters)

    async def item(
        self,
        number: str,
        ean: str = "",
        *,
        name: str = "",
        stock: Stock | None = None,
        kind: str = "goods",
        connection: Connection | None = None,
    ) -> UUID:
        """Add an item and let listings find it, in the given transaction or one of its own."""
        if connection is None:
            async with self.database.transaction(self.tenant) as own:
                return await self.item(
                    number, ean, name=name, stock=stock, kind=kind, connection=own
                )
        item_id = uuid4()
        await connection.execute(
            """
            INSERT INTO item (tenant_id, id, connection_id, number_key, product_number, ean, gtin,
                              name, unit, kind)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'ks', %s)
            """,
            [
                self.tenant,
                item_id,
                self.warehouse,
                product_number_key(number),
                number,
                ean,
                gtin_key(ean),
                name,
                kind,
            ],
        )
        if kind != "service":
            await self.publish(item_id, stock or {"MAIN": (10, 0)}, connection=connection)
        await link_new_items(connection, self.tenant, self.warehouse, [item_id])
        return item_id

    async def publish(
        self,
        item_id: UUID,
        stock: Stock,
        *,
        unassigned: int = 0,
        removed: bool = False,
        connection: Connection | None = None,
    ) -> None:
        """Give an item new figures, as readings do."""
        if connection is None:
            async with self.database.transaction(self.tenant) as own:
                await self.publish(
                    item_id, stock, unassigned=unassigned, removed=removed, connection=own
                )
            return
        content = events_pb2.StockChanged(
            tenant_id=str(self.tenant),
            item_id=str(item_id),
            epoch=1,
            connection_id=str(self.warehouse),
            held_unassigned=str(unassigned),
            removed=removed,
            warehouses=[
                events_pb2.WarehouseStock(warehouse=code, erp_available=str(there), held=str(held))
                for code, (there, held) in sorted(stock.items())
            ],
        )
        await connection.execute(
            "UPDATE item SET content = %s, revision = revision + 1, removed = %s,"
            " xid = pg_current_xact_id() WHERE tenant_id = %s AND id = %s",
            [content.SerializeToString(), removed, self.tenant, item_id],
        )

    async def put(
        self, channel_id: str, *listings: tuple[str, str, str]
    ) -> tuple[list[Listing], list[Relink]]:
        """Report listings (id, product number, EAN) of a channel."""
        new = [
            NewListing(id_, Keys(number, ean), f"name of {id_}") for id_, number, ean in listings
        ]
        async with self.database.transaction(self.tenant) as connection:
            return await put_listings(connection, self.tenant, channel_id, new)


@pytest.fixture
async def world(make_database: MakeDatabase) -> World:
    """A tenant with an active connection and the warehouses MAIN and SHOP."""
    world = World(await make_database("stock"), uuid4(), uuid4())
    await world.connect()
    return world


@pytest.fixture
async def feed(world: World) -> AsyncIterator[ChangeFeed]:
    """A running feed that sweeps too seldom to help: only hints wake."""
    feed = ChangeFeed(world.database, sweep_seconds=3600)
    await feed.start()
    yield feed
    await feed.stop()


class Watcher:
    """A client of WatchStock that keeps what it was told."""

    def __init__(self, world: World, feed: ChangeFeed, channel_id: str, token: str = "") -> None:
        """Begin to watch, from a token where there is one."""
        from stock.listings.cursor import parse_cursor

        self.offers: dict[str, Decimal] = {}
        self.told: list[tuple[str, Decimal]] = []
        self.batches = 0
        self.token = token
        self.caught_up = False
        self._heard = asyncio.Condition()
        place = parse_cursor(token, channel_id)
        stream = watch(world.database, feed, world.tenant, channel_id, place, batch_max_offers=3)
        self._task = asyncio.create_task(self._listen(stream))

    async def _listen(self, stream: AsyncIterator[api.WatchStockResponse]) -> None:
        async for batch in stream:
            async with self._heard:
                assert len(batch.offers) <= 3
                for offer in batch.offers:
                    self.offers[offer.listing_id] = Decimal(offer.offered)
                    self.told.append((offer.listing_id, Decimal(offer.offered)))
                self.batches += 1
                self.token, self.caught_up = batch.resume_token, batch.caught_up
                self._heard.notify_all()

    async def until(self, condition: Callable[["Watcher"], bool], seconds: float = 10) -> None:
        """Wait until a condition holds; fails at the deadline, or with the stream's error."""

        async def wait() -> None:
            async with self._heard:
                await self._heard.wait_for(lambda: condition(self))

        waiting = asyncio.create_task(wait())
        try:
            await asyncio.wait(
                {waiting, self._task}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if self._task.done():
                self._task.result()
            assert waiting.done(), f"not told in {seconds} s; told were {self.told}"
        finally:
            waiting.cancel()

    async def stop(self) -> None:
        """Leave."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


MakeWatcher = Callable[..., Watcher]


@pytest.fixture
async def make_watcher(world: World, feed: ChangeFeed) -> AsyncIterator[MakeWatcher]:
    """Makes watchers that all leave at the end."""
    watchers: list[Watcher] = []

    def make(channel_id: str = "eshop", token: str = "") -> Watcher:
        watchers.append(Watcher(world, feed, channel_id, token))
        return watchers[-1]

    yield make
    await asyncio.gather(*(watcher.stop() for watcher in watchers))


def by_id(listings: Sequence[Listing]) -> dict[str, Listing]:
    """Listings by their id."""
    return {listing.id: listing for listing in listings}
