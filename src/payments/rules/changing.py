"""Setting other rules, and what that means for payments that are open."""

from uuid import UUID

from payments.rules.storage import set_rules
from payments.storage.rechecks import note_open_payments
from payments.storage.turns import matching_ended
from spojka.api.payments.v1.payment_service_pb2 import MatchingRules
from spojka.database import Connection


async def change_rules(
    connection: Connection, tenant: UUID, actor: str, wanted: MatchingRules
) -> MatchingRules:
    """Make these the rules; open payments are looked at again, those that pay an order stay."""
    # Whoever still matches by the rules until now is seen afterwards, and looked at again.
    await matching_ended(connection, tenant)
    rules, new = await set_rules(connection, tenant, actor, wanted)
    if new:
        await note_open_payments(connection, tenant)
    return rules
