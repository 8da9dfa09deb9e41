"""The order book as payments need it: locked, read, kept up to date."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from payments.decisions.standing import OrderStanding
from payments.matching.values import Payable, PaymentMethod, PaymentState, References, Rules
from spojka.api.orders.v1 import order_pb2
from spojka.asking import Answer, answered, ask
from spojka.database import Connection
from spojka.values import ZERO

_COLUMNS: Final = """
    order_id, revision, payment_revision, channel_id, number, currency, total, paid, payment_state,
    cancelled, awaits, order_time, close_time, customer_key, value
"""


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order as it is stored; `payable` says how it stands.

    `revision` is the order book's own; `payment_revision` that of what was last
    told to the order book.
    """

    payable: Payable
    revision: int
    payment_revision: int = 0

    @property
    def id(self) -> UUID:
        """The order's id."""
        return UUID(self.payable.id)

    @property
    def subject(self) -> str:
        """How tasks name it."""
        return f"order/{self.payable.id}"

    def standing(self, rules: Rules) -> OrderStanding:
        """The order as people's decisions take it."""
        order = self.payable
        return OrderStanding(
            id=self.id,
            number=order.number,
            currency=order.currency,
            total=order.total,
            paid=order.paid,
            cancelled=order.cancelled,
            tolerance=rules.tolerances.get(order.currency, ZERO),
        )


async def lock_orders(
    connection: Connection, tenant: UUID, ids: Iterable[UUID]
) -> dict[UUID, OrderRow]:
    """Lock orders in the order of their ids, after every payment that is to be locked.

    Ids that name no order of the tenant are left out. What else a decision
    needs to know of them is read in a later statement.
    """
    return await (await ask_locked_orders(connection, tenant, ids))


async def ask_locked_orders(
    connection: Connection, tenant: UUID, ids: Iterable[UUID]
) -> Answer[dict[UUID, OrderRow]]:
    """As `lock_orders`, to share a round trip."""
    return await _ask(connection, tenant, ids, "FOR UPDATE")


async def read_orders(
    connection: Connection, tenant: UUID, ids: Iterable[UUID]
) -> dict[UUID, OrderRow]:
    """As `lock_orders`, without locking: for looking, never for deciding."""
    return await (await _ask(connection, tenant, ids, ""))


async def _ask(
    connection: Connection, tenant: UUID, ids: Iterable[UUID], locking: str
) -> Answer[dict[UUID, OrderRow]]:
    wanted = sorted(set(ids))
    if not wanted:
        return answered({})
    return await ask(
        connection,
        f"SELECT {_COLUMNS} FROM payable"
        f" WHERE tenant_id = %s AND order_id = ANY(%s) ORDER BY order_id {locking}".encode(),
        [tenant, wanted],
        lambda rows: {row[0]: _row(row) for row in rows},
    )


def _row(row: Sequence[Any]) -> OrderRow:
    references = order_pb2.OrderReferences.FromString(row[14])
    return OrderRow(
        payable=Payable(
            id=str(row[0]),
            channel_id=row[3],
            number=row[4],
            currency=row[5],
            total=row[6],
            paid=row[7],
            state=PaymentState(row[8]),
            cancelled=row[9],
            method=PaymentMethod(row[10]),
            order_time=row[11],
            close_time=row[12],
            customer_key=row[13],
            references=References(
                variable_symbol=references.variable_symbol,
                invoice_number=references.invoice_number,
                invoice_variable_symbol=references.invoice_variable_symbol,
                gateway_reference=references.gateway_reference,
            ),
        ),
        revision=row[1],
        payment_revision=row[2],
    )


_STORED: Final = {
    "order_id": "uuid",
    "revision": "bigint",
    "channel_id": "text",
    "number": "text",
    "currency": "text",
    "total": "numeric",
    "cancelled": "boolean",
    "awaits": "smallint",
    "order_time": "timestamptz",
    "customer_key": "text",
    "value": "bytea",
    "paid": "numeric",
    "payment_state": "smallint",
    "payment_revision": "bigint",
    "close_time": "timestamptz",
}
_INPUT: Final = ", ".join(f"%({name})s::{kind}[]" for name, kind in _STORED.items())
_INSERT: Final = f"""
    INSERT INTO payable (tenant_id, {", ".join(_STORED)})
    SELECT %(tenant)s, * FROM unnest({_INPUT})
    ON CONFLICT (tenant_id, order_id) DO NOTHING RETURNING order_id
"""
_SET: Final = ", ".join(f"{name} = input.{name}" for name in _STORED if name != "order_id")
_UPDATE: Final = f"""
    UPDATE payable SET {_SET}
    FROM unnest({_INPUT}) AS input ({", ".join(_STORED)})
    WHERE payable.tenant_id = %(tenant)s AND payable.order_id = input.order_id
"""


async def insert_orders(
    connection: Connection, tenant: UUID, orders: Iterable[OrderRow]
) -> set[UUID]:
    """Add orders, sorted; returns those that were not there."""
    rows = sorted(orders, key=lambda order: order.id)
    if not rows:
        return set()
    cursor = await connection.execute(_INSERT.encode(), _arrays(tenant, rows))
    return {row[0] for row in await cursor.fetchall()}


async def save_orders(connection: Connection, tenant: UUID, orders: Iterable[OrderRow]) -> None:
    """Write locked orders as they now are."""
    rows = sorted(orders, key=lambda order: order.id)
    if rows:
        # Not prepared: a plan kept from when the table was small would read all of it.
        await connection.execute(_UPDATE.encode(), _arrays(tenant, rows), prepare=False)


def _arrays(tenant: UUID, rows: Sequence[OrderRow]) -> Mapping[str, Any]:
    written = [_stored(row) for row in rows]
    return {"tenant": tenant, **{name: [each[name] for each in written] for name in _STORED}}


def _stored(row: OrderRow) -> Mapping[str, Any]:
    order = row.payable
    close_time: datetime | None = order.close_time
    return {
        "order_id": row.id,
        "revision": row.revision,
        "channel_id": order.channel_id,
        "number": order.number,
        "currency": order.currency,
        "total": order.total,
        "cancelled": order.cancelled,
        "awaits": int(order.method),
        "order_time": order.order_time,
        "customer_key": order.customer_key,
        "value": order_pb2.OrderReferences(
            variable_symbol=order.references.variable_symbol,
            invoice_number=order.references.invoice_number,
            invoice_variable_symbol=order.references.invoice_variable_symbol,
            gateway_reference=order.references.gateway_reference,
        ).SerializeToString(),
        "paid": order.paid,
        "payment_state": int(order.state),
        "payment_revision": row.payment_revision,
        "close_time": close_time,
    }
