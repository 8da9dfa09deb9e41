"""Statements that share a round trip: sent one after another, their answers awaited later.

Inside `async with together(connection):` a statement is sent without waiting
for the one before it. PostgreSQL still takes them one after another, each with
its own snapshot: what a statement locks, the next one reads as it is then.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Generic, LiteralString, TypeVar

from psycopg.pq import PipelineStatus
from psycopg.rows import TupleRow

from spojka.database import Connection

T = TypeVar("T")


@asynccontextmanager
async def together(connection: Connection) -> AsyncIterator[None]:
    """Send statements without waiting for each; at the end of the outermost all are answered.

    What one of them fails with is raised where an answer is next awaited, or at
    that end. A cursor's `rowcount` is not known before.
    """
    if connection.pgconn.pipeline_status != PipelineStatus.OFF:
        yield  # A pipeline inside another would wait for all that was sent before it.
        return
    async with connection.pipeline():
        yield


class Answer(Generic[T]):
    """What a statement answers: await it once, inside its pipeline or after it."""

    __slots__ = ("_read",)

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        """Remember how the answer is read."""
        self._read = read

    def __await__(self) -> Generator[Any, None, T]:
        """Wait for the answer. Raises what the statement, or one before it, failed with."""
        return self._read().__await__()


async def ask(
    connection: Connection,
    statement: LiteralString | bytes,
    values: Sequence[Any] | Mapping[str, Any],
    build: Callable[[list[TupleRow]], T],
    *,
    prepare: bool | None = None,
) -> Answer[T]:
    """Send a statement; its answer is what `build` makes of its rows."""
    cursor = await connection.execute(statement, values, prepare=prepare)

    async def read() -> T:
        return build(await cursor.fetchall())

    return Answer(read)


def answered(value: T) -> Answer[T]:
    """The answer to what needs no asking."""

    async def read() -> T:
        return value

    return Answer(read)
