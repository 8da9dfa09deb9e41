"""PostgreSQL: one bounded pool a process, tenant-bound transactions, one direct connection.

Every transaction on tenants' rows goes through `Database.transaction`, which
sets `app.tenant` for that transaction only; without it row-level security
shows nothing. Infrastructure tables (outbox, inbox, leases, look-ups) are
reached through `Database.infrastructure` from the ground and from the
look-ups that find a tenant.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from spojka.errors import Unavailable

POOL_MAX_CONNECTIONS: Final = 8
POOL_MAX_WAITING: Final = 200
POOL_WAIT_SECONDS: Final = 10.0
POOL_WAIT_AWAY_SECONDS: Final = 1.0
"""How long a request waits where the last one found no server: its caller may ask another host."""
STATEMENT_TIMEOUT_MS: Final = 60_000
LOCK_TIMEOUT_MS: Final = 15_000
IDLE_TRANSACTION_MS: Final = 60_000
"""Longest that a transaction may wait for its process, which then is stopped or stuck."""
CONNECT_SECONDS: Final = 10
RECONNECT_SECONDS: Final = 5.0
"""After so long of trying, the pool leaves it to the next request to connect: its pauses between
attempts, which double, would outlast the outage."""
SILENCE_MS_MAX: Final = 10_000
"""Longest that an answer may be lost on the way before the connection is given up."""
_KEEPALIVES: Final = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
_TCP: Final[dict[str, Any]] = {
    "connect_timeout": CONNECT_SECONDS,
    "tcp_user_timeout": SILENCE_MS_MAX,
    **_KEEPALIVES,
}
"""A network that swallows everything says nothing: without these a request waits for as long as
the system sends again, a quarter of an hour."""
_TCP_OF_SERVER: Final = f"-c tcp_user_timeout={SILENCE_MS_MAX} " + " ".join(
    f"-c tcp_{name}={value}" for name, value in _KEEPALIVES.items()
)
"""The same at the other end: locks of a host that is cut off become free, and so do its sessions.
A server whose system lacks one of these says so in its log, and goes on."""

Connection = psycopg.AsyncConnection[TupleRow]


class RoleRefused(Exception):
    """The role this process logs in as would bypass row-level security."""


class Database:
    """The way of one process to its schema."""

    def __init__(self, url: str, schema: str, *, application: str) -> None:
        """Remember where to connect; nothing is opened yet."""
        self.schema = schema
        self._url = url
        self._options = (
            f"-c search_path={schema} -c statement_timeout={STATEMENT_TIMEOUT_MS}"
            f" -c lock_timeout={LOCK_TIMEOUT_MS}"
            f" -c idle_in_transaction_session_timeout={IDLE_TRANSACTION_MS}"
            f" {_TCP_OF_SERVER}"
        )
        self._application = application
        self._is_away = False
        self._away_since: float | None = None
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url,
            min_size=1,
            max_size=POOL_MAX_CONNECTIONS,
            max_waiting=POOL_MAX_WAITING,
            timeout=POOL_WAIT_SECONDS,
            reconnect_timeout=RECONNECT_SECONDS,
            open=False,
            kwargs={
                "autocommit": True,
                "options": self._options,
                "application_name": application,
                **_TCP,
            },
            name=application,
        )

    async def open(self) -> None:
        """Open the pool and refuse a role that would bypass row-level security.

        Raises Unavailable when the server does not answer in time, RoleRefused
        when the role is the owner, a superuser or has BYPASSRLS (DESIGN §8).
        """
        await self._pool.open()
        try:
            await self._pool.wait(POOL_WAIT_SECONDS)
        except PoolTimeout as error:
            raise Unavailable("PostgreSQL does not answer") from error
        await self._refuse_powerful_role()

    async def close(self) -> None:
        """Close every connection of the pool."""
        await self._pool.close()

    @asynccontextmanager
    async def transaction(self, tenant_id: UUID) -> AsyncIterator[Connection]:
        """One transaction that sees the rows of one tenant.

        Raises Unavailable when no connection is to be had or the server went away.
        """
        async with self._checked_out() as connection, _begun(connection, tenant_id):
            yield connection

    async def alone(
        self, tenant_id: UUID, statement: bytes, parameters: Mapping[str, Any]
    ) -> list[TupleRow]:
        """Run one statement as a transaction of its own on one tenant's rows; returns its rows.

        It takes one round trip where `transaction` takes three. Raises as `transaction` does.
        """
        # What is sent up to the end of a pipeline is one transaction: set_config ends with it.
        async with self._checked_out() as connection:
            try:
                async with connection.pipeline():
                    await connection.execute(_SET_TENANT, [str(tenant_id)])
                    cursor = await connection.execute(statement, parameters)
            except BaseException:
                # There is no transaction to roll back (see `roll_back`): the pool makes another.
                await connection.close()
                raise
            return await cursor.fetchall()

    @asynccontextmanager
    async def infrastructure(self) -> AsyncIterator[Connection]:
        """One transaction without a tenant: sees infrastructure tables only."""
        async with self._checked_out() as connection, _begun(connection, None):
            yield connection

    @asynccontextmanager
    async def autocommit(self) -> AsyncIterator[Connection]:
        """A connection whose every statement is its own transaction, without a tenant."""
        async with self._checked_out() as connection:
            yield connection

    @property
    def away_seconds(self) -> float:
        """Since the first request that did not reach the server, 0 where the last one did."""
        return 0.0 if self._away_since is None else monotonic() - self._away_since

    async def connect_directly(self) -> Connection:
        """Open a connection outside the pool, for session locks and notifications."""
        return await psycopg.AsyncConnection.connect(
            self._url,
            autocommit=True,
            options=self._options,
            application_name=f"{self._application} direct",
            **_TCP,
        )

    @asynccontextmanager
    async def _checked_out(self) -> AsyncIterator[Connection]:
        try:
            wait_seconds = POOL_WAIT_AWAY_SECONDS if self._is_away else POOL_WAIT_SECONDS
            async with self._pool.connection(wait_seconds) as connection:
                yield connection
            self._is_away, self._away_since = False, None
        except PoolTimeout as error:
            self._is_away, self._away_since = True, self._away_since or monotonic()
            raise Unavailable("no database connection became free in time") from error
        except TooManyRequests as error:
            raise Unavailable("too many requests wait for the database") from error
        except _LOST as error:
            if isinstance(error, psycopg.errors.LockNotAvailable | psycopg.errors.QueryCanceled):
                raise Unavailable("the database was too busy") from error
            if getattr(error, "sqlstate", None) in _PASSING:
                raise Unavailable("two requests met: try again") from error
            self._away_since = self._away_since or monotonic()
            raise Unavailable("the connection to PostgreSQL was lost") from error

    async def _refuse_powerful_role(self) -> None:
        async with self.autocommit() as connection:
            cursor = await connection.execute(
                """
                SELECT current_user, rolsuper, rolbypassrls,
                       pg_has_role(current_user, nspowner, 'MEMBER')
                FROM pg_roles LEFT JOIN pg_namespace ON nspname = %s
                WHERE rolname = current_user
                """,
                [self.schema],
            )
            row = await cursor.fetchone()
        if row is None or row[3] is None:
            raise RoleRefused(f"the schema {self.schema!r} is missing: run 'spojka migrate' first")
        user, superuser, bypass, owner = row
        if superuser or bypass or owner:
            raise RoleRefused(
                f"the role {user!r} would bypass row-level security (superuser, BYPASSRLS or "
                f"owner); let SPOJKA_DATABASE_URL log in as 'spojka_{self.schema}'"
            )


_LOST: Final = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    # Not an OperationalError, though the connection is gone as well.
    psycopg.errors.IdleInTransactionSessionTimeout,
)
_PASSING: Final = frozenset({"40001", "40P01"})
_SET_TENANT: Final = "SELECT set_config('app.tenant', %b, true)"


@asynccontextmanager
async def _begun(connection: Connection, tenant_id: UUID | None) -> AsyncIterator[None]:
    # BEGIN and the tenant travel in one round trip; SET LOCAL ends with the transaction.
    begin: LiteralString = "BEGIN"
    statement = begin.encode()
    if tenant_id is not None:
        statement += f"; SET LOCAL app.tenant = '{UUID(str(tenant_id))}'".encode()
    await connection.execute(statement)
    try:
        yield
    except BaseException:
        await roll_back(connection)
        raise
    await connection.execute("COMMIT")


async def roll_back(connection: Connection) -> None:
    """End a transaction that failed, and forget what the client takes for prepared.

    In a pipeline PostgreSQL skips whatever comes after a statement that failed.
    A statement that was to be prepared there is prepared for psycopg and not for
    the server, and fails on this connection ever after; its own `rollback`
    prepares all anew. A connection that is broken has rolled back by itself.
    """
    with suppress(psycopg.Error):
        await connection.rollback()
