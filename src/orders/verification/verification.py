"""The orders service's part of `spojka verify`."""

from collections.abc import AsyncIterator, Sequence
from typing import Final
from uuid import UUID

from orders.verification.book import book
from orders.verification.telling import OrderTelling
from spojka.verification.model import Finding, Telling
from spojka.verification.snapshot import Snapshot


class OrdersVerification:
    """Orders as their facts give them; what shops sent first is known by its fingerprint alone."""

    service = "orders"
    tellings: Sequence[Telling] = (OrderTelling(),)

    async def books(self, snapshot: Snapshot, tenant: UUID) -> AsyncIterator[Finding]:
        """Every order of the book."""
        async for finding in book(snapshot, tenant):
            yield finding


VERIFICATION: Final = OrdersVerification()
