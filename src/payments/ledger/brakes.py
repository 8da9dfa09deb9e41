"""How many payments of a connection may pay orders by themselves in an hour."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from payments.storage.lines import confirmed_by_person
from payments.storage.payments import PaymentRow
from spojka.database import Connection


@dataclass(slots=True)
class Brakes:
    """The connections' counts while payments are decided about, one after another."""

    _paid: Counter[UUID] = field(default_factory=Counter)
    _confirmed: set[UUID] = field(default_factory=set)

    def hold_back(self, payment: PaymentRow) -> bool:
        """Whether the payment must wait; one that a person confirmed never does."""
        if not payment.automatic_per_hour or payment.id in self._confirmed:
            return False
        return self._paid[payment.connection_id] >= payment.automatic_per_hour

    def count(self, payment: PaymentRow) -> None:
        """One more has paid by itself."""
        self._paid[payment.connection_id] += 1


async def read_brakes(
    connection: Connection, tenant: UUID, payments: Iterable[PaymentRow]
) -> Brakes:
    """The counts of the last hour, held until the transaction ends.

    To be called after the payments are locked and before the orders are, as
    everywhere; connections without a limit are neither locked nor counted.
    """
    limited = [payment for payment in payments if payment.automatic_per_hour]
    connections = sorted({payment.connection_id for payment in limited})
    if not connections:
        return Brakes()
    for connection_id in connections:
        await connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"{tenant}/{connection_id}/automatic_per_hour"],
        )
    cursor = await connection.execute(
        "SELECT connection_id, count(*) FROM payment WHERE tenant_id = %s"
        " AND connection_id = ANY(%s) AND automatic_time > now() - interval '1 hour'"
        " GROUP BY connection_id",
        [tenant, connections],
    )
    paid = Counter({row[0]: row[1] for row in await cursor.fetchall()})
    confirmed = await confirmed_by_person(connection, tenant, [each.id for each in limited])
    return Brakes(paid, confirmed)
