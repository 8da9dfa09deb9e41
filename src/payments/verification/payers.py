"""Accounts that paid for customers before: counted anew from the ledger's lines."""

from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from spojka.verification.model import Checked, Difference, Finding
from spojka.verification.snapshot import Snapshot

PAYER: Final = "payer"

_COUNTS: Final = """
    WITH rebuilt AS (
        SELECT counter_account, customer_key, sum(sign(allocation.amount))::integer AS times
        FROM allocation JOIN payment ON payment.tenant_id = allocation.tenant_id
                                    AND payment.id = allocation.payment_id
        WHERE allocation.tenant_id = %(tenant)s AND counter_account <> '' AND customer_key <> ''
        GROUP BY counter_account, customer_key
    )
    SELECT counter_account, customer_key, coalesce(stored.times, 0), coalesce(rebuilt.times, 0)
    FROM rebuilt FULL JOIN (SELECT * FROM payer WHERE tenant_id = %(tenant)s) AS stored
        USING (counter_account, customer_key)
"""


async def payers(snapshot: Snapshot, tenant: UUID) -> AsyncIterator[Finding]:
    """Compare how often each account paid for each customer with what its payments gave."""
    count = 0
    async for account, customer, stored, rebuilt in snapshot.stream(_COUNTS, {"tenant": tenant}):
        count += 1
        if stored != rebuilt:
            told = "a suggestion or a rule may take another one for the payer"
            who = f"{account} for {customer}"
            yield Difference(PAYER, who, "times", str(stored), str(rebuilt), told)
    yield Checked(PAYER, count)
