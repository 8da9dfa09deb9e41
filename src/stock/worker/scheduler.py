"""Shares the connections of all tenants over the stock processes by leases."""

import asyncio
import functools
import os
import socket
from collections.abc import Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

import psycopg
import structlog

from spojka import leases
from spojka.cancelling import cancel_all
from spojka.database import Database
from spojka.delivery.health import Health
from spojka.errors import NotFound, Unavailable
from spojka.outbound import OutboundPolicy
from spojka.secrets import Seal, SealBroken
from spojka.telemetry import enter_trace
from stock.connections.model import ConnectionRow, load_connection
from stock.imports.importer import LeaseLost
from stock.imports.resolving import CONNECTION_WORK, RESOLVING
from stock.imports.unsent import resolve_unsent
from stock.levels.epoch import raise_epoch_after_restore
from stock.warehouses.errors import SettingsInvalid, WarehouseError
from stock.warehouses.guarded import open_client
from stock.warehouses.port import WarehouseClient, WarehouseSystem
from stock.worker.connection_worker import ConnectionWorker

CONNECTIONS_MAX: Final = 50
"""Connections that one process works on at once."""
LEASE_TTL: Final = timedelta(seconds=15)
RENEWAL_SECONDS: Final = 4.0
SWEEP_SECONDS: Final = 1.0
AFTER_CRASH: Final = timedelta(seconds=5)
UNTIL_OFFERED: Final = timedelta(days=3650)
PART: Final = "scheduler"

log = structlog.get_logger()


class Scheduler:
    """Claims due connections, works on each in a task of its own, and renews the leases."""

    def __init__(
        self,
        database: Database,
        systems: dict[str, WarehouseSystem],
        seal: Seal,
        outbound: OutboundPolicy,
        after_commit: Callable[[UUID], None],
        health: Health,
    ) -> None:
        """Remember what workers need; `start` begins."""
        self._database = database
        self._systems = systems
        self._seal = seal
        self._outbound = outbound
        self._after_commit = after_commit
        self._health = health
        self._holder = f"{socket.gethostname()}/{os.getpid()}"
        self._wake = asyncio.Event()
        self._working: dict[leases.Lease, asyncio.Task[None]] = {}
        self._loops: list[asyncio.Task[None]] = []

    def wake(self) -> None:
        """Something became due: look at once."""
        self._wake.set()

    async def start(self) -> None:
        """Begin to claim."""
        async with self._database.infrastructure() as connection:
            if await raise_epoch_after_restore(connection):
                log.warning("another database cluster than last time: the stock epoch was raised")
        self._loops = [
            asyncio.create_task(self._claim_forever(), name="claim connections"),
            asyncio.create_task(self._renew_forever(), name="renew leases"),
        ]

    async def stop(self) -> None:
        """Let go of every connection; a request under way is left to be looked up."""
        await cancel_all([*self._loops, *self._working.values()])

    async def _claim_forever(self) -> None:
        while True:
            try:
                await self._claim()
                self._health.recover(PART)
            except (psycopg.Error, Unavailable) as error:
                self._health.degrade(PART, f"can't claim connections: {error}")
            try:
                async with asyncio.timeout(SWEEP_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()

    async def _claim(self) -> None:
        free = CONNECTIONS_MAX - len(self._working)
        if free <= 0:
            return
        async with self._database.infrastructure() as connection:
            claimed = await leases.claim(connection, RESOLVING, self._holder, LEASE_TTL, free)
            claimed += await leases.claim(
                connection, CONNECTION_WORK, self._holder, LEASE_TTL, free - len(claimed)
            )
        for lease in claimed:
            task = asyncio.create_task(self._work(lease), name=f"{lease.kind} {lease.subject}")
            self._working[lease] = task
            task.add_done_callback(functools.partial(self._forget, lease))

    def _forget(self, lease: leases.Lease, _task: asyncio.Task[None]) -> None:
        self._working.pop(lease, None)

    async def _work(self, lease: leases.Lease) -> None:
        enter_trace(None)
        delay = AFTER_CRASH
        try:
            delay = await (
                self._run(lease) if lease.kind == CONNECTION_WORK else self._resolve(lease)
            )
        except LeaseLost:
            log.warning("another process took over", lease=lease.subject)
        except Unavailable as error:
            log.warning("database away", lease=lease.subject, error=error.message)
        except asyncio.CancelledError:
            delay = timedelta(0)
            raise
        except Exception as error:
            log.exception("work on a connection broke off", lease=lease.subject)
            self._health.degrade(f"{lease.kind} {lease.subject}", f"broke off: {error!r}")
        else:
            self._health.recover(f"{lease.kind} {lease.subject}")
        finally:
            await self._release(lease, delay)

    async def _release(self, lease: leases.Lease, delay: timedelta) -> None:
        try:
            async with self._database.infrastructure() as connection:
                await leases.release(connection, lease, delay)
        except Unavailable:
            log.warning("a lease could not be released: it runs out", lease=lease.subject)

    async def _resolve(self, lease: leases.Lease) -> timedelta:
        async with self._database.transaction(lease.tenant_id) as connection:
            await resolve_unsent(connection, lease.tenant_id)
        self._after_commit(lease.tenant_id)
        self.wake()
        return UNTIL_OFFERED

    async def _run(self, lease: leases.Lease) -> timedelta:
        connection_id = UUID(lease.subject)
        try:
            async with self._database.transaction(lease.tenant_id) as connection:
                row = await load_connection(connection, lease.tenant_id, connection_id)
        except NotFound:
            return UNTIL_OFFERED
        if not row.active:
            return UNTIL_OFFERED
        try:
            system, client = self._systems[row.system], self._open(row)
        except (SealBroken, SettingsInvalid, WarehouseError) as error:
            await self._refuse(row, str(error))
            return timedelta(minutes=10)
        try:
            worker = ConnectionWorker(
                self._database,
                lease,
                row,
                system,
                client,
                functools.partial(self._after_commit, row.tenant_id),
            )
            return await worker.run()
        finally:
            await client.close()

    def _open(self, row: ConnectionRow) -> WarehouseClient:
        credentials = self._seal.open(row.sealed, row.place)
        return open_client(self._systems[row.system], row.settings, credentials, self._outbound)

    async def _refuse(self, row: ConnectionRow, problem: str) -> None:
        async with self._database.transaction(row.tenant_id) as connection:
            await connection.execute(
                "UPDATE connection SET problem = %s WHERE tenant_id = %s AND id = %s",
                [problem, row.tenant_id, row.id],
            )

    async def _renew_forever(self) -> None:
        while True:
            await asyncio.sleep(RENEWAL_SECONDS)
            held = list(self._working)
            if not held:
                continue
            try:
                async with self._database.infrastructure() as connection:
                    kept = await leases.renew(connection, held, LEASE_TTL)
            except (psycopg.Error, Unavailable):
                continue  # Tried again soon; a lease that ran out meanwhile guards itself.
            for lease in held:
                if lease.subject not in kept and (task := self._working.get(lease)):
                    task.cancel()
