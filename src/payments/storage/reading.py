"""Payments as people read them, with their whole explanation."""

from collections.abc import Iterable
from uuid import UUID

from payments.messages.payment import payment_message
from payments.storage.lines import read_decisions, read_lines
from payments.storage.payments import read_payments
from payments.storage.sources import mails_of_payments
from spojka.api.payments.v1 import payment_pb2
from spojka.database import Connection


async def read_messages(
    connection: Connection, tenant: UUID, ids: Iterable[UUID]
) -> dict[UUID, payment_pb2.Payment]:
    """Payments with their ledger lines, decisions, verdicts and mails; unknown ids are left out."""
    rows = await read_payments(connection, tenant, ids)
    lines = await read_lines(connection, tenant, rows)
    decisions = await read_decisions(connection, tenant, rows)
    mails = await mails_of_payments(connection, tenant, rows)
    return {
        payment_id: payment_message(
            row, lines.get(payment_id, ()), decisions.get(payment_id, ()), mails.get(payment_id, ())
        )
        for payment_id, row in rows.items()
    }
