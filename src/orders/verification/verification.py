"""The orders service's part of `spojka verify`."""

from collections.abc import AsyncIterator, Sequence
from typing import Final
from uuid import UUID

from orders.verification.book import book
from orders.verification.taking import ImportTaking, PaidTaking
from orders.verification.telling import OrderTelling
from spojka.settings import Settings
from spojka.verification.model import Finding, Retelling, Taking, Telling
from spojka.verification.snapshot import Snapshot


class OrdersVerification:
    """Orders as their facts give them; what shops sent first is known by its fingerprint alone."""

    service = "orders"
    retellings: Sequence[Retelling] = ()
    takings: Sequence[Taking] = (PaidTaking(), ImportTaking())

    def tellings(self, _settings: Settings) -> Sequence[Telling]:
        """Of orders, which are never forgotten."""
        return (OrderTelling(),)

    async def books(self, snapshot: Snapshot, tenant: UUID) -> AsyncIterator[Finding]:
        """Every order of the book."""
        async for finding in book(snapshot, tenant):
            yield finding


VERIFICATION: Final = OrdersVerification()
