"""Storing mails as they come: those that arrive together are one transaction.

A mail is stored once for each connection and way: the same bytes again by the
same way (a sender that did not get our answer) are noted on the first, which is
answered for already. By another way they may prove more, and are another mail:
whoever sends a copy first must not keep the bank's own from being judged. The
address is looked at in the same statement, so that
nothing is stored for one that has ended.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final
from uuid import UUID

import psycopg
import structlog

from spojka import crash_points
from spojka.cancelling import cancel_all
from spojka.database import Connection, Database, roll_back
from spojka.errors import Unavailable

BATCH_MAILS: Final = 50
BATCH_BYTES: Final = 8 * 1024 * 1024

log = structlog.get_logger()


class Outcome(Enum):
    """What became of a mail that was sent."""

    STORED = "stored"
    NOTED = "noted"
    """It is there already."""

    NO_ADDRESS = "no address"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A mail as it came, and the way it came."""

    id: UUID
    local_hash: bytes
    digest: bytes
    client_ip: str
    helo: str
    envelope_from: str
    receive_time: datetime
    raw: bytes


@dataclass(frozen=True, slots=True)
class _Waiting:
    arrival: Arrival
    outcome: asyncio.Future[Outcome] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def fail(self, error: Exception) -> None:
        if not self.outcome.done():
            self.outcome.set_exception(error)


class Arrivals:
    """Writes what arrives. `stored` is called after a commit that added mails."""

    def __init__(self, database: Database, stored: Callable[[], None]) -> None:
        """Remember where to write; `start` begins."""
        self.database = database
        self._stored = stored
        self._waiting: list[_Waiting] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._forever(), name="mail arrivals")

    async def stop(self) -> None:
        """End; whoever still waits is told that nothing was stored."""
        if self._task is not None:
            await cancel_all([self._task])
        for waiting in self._waiting:
            waiting.fail(Unavailable("the service stops"))

    async def store(self, arrival: Arrival) -> Outcome:
        """Store a mail; returns once it is committed. Raises Unavailable."""
        waiting = _Waiting(arrival)
        self._waiting.append(waiting)
        self._wake.set()
        return await waiting.outcome

    async def _forever(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                await self._write(self._next_batch())

    def _next_batch(self) -> list[_Waiting]:
        count, size_bytes = 0, 0
        for waiting in self._waiting[:BATCH_MAILS]:
            size_bytes += len(waiting.arrival.raw)
            if count and size_bytes > BATCH_BYTES:
                break
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch

    async def _write(self, batch: Sequence[_Waiting]) -> None:
        try:
            outcomes = await self._commit([waiting.arrival for waiting in batch])
        except (Unavailable, psycopg.Error) as error:
            await self._write_apart(batch, error)
            return
        except BaseException:
            for waiting in batch:
                waiting.fail(Unavailable("the service stops"))
            raise
        crash_points.reach("mail-stored")
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if not waiting.outcome.done():
                waiting.outcome.set_result(outcome)
        if Outcome.STORED in outcomes:
            self._stored()

    async def _write_apart(self, batch: Sequence[_Waiting], error: Exception) -> None:
        # Where PostgreSQL is away all fail together; else one of them must not fail the others.
        if len(batch) == 1 or isinstance(error, Unavailable):
            for waiting in batch:
                waiting.fail(error)
            return
        log.warning("mails are stored one by one", mails=len(batch), error=str(error))
        for waiting in batch:
            await self._write([waiting])

    async def _commit(self, arrivals: Sequence[Arrival]) -> list[Outcome]:
        # Always in one order, so that two processes with the same mails don't wait for each other.
        ordered = sorted(arrivals, key=lambda arrival: (arrival.local_hash, arrival.digest))
        async with self.database.autocommit() as connection:
            try:
                stored = await _insert_all(connection, ordered)
            except BaseException:
                await roll_back(connection)
                raise
        return [stored[arrival.id] for arrival in arrivals]


async def _insert_all(connection: Connection, arrivals: Sequence[Arrival]) -> dict[UUID, Outcome]:
    """One transaction in one round trip; the tenant is set for each mail by its address."""
    cursors = []
    async with connection.pipeline():
        await connection.execute("BEGIN")
        for arrival in arrivals:
            await connection.execute(_ENTER, [arrival.local_hash], prepare=True)
            values = [
                arrival.local_hash,
                arrival.id,
                arrival.digest,
                len(arrival.raw),
                arrival.client_ip,
                arrival.helo,
                arrival.envelope_from,
                arrival.receive_time,
                arrival.raw,
            ]
            cursors.append(await connection.execute(_INSERT, values, binary=True, prepare=True))
        await connection.execute("COMMIT")
    outcomes = {}
    for arrival, cursor in zip(arrivals, cursors, strict=True):
        row = await cursor.fetchone()
        if row is None:
            outcomes[arrival.id] = Outcome.NO_ADDRESS
        else:
            outcomes[arrival.id] = Outcome.STORED if row[0] == arrival.id else Outcome.NOTED
    return outcomes


_ENTER: Final = """
    SELECT set_config('app.tenant', coalesce(
        (SELECT tenant_id::text FROM address WHERE local_hash = %b), ''), true)
"""

_INSERT: Final = """
    WITH recipient AS (
        SELECT tenant_id, connection_id, id FROM address
        WHERE local_hash = %b AND (end_time IS NULL OR end_time > now())
    ), arrived AS (
        INSERT INTO mail (tenant_id, id, connection_id, address_id, digest, size_bytes,
                          client_ip, helo, envelope_from, receive_time)
        SELECT tenant_id, %b, connection_id, id, %b, %b, %b, %b, %b, %b FROM recipient
        ON CONFLICT (tenant_id, connection_id, digest, client_ip, envelope_from, helo)
        DO UPDATE SET redeliveries = mail.redeliveries + 1,
                      redelivery_time = excluded.receive_time
        RETURNING tenant_id, id, redeliveries
    ), kept AS (
        INSERT INTO mail_raw (tenant_id, mail_id, raw)
        SELECT tenant_id, id, %b FROM arrived WHERE redeliveries = 0
    ), queued AS (
        INSERT INTO mail_queue (mail_id, tenant_id)
        SELECT id, tenant_id FROM arrived WHERE redeliveries = 0
    )
    SELECT id FROM arrived
"""
