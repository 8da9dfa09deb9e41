"""Work that a transaction leaves to the scheduler: by leases, so that nothing of it is lost."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from spojka import leases
from spojka.database import Connection
from stock.listings.links import Relink

CONNECTION_WORK: Final = "connection"
"""The kind of the lease by which one process at a time works on a connection."""
RESOLVING: Final = "resolve"
"""The kind of the lease for resolving a tenant's unsent orders anew."""


async def offer_resolving(connection: Connection, tenant_id: UUID) -> None:
    """Have the tenant's unsent orders resolved anew once this transaction is committed."""
    await leases.offer(connection, RESOLVING, str(tenant_id), tenant_id)


class UnsentOrders:
    """What rests on links: local holds move, and blocked orders go on (a RelinkListener)."""

    async def relinked(
        self, connection: Connection, tenant_id: UUID, relinks: Sequence[Relink]
    ) -> None:
        """Listings got other items: decide the tenant's unsent orders anew, soon."""
        if relinks:
            await offer_resolving(connection, tenant_id)
