"""A restored backup raises the epoch, and every item is said anew in it."""

import psycopg

from spojka.database import Database
from stock.levels.epoch import current_epoch, raise_epoch_after_restore
from tests.stock.conftest import MakeMerchant


async def start(database: Database) -> tuple[bool, int]:
    """What a starting process finds: whether the epoch was raised, and the epoch."""
    async with database.infrastructure() as connection:
        raised = await raise_epoch_after_restore(connection)
        return raised, await current_epoch(connection)


def restore_elsewhere(database_url: str) -> None:
    """As after a restore: the database remembers another cluster than the one it is in."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE stock.epoch SET cluster = 'another cluster'")


async def test_the_same_cluster_keeps_its_epoch(stock_database: Database) -> None:
    assert await start(stock_database) == (False, 1)
    assert await start(stock_database) == (False, 1)


async def test_another_cluster_raises_it_once(stock_database: Database, database_url: str) -> None:
    await start(stock_database)
    restore_elsewhere(database_url)
    assert await start(stock_database) == (True, 2)
    assert await start(stock_database) == (False, 2)


async def test_after_a_restore_every_item_is_said_in_the_new_epoch(
    make_merchant: MakeMerchant, stock_database: Database, database_url: str
) -> None:
    await start(stock_database)
    merchant = await make_merchant()
    merchant.warehouse.put("A", on_hand="10")
    merchant.warehouse.put("B", on_hand="5")
    await merchant.read()
    before = await merchant.events()
    assert {event.epoch for event in before} == {1}

    restore_elsewhere(database_url)
    await start(stock_database)
    await merchant.work()
    after = (await merchant.events())[len(before) :]
    assert {(event.product_number, event.epoch, event.available) for event in after} == {
        ("A", 2, "10"),
        ("B", 2, "5"),
    }
    assert (await merchant.row()).epoch == 2
    await merchant.work()
    assert len(await merchant.events()) == len(before) + 2
