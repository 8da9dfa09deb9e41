"""Payments as rows: locked and read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from payments.decisions.standing import Disposition, Standing
from payments.matching.values import PaymentStatus
from payments.storage.lines import ask_lines
from payments.storage.origin import Origin
from payments.storage.pairs import ask_ruled_out_orders
from spojka.api.payments.v1 import payment_pb2
from spojka.asking import ask, together
from spojka.database import Connection
from spojka.values import Money, format_decimal

_COLUMNS: Final = """
    id, revision, incoming, amount, currency, status, hold, needs_person, decided_by,
    connection_id, counter_account, receive_time, address_id, bank, sender_domain,
    automatic_per_hour, balance, likeness, value
"""


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """A payment as it is stored.

    `message` holds the movement, its verdict and flags, but no ledger lines,
    decisions, amounts given away, status or revision: those are in `standing`
    and in the ledger. Never change it in place.
    """

    standing: Standing
    message: payment_pb2.Payment
    revision: int
    connection_id: UUID
    counter_account: str
    receive_time: datetime
    origin: Origin = field(default_factory=Origin)
    automatic_per_hour: int = 0
    """How many of its connection may pay by themselves in an hour; 0: any number."""
    likeness: bytes = b""
    """A hash of what two mails about one movement have in common (`payments.messages.notice`)."""
    balance: str = ""
    """The account's balance after it; empty where no mail said it."""

    @property
    def id(self) -> UUID:
        """The payment's id."""
        return self.standing.id

    @property
    def disposition(self) -> Disposition:
        """How it stands."""
        return self.standing.disposition

    @property
    def money(self) -> Money:
        """What came, or went out."""
        return Money(self.standing.currency, self.standing.amount)

    @property
    def subject(self) -> str:
        """How tasks name it."""
        return f"payment/{self.id}"


async def lock_payments(
    connection: Connection, tenant: UUID, ids: Iterable[UUID]
) -> dict[UUID, PaymentRow]:
    """Lock payments in the order of their ids, then read their lines and ruled-out orders.

    Ids that name no payment of the tenant are left out.
    """
    return await _read(connection, tenant, ids, "FOR UPDATE")


async def read_payments(
    connection: Connection, tenant: UUID, ids: Iterable[UUID]
) -> dict[UUID, PaymentRow]:
    """As `lock_payments`, without locking: for looking, never for deciding."""
    return await _read(connection, tenant, ids, "")


async def _read(
    connection: Connection, tenant: UUID, ids: Iterable[UUID], locking: str
) -> dict[UUID, PaymentRow]:
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    async with together(connection):
        asked = await ask(
            connection,
            f"SELECT {_COLUMNS} FROM payment"
            f" WHERE tenant_id = %s AND id = ANY(%s) ORDER BY id {locking}".encode(),
            [tenant, wanted],
            lambda rows: [_row(row) for row in rows],
        )
        asked_lines = await ask_lines(connection, tenant, wanted)
        asked_ruled_out = await ask_ruled_out_orders(connection, tenant, wanted)
    rows, lines, ruled_out = await asked, await asked_lines, await asked_ruled_out
    return {
        row.id: replace(
            row,
            standing=replace(
                row.standing,
                lines=tuple(line.line for line in lines.get(row.id, ())),
                ruled_out=ruled_out.get(row.id, frozenset()),
            ),
        )
        for row in rows
    }


def _row(row: Sequence[Any]) -> PaymentRow:
    disposition = Disposition(
        PaymentStatus(row[5]), hold=row[6], needs_person=row[7], decided_by=row[8]
    )
    return PaymentRow(
        standing=Standing(
            id=row[0],
            incoming=row[2],
            amount=row[3],
            currency=row[4],
            disposition=disposition,
        ),
        message=payment_pb2.Payment.FromString(row[18]),
        revision=row[1],
        connection_id=row[9],
        counter_account=row[10],
        receive_time=row[11],
        origin=Origin(row[12], row[13], row[14]),
        automatic_per_hour=row[15],
        balance=row[16],
        likeness=row[17],
    )


def full_message(row: PaymentRow) -> payment_pb2.Payment:
    """The payment as the contract has it, but for its ledger lines, decisions and mails."""
    message = payment_pb2.Payment()
    message.CopyFrom(row.message)
    message.status = payment_pb2.PaymentStatus.ValueType(row.disposition.status)
    message.unallocated = format_decimal(row.standing.unallocated)
    message.credited = format_decimal(row.standing.credited)
    message.revision = row.revision
    return message


async def held_payments(
    connection: Connection, tenant: UUID, connection_id: UUID, hold: int, origin: Origin, limit: int
) -> list[UUID]:
    """Payments of a sender that wait for this reason, oldest first, at most `limit`; not locked."""
    cursor = await connection.execute(
        """
        SELECT id FROM payment
        WHERE tenant_id = %s AND connection_id = %s AND hold = %s AND hold <> 0
          AND address_id IS NOT DISTINCT FROM %s AND bank = %s AND sender_domain = %s
        ORDER BY id LIMIT %s
        """,
        [
            tenant,
            connection_id,
            hold,
            origin.address_id,
            origin.bank,
            origin.sender_domain,
            limit,
        ],
    )
    return [row[0] for row in await cursor.fetchall()]
