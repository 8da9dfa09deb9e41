"""Payments added and saved."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from payments.storage.payments import PaymentRow
from spojka.api.payments.v1 import payment_pb2
from spojka.database import Connection

_SAVED: Final = {
    "id": "uuid",
    "revision": "bigint",
    "incoming": "boolean",
    "amount": "numeric",
    "currency": "text",
    "status": "smallint",
    "allocated": "numeric",
    "credited": "numeric",
    "needs_person": "boolean",
    "decided_by": "text",
    "hold": "smallint",
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
_ADDED: Final = _SAVED | {
    "source": "smallint",
    "connection_id": "uuid",
    "receive_time": "timestamptz",
}


def _input(columns: Mapping[str, str]) -> str:
    """Rows of these columns, and of each whether it paid an order by itself just now."""
    arrays = ", ".join(f"%({name})s::{kind}[]" for name, kind in columns.items())
    return f"unnest({arrays}, %(automatic)s::boolean[]) AS input ({', '.join(columns)}, automatic)"


_INSERT: Final = f"""
    INSERT INTO payment (tenant_id, {", ".join(_ADDED)}, automatic_time)
    SELECT %(tenant)s, {", ".join(_ADDED)}, CASE WHEN automatic THEN now() END
    FROM {_input(_ADDED)}
"""
_CHANGED: Final = [name for name in _SAVED if name != "id"]
_SAVE: Final = f"""
    UPDATE payment SET {", ".join(f"{name} = input.{name}" for name in _CHANGED)},
        automatic_time = CASE WHEN automatic THEN now() ELSE automatic_time END
    FROM {_input(_SAVED)}
    WHERE payment.tenant_id = %(tenant)s AND payment.id = input.id
"""


async def insert_payments(
    connection: Connection,
    tenant: UUID,
    payments: Sequence[PaymentRow],
    automatic: Collection[UUID] = (),
) -> None:
    """Add payments; their ids are their callers'. `automatic`: see `save_payments`."""
    if payments:
        rows = sorted(payments, key=lambda each: each.id)
        values = _arrays(tenant, _ADDED, rows, automatic)
        await connection.execute(_INSERT.encode(), values)


async def save_payments(
    connection: Connection, tenant: UUID, rows: Sequence[PaymentRow], automatic: Collection[UUID]
) -> None:
    """Write locked payments as they now stand, with their new lines and revisions.

    `automatic` are those that paid an order by themselves just now.
    """
    if rows:
        values = _arrays(tenant, _SAVED, rows, automatic)
        # Not prepared: a plan kept from when the table was small would read all of it.
        await connection.execute(_SAVE.encode(), values, prepare=False)


def _arrays(
    tenant: UUID,
    columns: Iterable[str],
    rows: Sequence[PaymentRow],
    automatic: Collection[UUID],
) -> dict[str, Any]:
    written = [_written(row) for row in rows]
    return {
        "tenant": tenant,
        "automatic": [row.id in automatic for row in rows],
        **{name: [each[name] for each in written] for name in columns},
    }


def _written(row: PaymentRow) -> dict[str, Any]:
    standing, disposition, message = row.standing, row.disposition, row.message
    unallocated, credited = standing.unallocated, standing.credited
    return {
        "id": row.id,
        "revision": row.revision,
        "source": message.source,
        "connection_id": row.connection_id,
        "receive_time": row.receive_time,
        "incoming": standing.incoming,
        "amount": standing.amount,
        "currency": standing.currency,
        "status": int(disposition.status),
        "allocated": standing.amount - unallocated - credited,
        "credited": credited,
        "needs_person": disposition.needs_person,
        "decided_by": disposition.decided_by,
        "hold": int(disposition.hold),
        "value_date": date.fromisoformat(message.value_date),
        "own_account": message.own_account,
        "counter_account": message.counter_account,
        "variable_symbol": message.variable_symbol,
        "reference": message.reference,
        "likeness": row.likeness,
        "balance": row.balance,
        "address_id": row.origin.address_id,
        "bank": row.origin.bank,
        "sender_domain": row.origin.sender_domain,
        "automatic_per_hour": row.automatic_per_hour,
        "value": stored_value(message),
    }


_ELSEWHERE: Final = (
    "status",
    "unallocated",
    "credited",
    "revision",
    "allocations",
    "decisions",
    "mail_ids",
)


def stored_value(message: payment_pb2.Payment) -> bytes:
    """The bytes of the column `value`: the message without what columns and the ledger hold."""
    kept = payment_pb2.Payment()
    kept.CopyFrom(message)
    for name in _ELSEWHERE:
        kept.ClearField(name)
    return kept.SerializeToString()
