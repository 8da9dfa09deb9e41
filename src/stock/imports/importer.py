"""What every step of an import rests on: the leased connection, and how an outcome is recorded.

A step is a decision under lock, a call outside it, and its outcome. SENT is
committed before the first byte leaves. An outcome that is not known becomes
UNKNOWN, and is looked up before anything is sent again; what is sent again
carries the same document id.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Concatenate, ParamSpec
from uuid import UUID
from zoneinfo import ZoneInfo

from spojka import leases
from spojka.database import Connection, Database
from stock.connections.model import ConnectionRow
from stock.imports.store import ImportRow, lock_imports
from stock.warehouses.port import WarehouseClient

Facts = ParamSpec("Facts")


@dataclass(frozen=True, slots=True)
class Importer:
    """Who takes the imports of one leased connection further.

    `after_commit` is called after each transaction that may have made events.
    `settle_time` is how long an earlier request may still be running at the
    partner, so that a look-up before then proves nothing.
    """

    database: Database
    row: ConnectionRow
    lease: leases.Lease
    client: WarehouseClient
    after_commit: Callable[[], None]
    zone: ZoneInfo
    settle_time: timedelta

    async def record(
        self,
        order_id: UUID,
        outcome: Callable[Concatenate["Importer", Connection, ImportRow, Facts], Awaitable[None]],
        *facts: Facts.args,
        **named: Facts.kwargs,
    ) -> None:
        """Record an outcome, with the facts it takes, on the locked import. Raises LeaseLost."""
        async with self.database.transaction(self.row.tenant_id) as connection:
            known = await lock_imports(connection, self.row.tenant_id, [order_id])
            await outcome(self, connection, known[order_id], *facts, **named)
            # Last: whoever takes orders locks items before the lease, too.
            await self.require_lease(connection)
        self.after_commit()

    async def require_lease(self, connection: Connection) -> None:
        """Keep the lease until the running transaction ends. Raises LeaseLost."""
        if not await leases.still_held(connection, self.lease):
            raise LeaseLost(self.lease.subject)


class LeaseLost(Exception):
    """Another process works on the connection now: stop at once, it goes on."""
