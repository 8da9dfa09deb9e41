"""A merchant who came since PostgreSQL last looked what there is, beside one whom it knows."""

import psycopg

from spojka.database import Database
from tests.conftest import service_url
from tests.stock.conftest import Merchant, connect_merchant
from tests.waiting import until

CARDS = 1_000
KNOWN_CARDS = 200
READ_A_CARD_MAX = 100
"""Rows that PostgreSQL may read of a table for each card. A plan that looks through all rows of
the merchant for each of a page's reads five times as many."""


async def test_the_first_reading_reads_each_row_a_few_times(database_url: str) -> None:
    known = Database(service_url(database_url, "stock"), "stock", application="known")
    await known.open()
    await _read(await connect_merchant(known), KNOWN_CARDS)
    await known.close()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ANALYZE")
    before = await _rows_read(database_url)
    newcomers = Database(service_url(database_url, "stock"), "stock", application="newcomers")
    await newcomers.open()
    newcomer = await connect_merchant(newcomers)
    await _read(newcomer, CARDS)
    newcomer.warehouse.page_size = CARDS
    await newcomer.read()
    await newcomers.close()
    after = await _rows_read(database_url)
    read = {table: (after[table] - before[table]) / CARDS for table in after}
    assert read["item"] > 1, "nothing was counted"
    assert {table: count for table, count in read.items() if count > READ_A_CARD_MAX} == {}


async def _read(merchant: Merchant, cards: int) -> None:
    for number in range(cards):
        merchant.warehouse.put(f"P-{number}", ean=None)
    await merchant.read()


async def _rows_read(url: str) -> dict[str, int]:
    """How many rows of each table were read, once all sessions that read them have said so."""
    with psycopg.connect(url, autocommit=True) as connection:

        async def none_left() -> bool:
            cursor = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND application_name IN ('known', 'newcomers')"
            )
            return cursor.fetchone() == (0,)

        await until(none_left, "the sessions ended")
        cursor = connection.execute(
            "SELECT relname, seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables"
            " WHERE schemaname = 'stock'"
        )
        return dict(cursor.fetchall())
