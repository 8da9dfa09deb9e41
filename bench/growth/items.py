"""The goods side as the catalogue grows: items with their cards, listings and movements.

A full reading of the whole catalogue has just ended: what its answers spoke
for (coverage) is kept for two hours, and is there, too. Everything is asked of
the service's own code, in this process, on cards and listings chosen at random.
"""

import random
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import psycopg

from bench.goods import Merchant, card, catalogue, connect_merchant, moved
from bench.growth.clones import SAMPLE_ROWS, Table, add_days, aged, keep_sample, retold
from bench.growth.questions import CALL_SECONDS, Question, operator, timed
from bench.stage import Stage
from spojka.api.stock.v1 import item_service_pb2, listing_service_pb2
from spojka.identity import Identity, Scope
from spojka.rpc.pagination import encode_token
from spojka.rpc.server import Call
from stock.imports.resolving import UnsentOrders
from stock.items.service import ItemServicer
from stock.levels.apply import Answer, apply_answer
from stock.listings.cursor import Cursor
from stock.listings.directory import ChannelDirectory
from stock.listings.feed import ChangeFeed
from stock.listings.links import NewListing, put_listings
from stock.listings.offer_pages import read_page
from stock.listings.pairing import Keys
from stock.listings.service import ListingServicer
from stock.listings.watch import watch
from stock.warehouses.port import Card
from stock.worker.numbering import draw

CHANNEL: Final = "eshop-cz"
PAGE: Final = 1_000
OFFERS: Final = 100
HEAVY_TIMES: Final = 10
DEEP_SHARE: Final = 0.9

# A card's number tells all that describes it (bench.goods.card).
_DESCRIBED: Final = {
    "n9": "lpad(n::text, 9, '0')",
    "new_number": "'NAR-' || right(n9, 7)",
    "new_name": "'Kladivo tesařské ' || right(n9, 7) || ', násada jasan'",
    "odd": " + ".join(f"substr(n9, {place}, 1)::int" for place in (1, 3, 5, 7, 9)),
    "even": " + ".join(f"substr(n9, {place}, 1)::int" for place in (2, 4, 6, 8)),
    "new_ean": "'859' || n9 || (10 - (32 + 3 * odd + even) % 10) % 10",
}
_BY_NUMBER: Final = {
    "n": f"right(product_number, 7)::bigint + day * {SAMPLE_ROWS}",
    **_DESCRIBED,
}
_BY_CARD: Final = {"n": f"card_id::bigint + day * {SAMPLE_ROWS}", **_DESCRIBED}
_COLUMNS: Final = {
    "product_number": "new_number",
    "number_key": "lower(new_number)",
    "ean": "new_ean",
    "gtin": "'0' || new_ean",
    "name": "new_name",
}
_CAPTURE: Final = "capture - day * (SELECT count(*) FROM sample.coverage)"
_DIGEST: Final = " || '\\x00' || ".join(
    f"convert_to({part}, 'UTF8')"
    for part in ("new_number", "new_ean", "new_name", "'ks'", "'goods'")
)
_TABLES: Final = (
    Table(
        "item",
        {
            **_COLUMNS,
            "id": "new_id",
            "content": retold(
                "content",
                ("id::text", "new_id::text"),
                ("product_number", "new_number"),
                ("ean", "new_ean"),
                ("name", "new_name"),
            ),
        },
        derived={**_BY_NUMBER, "new_id": aged("id")},
    ),
    Table(
        "level",
        {
            "card_id": "n::text",
            "item_id": aged("item_id"),
            "digest": f"crc32({_DIGEST})",
            "capture": _CAPTURE,
        },
        derived=_BY_CARD,
    ),
    Table(
        "coverage",
        {
            "capture": _CAPTURE,
            "cards": f"ARRAY(SELECT (card_id::bigint + day * {SAMPLE_ROWS})::text"
            " FROM unnest(cards) AS card_id)",
        },
    ),
    Table("movement", {"item_id": aged("item_id")}),
    Table(
        "listing",
        {**_COLUMNS, "id": "new_number", "item_id": aged("item_id")},
        derived=_BY_NUMBER,
    ),
)


class Items:
    """A tenant's catalogue, of which every item is sold by one channel."""

    def __init__(self, merchant: Merchant, plain: psycopg.AsyncConnection) -> None:
        """Stand on a sample that was read and kept."""
        self._merchant = merchant
        self._plain = plain
        self._count = SAMPLE_ROWS
        self._chosen = random.Random(1)
        self._units: dict[int, int] = {}
        self._new = 0
        database = merchant.database
        self._tenant = merchant.row.tenant_id
        self._feed = ChangeFeed(database)
        self._items = ItemServicer(database, self._feed.nudge)
        self._listings = ListingServicer(
            database, self._feed, ChannelDirectory("", ""), UnsentOrders()
        )
        self._call = operator(self._tenant)
        self._shop = Call(Identity(self._tenant, Scope.CHANNEL, "bench", CHANNEL), CALL_SECONDS)

    async def grow(self, count: int) -> None:
        """Add items until there are so many."""
        if count > self._count:
            days = self._count // SAMPLE_ROWS, count // SAMPLE_ROWS - 1
            await add_days(self._plain, _TABLES, *days)
            self._count = count

    def questions(self) -> Sequence[Question]:
        """What the worker, people and channels wait for."""
        return [
            Question("page of 1,000 changed cards applied", self._changed, HEAVY_TIMES),
            Question("page of 1,000 unchanged cards applied", self._unchanged, HEAVY_TIMES),
            Question("one new card applied", self._new_card),
            Question("ResolveOffered, 100 listings", self._resolve),
            Question("WatchStock, the newest 1,000 changes", self._catch_up, HEAVY_TIMES),
            Question("ListItems, first page", self._first_page),
            Question("ListItems, deep page", self._deep_page),
            Question("GetItem by EAN", self._get),
            Question("TraceItem", self._trace),
        ]

    async def _changed(self) -> float:
        numbers = self._random(PAGE)
        for number in numbers:
            self._units[number] = self._units.get(number, 0) + 1
        return await self._apply([self._card(number) for number in numbers], PAGE)

    async def _unchanged(self) -> float:
        return await self._apply([self._card(number) for number in self._random(PAGE)], 0)

    async def _new_card(self) -> float:
        self._new += 1
        return await self._apply([card(9_000_000 + self._new)], 1)

    async def _resolve(self) -> float:
        request = listing_service_pb2.ResolveOfferedRequest(
            channel_id=CHANNEL, listing_ids=[self._number() for _ in range(OFFERS)]
        )
        return await timed(self._listings.resolve_offered(request, self._shop))

    async def _catch_up(self) -> float:
        place = await self._now()
        await self._changed()
        return await timed(self._watch_from(place))

    async def _first_page(self) -> float:
        return await self._list("")

    async def _deep_page(self) -> float:
        after = card(int(self._count * DEEP_SHARE)).product_number.lower()
        return await self._list(encode_token([after, str(UUID(int=0))]))

    async def _get(self) -> float:
        ean = card(self._random(1)[0]).ean or ""
        request = item_service_pb2.GetItemRequest(ean=ean)
        return await timed(self._items.get_item(request, self._call))

    async def _trace(self) -> float:
        wanted = item_service_pb2.GetItemRequest(product_number=self._number())
        item = (await self._items.get_item(wanted, self._call)).item
        request = item_service_pb2.TraceItemRequest(id=item.id)
        return await timed(self._items.trace_item(request, self._call))

    async def _apply(self, cards: Sequence[Card], changed: int) -> float:
        """A page as a reading applies it, its number drawn before."""
        row = self._merchant.row
        numbered = await draw(self._merchant.database, row.tenant_id, row.id)
        answer = Answer(numbered.number, numbered.asked_time, cards, "bench")

        async def applied() -> None:
            async with self._merchant.database.transaction(row.tenant_id) as connection:
                found = await apply_answer(connection, row.rule, answer, hold_zeroing=True)
            assert (found.changed, found.published) == (changed, changed), found

        return await timed(applied())

    async def _list(self, token: str) -> float:
        request = item_service_pb2.ListItemsRequest(page_token=token)
        return await timed(self._items.list_items(request, self._call))

    async def _now(self) -> Cursor:
        """The place of a channel that knows everything."""
        async with self._merchant.database.transaction(self._tenant) as connection:
            return (await read_page(connection, self._tenant, CHANNEL, None)).cursor.round_ended()

    async def _watch_from(self, place: Cursor) -> None:
        told = 0
        batches = watch(self._merchant.database, self._feed, self._tenant, CHANNEL, place)
        async for batch in batches:
            told += len(batch.offers)
            if batch.caught_up:
                break
        await batches.aclose()
        assert told == PAGE, told

    def _random(self, count: int) -> list[int]:
        return self._chosen.sample(range(1, self._count + 1), count)

    def _number(self) -> str:
        return card(self._random(1)[0]).product_number

    def _card(self, number: int) -> Card:
        return moved([card(number)], self._units.get(number, 0))[0]


async def open_items(stage: Stage) -> Items:
    """A sample of items, read by the worker's own code and listed by a channel."""
    merchant = await connect_merchant(await stage.database("stock"))
    cards = catalogue(SAMPLE_ROWS)
    await merchant.read(cards)
    listings = [
        NewListing(each.product_number, Keys(each.product_number, each.ean or ""), each.name)
        for each in cards
    ]
    async with merchant.database.transaction(merchant.row.tenant_id) as connection:
        put, _ = await put_listings(connection, merchant.row.tenant_id, CHANNEL, listings)
        assert all(listing.item_id is not None for listing in put)
    plain = await stage.plain("stock")
    await plain.execute("TRUNCATE outbox")
    await keep_sample(plain, _TABLES)
    return Items(merchant, plain)
