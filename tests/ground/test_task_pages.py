"""Pages of tasks cost no more when many were dealt with: they are kept for ever."""

from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest

from spojka.database import Database
from spojka.tasks import list_tasks
from tests.rows_read import counting_rows

MakeDatabase = Callable[[str], Awaitable[Database]]
RESOLVED = 3_000
WAITING = 5
READ_MAX = 20


@pytest.fixture
async def database(make_database: MakeDatabase) -> Database:
    return await make_database("orders")


@pytest.fixture
async def tenant(database: Database) -> UUID:
    """Has few tasks that wait, older than the many that do not."""
    tenant = uuid4()
    async with database.transaction(tenant) as connection:
        await connection.execute(
            """
            INSERT INTO task (tenant_id, id, kind, subject, summary, advice, resolve_time)
            SELECT %s, ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'test',
                   'order/' || n, '', '', CASE WHEN n > %s THEN now() END
            FROM generate_series(1, %s) AS n
            """,
            [tenant, WAITING, WAITING + RESOLVED],
        )
    return tenant


@pytest.mark.parametrize(
    ("subject", "resolved", "wanted"),
    [
        ("", False, [f"order/{n}" for n in range(WAITING, 0, -1)]),
        ("order/77", True, ["order/77"]),
        ("order/77", False, []),
        ("order/3", False, ["order/3"]),
    ],
)
async def test_what_was_dealt_with_is_not_read(
    database: Database, tenant: UUID, subject: str, resolved: bool, wanted: list[str]
) -> None:
    async with database.transaction(tenant) as connection:
        page = list_tasks(
            connection, tenant, size=0, token="", include_resolved=resolved, subject=subject
        )
        (tasks, token), read = await counting_rows(connection, "task", page)
    assert [task.subject for task in tasks] == wanted
    assert not token
    assert read <= READ_MAX


async def test_pages_go_on_where_the_last_ended(database: Database, tenant: UUID) -> None:
    async with database.transaction(tenant) as connection:
        first, token = await list_tasks(
            connection, tenant, size=3, token="", include_resolved=False
        )
        second, end = await list_tasks(
            connection, tenant, size=3, token=token, include_resolved=False
        )
    subjects = [task.subject for task in [*first, *second]]
    assert subjects == [f"order/{n}" for n in range(WAITING, 0, -1)]
    assert not end
