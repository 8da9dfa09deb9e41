"""One moment of a service's schema, read only: nothing can be changed through it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, Final
from uuid import UUID

import psycopg

from spojka.database import Connection

CONNECT_TIMEOUT_SECONDS: Final = 10
STATEMENT_TIMEOUT_MS: Final = 600_000
"""A statement may look at a whole table: ten minutes."""
FETCH_ROWS: Final = 5_000

_OPTIONS: Final = (
    "-c search_path={schema} -c statement_timeout={timeout} -c default_transaction_read_only=on"
    " -c idle_in_transaction_session_timeout=0"
)
_BEGIN: Final = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
_TENANT: Final = "SELECT set_config('app.tenant', %s, true)"

Parameters = Sequence[object] | Mapping[str, object]


class Snapshot:
    """A REPEATABLE READ, READ ONLY transaction: every statement sees the same moment."""

    def __init__(self, connection: Connection) -> None:
        """Read through a connection whose transaction has begun."""
        self.connection = connection
        self._names = count()

    async def enter(self, tenant: UUID) -> None:
        """See the rows of this tenant from now on, and of no other."""
        await self.connection.execute(_TENANT, [str(tenant)])

    async def rows(self, statement: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """All rows of a statement that has few."""
        cursor = await self.connection.execute(statement.encode(), parameters)
        return await cursor.fetchall()

    async def stream(
        self, statement: str, parameters: Parameters = ()
    ) -> AsyncIterator[tuple[Any, ...]]:
        """The rows of a statement of any size, FETCH_ROWS at a time."""
        async with self.connection.cursor(name=f"rows_{next(self._names)}") as cursor:
            cursor.itersize = FETCH_ROWS
            await cursor.execute(statement.encode(), parameters)
            async for row in cursor:
                yield row

    async def batches(
        self, statement: str, tenant: UUID, *parameters: object, limit: int
    ) -> AsyncIterator[list[UUID]]:
        """Ids in their order, `limit` at a time, of a table of any size.

        The statement takes the tenant, `parameters`, the id to go on after and
        the limit.
        """
        after = UUID(int=0)
        while True:
            rows = await self.rows(statement, [tenant, *parameters, after, limit])
            if not rows:
                return
            yield [row[0] for row in rows]
            after = rows[-1][0]


@asynccontextmanager
async def opened(url: str, schema: str) -> AsyncIterator[Snapshot]:
    """Open a snapshot of a schema. Raises psycopg.Error."""
    connection = await psycopg.AsyncConnection.connect(
        url,
        autocommit=True,
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        options=_OPTIONS.format(schema=schema, timeout=STATEMENT_TIMEOUT_MS),
        application_name=f"spojka verify {schema}",
    )
    async with connection:
        await connection.execute(_BEGIN)
        yield Snapshot(connection)
        await connection.execute("ROLLBACK")
