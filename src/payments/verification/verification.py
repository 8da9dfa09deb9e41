"""The payments service's part of `spojka verify`."""

from collections.abc import AsyncIterator, Sequence
from typing import Final
from uuid import UUID

from payments.verification.payables import payables
from payments.verification.payers import payers
from payments.verification.payments import payments
from payments.verification.telling import (
    MatchedTelling,
    OrderPaidRetelling,
    OrderPaidTelling,
    ReceivedTelling,
)
from spojka.settings import Settings
from spojka.verification.model import Finding, Retelling, Taking, Telling
from spojka.verification.snapshot import Snapshot


class PaymentsVerification:
    """Payments and orders from the ledger, which is only ever added to."""

    service = "payments"
    retellings: Sequence[Retelling] = (OrderPaidRetelling(),)
    takings: Sequence[Taking] = ()

    def tellings(self, _settings: Settings) -> Sequence[Telling]:
        """Of payments and of orders: nothing of either is ever forgotten."""
        return ReceivedTelling(), MatchedTelling(), OrderPaidTelling()

    async def books(self, snapshot: Snapshot, tenant: UUID) -> AsyncIterator[Finding]:
        """Both sides of the ledger, and who paid for whom."""
        async for finding in payments(snapshot, tenant):
            yield finding
        async for finding in payables(snapshot, tenant):
            yield finding
        async for finding in payers(snapshot, tenant):
            yield finding


VERIFICATION: Final = PaymentsVerification()
