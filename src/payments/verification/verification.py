"""The payments service's part of `spojka verify`."""

from collections.abc import AsyncIterator, Sequence
from typing import Final
from uuid import UUID

from payments.verification.payables import payables
from payments.verification.payments import payments
from payments.verification.telling import MatchedTelling, OrderPaidTelling, ReceivedTelling
from spojka.verification.model import Finding, Telling
from spojka.verification.snapshot import Snapshot


class PaymentsVerification:
    """Payments and orders from the ledger, which is only ever added to."""

    service = "payments"
    tellings: Sequence[Telling] = (ReceivedTelling(), MatchedTelling(), OrderPaidTelling())

    async def books(self, snapshot: Snapshot, tenant: UUID) -> AsyncIterator[Finding]:
        """Both sides of the ledger."""
        async for finding in payments(snapshot, tenant):
            yield finding
        async for finding in payables(snapshot, tenant):
            yield finding


VERIFICATION: Final = PaymentsVerification()
