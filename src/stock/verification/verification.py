"""The stock service's part of `spojka verify`."""

from collections.abc import AsyncIterator, Sequence
from typing import Final
from uuid import UUID

from spojka.settings import Settings
from spojka.verification.model import Finding, Retelling, Taking, Telling
from spojka.verification.snapshot import Snapshot
from stock.connections.model import load_connection
from stock.verification.imports import imports
from stock.verification.items import items
from stock.verification.rows import rows
from stock.verification.telling import ImportRetelling, ImportTelling, StockTelling

_CONNECTIONS: Final = "SELECT id FROM connection WHERE tenant_id = %s ORDER BY id"


class StockVerification:
    """Levels under their meaning, holds from documents and coverage, items from both."""

    service = "stock"
    retellings: Sequence[Retelling] = (ImportRetelling(),)
    takings: Sequence[Taking] = ()

    def tellings(self, _settings: Settings) -> Sequence[Telling]:
        """Of items and imports: a removed item's end is told, too."""
        return StockTelling(), ImportTelling()

    async def books(self, snapshot: Snapshot, tenant: UUID) -> AsyncIterator[Finding]:
        """Each connection's levels and items, then the orders' imports and holds."""
        connections = [
            await load_connection(snapshot.connection, tenant, id_)
            for (id_,) in await snapshot.rows(_CONNECTIONS, [tenant])
        ]
        for connection in connections:
            async for finding in rows(snapshot, connection, tenant):
                yield finding
            async for finding in items(snapshot, connection, tenant):
                yield finding
        # Holds under a rule that has just changed are decided anew together with their items.
        rules = {row.id: row.rule for row in connections if row.decide_after is None}
        async for finding in imports(snapshot, rules, tenant):
            yield finding


VERIFICATION: Final = StockVerification()
