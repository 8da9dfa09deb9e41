"""A merchant who came since PostgreSQL last looked what there is, beside one whom it knows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest

from spojka.database import Database
from stock.connections.readings import approve
from stock.listings.links import NewListing, put_listings
from stock.listings.offer_pages import read_page
from stock.listings.pairing import Keys
from tests.conftest import service_url
from tests.rows_read import rows_read
from tests.stock.conftest import Merchant, connect_merchant

COUNTED = "counted"
BESTSELLER = "P-0"
CHANNEL = "shop"
PAGE_OFFERS = 200
PAGE_CARDS = 100
CARDS = 1_000
FEW_CARDS = 200
ORDERS = 150
KNOWN_ORDERS = 20
READ_MAX = 100
"""Rows that PostgreSQL may read of a table for each card or order. A plan that looks through all
rows of the merchant for each of a page's reads several times as many."""


@pytest.fixture
async def newcomer(database_url: str) -> Merchant:
    """A merchant of whom nothing was there when PostgreSQL counted another's rows."""
    async with _counted(database_url) as database:
        known = await connect_merchant(database)
        await _put(known, FEW_CARDS)
        await _place(known, KNOWN_ORDERS)
        await known.work()
        await _list(known, FEW_CARDS)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ANALYZE")
    async with _counted(database_url) as database:
        return await connect_merchant(database)


async def test_the_first_reading_reads_each_row_a_few_times(
    newcomer: Merchant, database_url: str
) -> None:
    async with _reading_few(newcomer, database_url, CARDS):
        await _put(newcomer, CARDS)
        newcomer.warehouse.page_size = CARDS
        await newcomer.read()


async def test_the_first_orders_are_read_back_by_reading_each_row_a_few_times(
    newcomer: Merchant, database_url: str
) -> None:
    async with _counted(database_url) as newcomer.database:
        await _put(newcomer, FEW_CARDS)
        await _place(newcomer, ORDERS)
        await newcomer.work()
    async with _reading_few(newcomer, database_url, ORDERS):
        await newcomer.read()


async def test_the_first_held_reading_is_approved_by_reading_each_row_a_few_times(
    newcomer: Merchant, database_url: str
) -> None:
    async with _counted(database_url) as newcomer.database:
        await _put(newcomer, CARDS)
        await newcomer.change(mass_change_limit_percent=20)
        newcomer.warehouse.empty()
        newcomer.warehouse.page_size = PAGE_CARDS
        await newcomer.read()
        reading = await newcomer.held_reading()
        assert reading is not None
    async with _reading_few(newcomer, database_url, CARDS):
        async with newcomer.database.transaction(newcomer.tenant) as connection:
            await approve(connection, newcomer.tenant, reading, "jana")
        assert await newcomer.available(BESTSELLER) == 0


async def test_the_first_listings_are_linked_and_told_by_reading_each_row_a_few_times(
    newcomer: Merchant, database_url: str
) -> None:
    async with _reading_few(newcomer, database_url, CARDS):
        await _put(newcomer, FEW_CARDS)
        await _list(newcomer, CARDS)
        await _put(newcomer, CARDS)
        assert await _offers(newcomer) == CARDS


@asynccontextmanager
async def _reading_few(merchant: Merchant, url: str, count: int) -> AsyncIterator[None]:
    """Check that the block reads each row a few times for each of so many that come in it."""
    before = await rows_read(url, "stock", COUNTED)
    async with _counted(url) as merchant.database:
        yield
    after = await rows_read(url, "stock", COUNTED)
    read = {table: (after[table] - before[table]) / count for table in after}
    assert read["item"] + read["hold"] > 1, "nothing was counted"
    assert {table: each for table, each in read.items() if each > READ_MAX} == {}


@asynccontextmanager
async def _counted(url: str) -> AsyncIterator[Database]:
    """A database whose sessions end with it, so that what they read is counted."""
    database = Database(service_url(url, "stock"), "stock", application=COUNTED)
    await database.open()
    yield database
    await database.close()


async def _place(merchant: Merchant, orders: int) -> None:
    for number in range(1, orders + 1):
        await merchant.order((BESTSELLER, "1"), (f"P-{number}", "1"))


async def _list(merchant: Merchant, count: int) -> None:
    listings = [NewListing(f"L-{number}", Keys(f"P-{number}", ""), "") for number in range(count)]
    async with merchant.database.transaction(merchant.tenant) as connection:
        await put_listings(connection, merchant.tenant, CHANNEL, listings)


async def _offers(merchant: Merchant) -> int:
    """How many offers a channel is told that asks for the first time."""
    told, place, last = 0, None, False
    while not last:
        async with merchant.database.transaction(merchant.tenant) as connection:
            page = await read_page(connection, merchant.tenant, CHANNEL, place, PAGE_OFFERS)
        told, place, last = told + len(page.told), page.cursor, page.last
    return told


async def _put(merchant: Merchant, cards: int) -> None:
    for number in range(cards):
        merchant.warehouse.put(f"P-{number}", ean=None)
    await merchant.read()
