"""Row-level security, attacked with raw SQL as the service's own role (DESIGN §8)."""

from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from spojka.database import Database
from tests.stock.conftest import MakeMerchant, Merchant

NO_POLICY = {"impulse", "lease", "outbox", "inbox", "request"}
"""Infrastructure and look-ups that find a tenant: reached by the ground's code only."""


async def tenant_tables(database: Database) -> dict[str, bool]:
    """Every table of the service that has a tenant: whether a policy is enforced on it."""
    async with database.autocommit() as connection:
        cursor = await connection.execute(
            """
            SELECT relname, relrowsecurity AND relforcerowsecurity
                   AND EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid)
            FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'tenant_id'
            WHERE relnamespace = 'stock'::regnamespace AND relkind IN ('r', 'p')
              AND NOT relispartition
            """
        )
        return dict(await cursor.fetchall())


async def with_stock(make_merchant: MakeMerchant) -> Merchant:
    merchant = await make_merchant()
    merchant.warehouse.put("A", on_hand="10")
    await merchant.read()
    await merchant.order(("A", "1"))
    await merchant.work()
    return merchant


async def test_every_table_of_tenants_has_an_enforced_policy(stock_database: Database) -> None:
    tables = await tenant_tables(stock_database)
    assert {name for name, guarded in tables.items() if not guarded} <= NO_POLICY
    assert {"item", "level", "hold", "order_import", "connection", "listing"} <= {
        name for name, guarded in tables.items() if guarded
    }


async def test_another_tenant_sees_changes_and_deletes_nothing(
    make_merchant: MakeMerchant, stock_database: Database
) -> None:
    victim, attacker = await with_stock(make_merchant), uuid4()
    # Whatever the catalogue says of their policies: the attack itself must fail.
    for table in (await tenant_tables(stock_database)).keys() - NO_POLICY:
        name = sql.Identifier(table)
        async with stock_database.transaction(attacker) as connection:
            for attack in (
                "SELECT 1 FROM {} WHERE tenant_id = %s",
                "UPDATE {} SET tenant_id = tenant_id WHERE tenant_id = %s",
                "DELETE FROM {} WHERE tenant_id = %s",
            ):
                cursor = await connection.execute(
                    sql.SQL(attack).format(name),
                    [victim.tenant],
                )
                assert cursor.rowcount == 0, f"{attack} reached {table}"
            cursor = await connection.execute(sql.SQL("SELECT 1 FROM {}").format(name))
            assert not await cursor.fetchall(), f"{table} shows rows of somebody"
    assert await victim.available("A") == 9


async def test_rows_cant_be_put_into_another_tenant(
    make_merchant: MakeMerchant, stock_database: Database
) -> None:
    victim = await with_stock(make_merchant)
    for statement in (
        """
        INSERT INTO warehouse (tenant_id, connection_id, code, name, place, included)
        VALUES (%(tenant)s, %(connection)s, 'X', 'X', 1, true)
        """,
        """
        INSERT INTO hold (tenant_id, order_id, line_id, item_id, created, wanted, absorbed)
        VALUES (%(tenant)s, gen_random_uuid(), '1', gen_random_uuid(), 1, 1, 0)
        """,
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with stock_database.transaction(uuid4()) as connection:
                await connection.execute(
                    statement.encode(),
                    {"tenant": victim.tenant, "connection": victim.connection_id},
                )


async def test_without_a_tenant_there_is_nothing(
    make_merchant: MakeMerchant, stock_database: Database
) -> None:
    await with_stock(make_merchant)
    for setting in (None, ""):
        async with stock_database.infrastructure() as connection:
            if setting is not None:
                await connection.execute("SELECT set_config('app.tenant', %s, true)", [setting])
            for table in (await tenant_tables(stock_database)).keys() - NO_POLICY:
                cursor = await connection.execute(
                    sql.SQL("SELECT 1 FROM {}").format(sql.Identifier(table))
                )
                assert not await cursor.fetchall(), table


async def test_a_tenant_is_not_left_on_a_pooled_connection(
    make_merchant: MakeMerchant, stock_database: Database
) -> None:
    merchant = await with_stock(make_merchant)
    for _ in range(20):
        async with stock_database.transaction(merchant.tenant):
            pass
        async with stock_database.autocommit() as connection:
            cursor = await connection.execute("SELECT count(*) FROM item")
            assert await cursor.fetchone() == (0,)


@pytest.mark.parametrize(
    "attack",
    [
        "ALTER TABLE item DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE item NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY tenant ON item",
        "CREATE POLICY all_of_it ON item USING (true)",
        "SET ROLE postgres",
        "SELECT 1 FROM orders.orders",
        "CREATE TABLE orders.mine (id int)",
    ],
)
async def test_the_role_cant_lift_its_own_limits(stock_database: Database, attack: str) -> None:
    with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable)):
        async with stock_database.autocommit() as connection:
            await connection.execute(attack.encode())
