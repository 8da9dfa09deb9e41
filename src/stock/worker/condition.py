"""Whether the warehouse system behind a connection answers, as people see it."""

from datetime import timedelta
from typing import Final

import structlog

from spojka.database import Database
from spojka.tasks import Task, close_tasks, open_task
from stock.connections.model import ConnectionRow
from stock.warehouses.errors import Misconfigured, Unreadable, WarehouseError

FIRST_RETRY: Final = timedelta(seconds=5)
LONGEST_RETRY: Final = timedelta(minutes=10)
CONNECTION_PROBLEM: Final = "stock.connection_problem"

log = structlog.get_logger()


async def note_well(database: Database, row: ConnectionRow) -> None:
    """Forget the trouble, where there was any."""
    if not row.problem and not row.failures:
        return
    async with database.transaction(row.tenant_id) as connection:
        await connection.execute(
            "UPDATE connection SET failures = 0, retry_time = NULL, problem = ''"
            " WHERE tenant_id = %s AND id = %s",
            [row.tenant_id, row.id],
        )
        await close_tasks(connection, row.tenant_id, CONNECTION_PROBLEM, [f"connection/{row.id}"])


async def note_trouble(database: Database, row: ConnectionRow, error: WarehouseError) -> None:
    """Keep what is wrong for people, and when it is tried again: later each time."""
    delay = min(LONGEST_RETRY, FIRST_RETRY * (1 << min(row.failures, 10)))
    if isinstance(error, Misconfigured):
        delay = LONGEST_RETRY
    problem = " ".join(part for part in (error.message, error.advice) if part)
    log.warning("warehouse system in trouble", connection=str(row.id), problem=problem)
    async with database.transaction(row.tenant_id) as connection:
        await connection.execute(
            "UPDATE connection SET failures = %s, retry_time = now() + %s, problem = %s"
            " WHERE tenant_id = %s AND id = %s",
            [row.failures + 1, delay, problem, row.tenant_id, row.id],
        )
        await open_task(
            connection,
            row.tenant_id,
            Task(
                CONNECTION_PROBLEM,
                f"connection/{row.id}",
                f"The warehouse system of {row.name!r} is in trouble: {error.message}",
                error.advice or "Spojka tries again by itself.",
                {"answer": error.fragment} if isinstance(error, Unreadable) else {},
            ),
        )
