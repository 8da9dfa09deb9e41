"""Pages of items: all of them once, in order, at the same cost wherever the page is."""

from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest

from spojka.api.stock.v1 import item_service_pb2 as api
from spojka.database import Database
from spojka.errors import InvalidArgument
from spojka.rpc.pagination import encode_token
from stock.items.queries import list_items
from tests.rows_read import counting_rows

MakeDatabase = Callable[[str], Awaitable[Database]]
ITEMS = 3_000
PAGE = 50
CONNECTIONS = 2


@pytest.fixture
async def database(make_database: MakeDatabase) -> Database:
    return await make_database("stock")


@pytest.fixture
async def tenant(database: Database) -> UUID:
    """Has items of two connections: the second has every tenth number of the first."""
    tenant = uuid4()
    async with database.transaction(tenant) as connection:
        for place in range(CONNECTIONS):
            connection_id = uuid4()
            await connection.execute(
                """
                INSERT INTO connection (tenant_id, id, system, name, state, settings, sealing_key,
                    credentials, credential_names, meaning, aggregation, buffer, pairing,
                    automatic_import, reading_seconds, probe_seconds, full_hours,
                    mass_change_limit_percent, impulse_token)
                VALUES (%s, %s, 'model', 'test', 'inactive', '{}', '', '', '{}', 'physical', 'sum',
                        0, 'product_number_then_ean', true, 1800, 60, 24, 100, %s)
                """,
                [tenant, connection_id, str(connection_id)],
            )
            await connection.execute(
                """
                INSERT INTO item (tenant_id, id, connection_id, number_key, product_number, ean,
                                  name, unit, kind)
                SELECT %s, gen_random_uuid(), %s, 'nar-' || lpad(n::text, 4, '0'),
                       'NAR-' || lpad(n::text, 4, '0'), '', '', 'ks', 'goods'
                FROM generate_series(1, %s) AS n WHERE %s = 0 OR n %% 10 = 0
                """,
                [tenant, connection_id, ITEMS, place],
            )
    return tenant


async def page(
    database: Database, tenant: UUID, request: api.ListItemsRequest
) -> tuple[api.ListItemsResponse, int]:
    """A page, and how many items were read for it."""
    async with database.transaction(tenant) as connection:
        return await counting_rows(connection, "item", list_items(connection, tenant, request))


async def test_pages_give_every_item_of_every_connection_once(
    database: Database, tenant: UUID
) -> None:
    found: list[tuple[str, str]] = []
    request = api.ListItemsRequest(page_size=PAGE)
    while True:
        answer, _ = await page(database, tenant, request)
        found += [(item.product_number, item.id) for item in answer.items]
        if not answer.next_page_token:
            break
        request.page_token = answer.next_page_token
    assert len(found) == ITEMS + ITEMS // 10
    assert found == sorted(set(found))


async def test_a_deep_page_and_a_sparse_one_read_no_more_than_they_show(
    database: Database, tenant: UUID
) -> None:
    deep = encode_token(["nar-2500", str(UUID(int=2**128 - 1))])
    answer, read = await page(
        database, tenant, api.ListItemsRequest(page_size=PAGE, page_token=deep)
    )
    assert [item.product_number for item in answer.items][:2] == ["NAR-2501", "NAR-2502"]
    assert read <= CONNECTIONS * (PAGE + 2)
    request = api.ListItemsRequest(page_size=PAGE, product_number_prefix="nar-001")
    answer, read = await page(database, tenant, request)
    assert len(answer.items) == 11
    assert all(item.product_number.startswith("NAR-001") for item in answer.items)
    assert read <= CONNECTIONS * (PAGE + 2)


async def test_a_token_of_something_else_is_refused(database: Database, tenant: UUID) -> None:
    for token in (encode_token(["nar-0001", "no id"]), encode_token(["nar-0001"])):
        with pytest.raises(InvalidArgument):
            await page(database, tenant, api.ListItemsRequest(page_token=token))
