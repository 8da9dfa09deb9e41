"""How many payments of a connection may pay orders by themselves in an hour."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from payments.storage.payments import PaymentRow
from spojka.asking import Answer, answered, ask
from spojka.database import Connection

_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


@dataclass(slots=True)
class Brakes:
    """The connections' counts while payments are decided about, one after another."""

    paid: Counter[UUID] = field(default_factory=Counter)
    """By connection: how many paid by themselves in the last hour."""
    confirmed: set[UUID] = field(default_factory=set)
    """Payments that a person confirmed."""

    def hold_back(self, payment: PaymentRow) -> bool:
        """Whether the payment must wait; one that a person confirmed never does."""
        if not payment.automatic_per_hour or payment.id in self.confirmed:
            return False
        return self.paid[payment.connection_id] >= payment.automatic_per_hour

    def count(self, payment: PaymentRow) -> None:
        """One more has paid by itself."""
        self.paid[payment.connection_id] += 1


async def ask_paid(
    connection: Connection, tenant: UUID, payments: Iterable[PaymentRow]
) -> Answer[Counter[UUID]]:
    """The counts of the last hour for the connections of payments, held until the end.

    To be called after the payments are locked and before the orders are, as
    everywhere; connections without a limit are neither locked nor counted.
    """
    connections = sorted({each.connection_id for each in payments if each.automatic_per_hour})
    if not connections:
        return answered(Counter())
    for connection_id in connections:
        await connection.execute(_LOCK, [f"{tenant}/{connection_id}/automatic_per_hour"])
    return await ask(
        connection,
        "SELECT connection_id, count(*) FROM payment WHERE tenant_id = %s"
        " AND connection_id = ANY(%s) AND automatic_time > now() - interval '1 hour'"
        " GROUP BY connection_id",
        [tenant, connections],
        lambda rows: Counter({row[0]: row[1] for row in rows}),
    )
