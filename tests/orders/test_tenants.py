"""A tenant's orders, channels, history and tasks are not there for another."""

from uuid import UUID, uuid4

import psycopg
import pytest

from orders.domain.transitions import set_status
from orders.storage.changing import decide
from spojka.api.orders.v1 import channel_service_pb2 as channels
from spojka.api.orders.v1 import order_service_pb2
from spojka.database import Database
from spojka.errors import NotFound
from tests.orders.shop import ESHOP, Shop, an_order

TABLES = ("channel", "status_rule", "order_book", "history", "task")


async def test_another_tenants_ids_name_nothing(shop: Shop) -> None:
    order = await shop.placed(an_order())
    thief = shop.as_tenant(uuid4())
    key = order_service_pb2.GetOrderRequest(channel_id=ESHOP, channel_order_id="A-1")
    references = order_service_pb2.AddOrderReferencesRequest(id=order.id)
    references.references.variable_symbol = "1"
    for attempt in (
        thief.get(order.id),
        thief.call("GetOrder", key),
        thief.history(order),
        thief.amend(order),
        thief.cancel(order),
        thief.ship(order),
        thief.call("AddOrderReferences", references),
        thief.call(
            "SetOrderStatus", order_service_pb2.SetOrderStatusRequest(id=order.id, status="x")
        ),
        thief.call("GetChannel", channels.GetChannelRequest(id=ESHOP)),
        thief.place(an_order("B-1")),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert await shop.get(order.id) == order
    listed = await thief.call("ListOrders", order_service_pb2.ListOrdersRequest())
    assert list(listed.orders) == []


async def test_a_channel_remembered_for_one_tenant_is_not_there_for_another(shop: Shop) -> None:
    await shop.placed(an_order())
    other = shop.as_tenant(uuid4())
    with pytest.raises(NotFound):
        await other.place(an_order())
    await other.create_channel()
    assert (await other.place(an_order())).created


async def test_the_same_order_of_two_tenants_is_two_orders(shop: Shop) -> None:
    other = shop.as_tenant(uuid4())
    await other.create_channel()
    first, second = await shop.placed(an_order()), await other.placed(an_order())
    assert first.id != second.id


async def test_sql_without_a_tenant_sees_nothing(shop: Shop, database: Database) -> None:
    order = await shop.placed(an_order())
    await shop.cancel(order)
    async with database.infrastructure() as connection:
        for table in TABLES:
            cursor = await connection.execute(f"SELECT count(*) FROM {table}".encode())
            assert await cursor.fetchone() == (0,), table


async def test_a_statement_alone_reaches_its_tenant_only_and_leaves_none_behind(
    shop: Shop, database: Database
) -> None:
    count = b"SELECT count(*), pg_backend_pid() FROM channel"
    [(own, _pid)] = await database.alone(shop.tenant, count, {})
    [(foreign, pid)] = await database.alone(uuid4(), count, {})
    assert (own, foreign) == (1, 0)
    async with database.autocommit() as connection:
        cursor = await connection.execute(
            "SELECT pg_backend_pid(), current_setting('app.tenant', true)"
        )
        assert await cursor.fetchone() == (pid, "")


async def test_a_statement_alone_that_fails_writes_nothing(shop: Shop, database: Database) -> None:
    insert = b"INSERT INTO channel (tenant_id, id, name) VALUES (%(tenant)b, %(id)b, 'x')"
    for _ in range(2):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await database.alone(uuid4(), insert, {"tenant": shop.tenant, "id": "stolen"})
        with pytest.raises(psycopg.errors.UniqueViolation):
            await database.alone(shop.tenant, insert, {"tenant": shop.tenant, "id": ESHOP})
    ids = await database.alone(shop.tenant, b"SELECT id FROM channel", {})
    assert ids == [(ESHOP,)]


async def test_sql_of_one_tenant_reaches_no_row_of_another(shop: Shop, database: Database) -> None:
    order = await shop.placed(an_order())
    async with database.transaction(uuid4()) as connection:
        for table in ("channel", "order_book", "history"):
            cursor = await connection.execute(f"UPDATE {table} SET tenant_id = tenant_id".encode())
            assert cursor.rowcount == 0, table
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with database.transaction(uuid4()) as connection:
            await connection.execute(
                "INSERT INTO channel (tenant_id, id, name) VALUES (%s, 'x', 'x')", [shop.tenant]
            )
    steps = [(UUID(order.id), lambda o, _r, now: set_status(o, "stolen", now))]
    async with database.transaction(uuid4()) as connection:
        with pytest.raises(NotFound):
            await decide(connection, shop.tenant, "thief", steps)
