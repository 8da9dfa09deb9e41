"""Payments as calls answer with them: the movement, the ledger and the decisions together."""

from uuid import UUID

from payments.storage.reading import read_messages
from spojka.api.payments.v1.payment_pb2 import Payment
from spojka.database import Connection
from spojka.errors import NotFound


async def one_snapshot(connection: Connection) -> None:
    """Let every later statement of this transaction see the same state; the first to be said."""
    await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


async def whole_payment(connection: Connection, tenant: UUID, payment_id: UUID) -> Payment:
    """One payment with all that is known of it. Raises NotFound."""
    found = await read_messages(connection, tenant, [payment_id])
    if payment_id not in found:
        raise no_payment(payment_id)
    return found[payment_id]


def no_payment(payment_id: UUID) -> NotFound:
    """There is no such payment, as far as the caller may know."""
    return NotFound(f"there is no payment {payment_id}", reason="PAYMENT_NOT_FOUND")
