"""Payments as rows: locked, read, added and saved."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from payments.decisions.standing import Disposition, Standing
from payments.matching.values import PaymentStatus
from payments.storage.lines import read_lines
from payments.storage.origin import Origin
from payments.storage.pairs import ruled_out_orders
from spojka.api.payments.v1 import payment_pb2
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
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM payment"
        f" WHERE tenant_id = %s AND id = ANY(%s) ORDER BY id {locking}".encode(),
        [tenant, wanted],
    )
    rows = [_row(row) for row in await cursor.fetchall()]
    found = {row.id: row for row in rows}
    lines = await read_lines(connection, tenant, found)
    ruled_out = await ruled_out_orders(connection, tenant, found)
    return {
        payment_id: replace(
            row,
            standing=replace(
                row.standing,
                lines=tuple(line.line for line in lines.get(payment_id, ())),
                ruled_out=ruled_out.get(payment_id, frozenset()),
            ),
        )
        for payment_id, row in found.items()
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


_NEW: Final = {
    "id": "uuid",
    "source": "smallint",
    "connection_id": "uuid",
    "incoming": "boolean",
    "amount": "numeric",
    "currency": "text",
    "value_date": "date",
    "own_account": "text",
    "counter_account": "text",
    "variable_symbol": "text",
    "reference": "text",
    "likeness": "bytea",
    "balance": "text",
    "status": "smallint",
    "needs_person": "boolean",
    "hold": "smallint",
    "address_id": "uuid",
    "bank": "text",
    "sender_domain": "text",
    "automatic_per_hour": "integer",
    "receive_time": "timestamptz",
    "value": "bytea",
}
_INSERT: Final = f"""
    INSERT INTO payment (tenant_id, {", ".join(_NEW)})
    SELECT %(tenant)s, * FROM
        unnest({", ".join(f"%({name})s::{kind}[]" for name, kind in _NEW.items())})
"""


async def insert_payments(
    connection: Connection, tenant: UUID, payments: Sequence[PaymentRow]
) -> None:
    """Add payments; their ids are their callers'. Nothing is given to an order yet."""
    if not payments:
        return
    rows = [_new(payment) for payment in sorted(payments, key=lambda each: each.id)]
    await connection.execute(
        _INSERT.encode(), {"tenant": tenant, **{name: [row[name] for row in rows] for name in _NEW}}
    )


def _new(row: PaymentRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "source": row.message.source,
        "connection_id": row.connection_id,
        "incoming": row.standing.incoming,
        "amount": row.standing.amount,
        "currency": row.standing.currency,
        "receive_time": row.receive_time,
        **_movement(row),
        **_state(row.disposition),
        **_origin(row),
        "value": stored_value(row.message),
    }


_SAVED: Final = {
    "id": "uuid",
    "incoming": "boolean",
    "amount": "numeric",
    "currency": "text",
    "status": "smallint",
    "allocated": "numeric",
    "credited": "numeric",
    "needs_person": "boolean",
    "decided_by": "text",
    "hold": "smallint",
    "automatic_time": "timestamptz",
    "value_date": "date",
    "own_account": "text",
    "counter_account": "text",
    "variable_symbol": "text",
    "reference": "text",
    "likeness": "bytea",
    "balance": "text",
    "address_id": "uuid",
    "bank": "text",
    "sender_domain": "text",
    "automatic_per_hour": "integer",
    "value": "bytea",
}
_SAVE: Final = f"""
    UPDATE payment SET revision = payment.revision + 1,
        automatic_time = coalesce(input.automatic_time, payment.automatic_time),
        {
    ", ".join(f"{name} = input.{name}" for name in _SAVED if name not in {"id", "automatic_time"})
}
    FROM unnest({", ".join(f"%({name})s::{kind}[]" for name, kind in _SAVED.items())})
        AS input ({", ".join(_SAVED)})
    WHERE payment.tenant_id = %(tenant)s AND payment.id = input.id
"""


_ELSEWHERE: Final = (
    "status",
    "unallocated",
    "credited",
    "revision",
    "allocations",
    "decisions",
    "mail_ids",
)


async def save_payments(
    connection: Connection, tenant: UUID, rows: Sequence[PaymentRow], automatic: Collection[UUID]
) -> None:
    """Write locked payments as they now stand, with their new lines; revisions grow by one.

    `automatic` are those that paid an order by themselves just now.
    """
    if not rows:
        return
    now = datetime.now().astimezone()
    written = [
        {
            "id": row.id,
            "incoming": row.standing.incoming,
            "amount": row.standing.amount,
            "currency": row.standing.currency,
            **_state(row.disposition),
            "decided_by": row.disposition.decided_by,
            "allocated": _given(row),
            "credited": row.standing.credited,
            "automatic_time": now if row.id in automatic else None,
            **_movement(row),
            **_origin(row),
            "value": stored_value(row.message),
        }
        for row in rows
    ]
    await connection.execute(
        _SAVE.encode(),
        {"tenant": tenant, **{name: [each[name] for each in written] for name in _SAVED}},
        prepare=False,  # A plan kept from when the table was small would read all of it.
    )


def stored_value(message: payment_pb2.Payment) -> bytes:
    """The bytes of the column `value`: the message without what columns and the ledger hold."""
    kept = payment_pb2.Payment()
    kept.CopyFrom(message)
    for name in _ELSEWHERE:
        kept.ClearField(name)
    return kept.SerializeToString()


def full_message(row: PaymentRow) -> payment_pb2.Payment:
    """The payment as the contract has it, but for its ledger lines, decisions and mails."""
    message = payment_pb2.Payment()
    message.CopyFrom(row.message)
    message.status = payment_pb2.PaymentStatus.ValueType(row.disposition.status)
    message.unallocated = format_decimal(row.standing.unallocated)
    message.credited = format_decimal(row.standing.credited)
    message.revision = row.revision
    return message


def _given(row: PaymentRow) -> Decimal:
    return row.standing.amount - row.standing.unallocated - row.standing.credited


def _state(disposition: Disposition) -> dict[str, Any]:
    return {
        "status": int(disposition.status),
        "needs_person": disposition.needs_person,
        "hold": int(disposition.hold),
    }


def _movement(row: PaymentRow) -> dict[str, Any]:
    message = row.message
    return {
        "value_date": date.fromisoformat(message.value_date),
        "own_account": message.own_account,
        "counter_account": message.counter_account,
        "variable_symbol": message.variable_symbol,
        "reference": message.reference,
        "likeness": row.likeness,
        "balance": row.balance,
    }


def _origin(row: PaymentRow) -> dict[str, Any]:
    return {
        "address_id": row.origin.address_id,
        "bank": row.origin.bank,
        "sender_domain": row.origin.sender_domain,
        "automatic_per_hour": row.automatic_per_hour,
    }


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
