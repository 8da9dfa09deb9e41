"""Orders and their history as they are read."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from spojka.api.orders.v1 import order_pb2, order_service_pb2
from spojka.database import Connection
from spojka.times import timestamp
from spojka.values import symbol_key

PAGE_MAX_BYTES: Final = 8 * 1024 * 1024
_PAGE: Final = """
    SELECT CASE WHEN bytes_before < %(bytes)s THEN value END FROM (
        SELECT id, value,
               sum(octet_length(value)) OVER (ORDER BY id DESC) - octet_length(value)
                   AS bytes_before
        FROM (
            SELECT id, value FROM order_book WHERE {conditions} ORDER BY id DESC LIMIT %(rows)s
        ) AS head
    ) AS page
    ORDER BY id DESC
"""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which orders to list; what is empty or 0 holds for all."""

    channel_id: str = ""
    payment_state: int = 0
    fulfilment_state: int = 0
    import_state: int = 0
    reference: str = ""


async def find_order(
    connection: Connection, tenant: UUID, order_id: UUID
) -> order_pb2.Order | None:
    """An order by its id."""
    cursor = await connection.execute(
        "SELECT value FROM order_book WHERE tenant_id = %s AND id = %s", [tenant, order_id]
    )
    row = await cursor.fetchone()
    return order_pb2.Order.FromString(row[0]) if row is not None else None


async def list_orders(
    connection: Connection, tenant: UUID, wanted: Filter, before: UUID | None, limit: int
) -> tuple[list[order_pb2.Order], bool]:
    """A page of orders newest first, beginning below the id `before`, and whether more follow.

    Ids sort by the time of placing: orders placed between two pages come
    before the first one and move nothing. A page of very large orders ends
    before `limit`, so that it fits a message.
    """
    conditions = ["tenant_id = %(tenant)s"]
    if before is not None:
        conditions.append("id < %(before)s")
    if wanted.channel_id:
        conditions.append("channel_id = %(channel_id)s")
    # States are written out, not bound: partial indexes answer only to constants.
    conditions += [
        f"{name} = {int(state)}"
        for name in ("payment_state", "fulfilment_state", "import_state")
        if (state := getattr(wanted, name))
    ]
    if wanted.reference:
        conditions.append(_reference_condition(wanted.reference))
    cursor = await connection.execute(
        _PAGE.format(conditions=" AND ".join(conditions)).encode(),
        {
            "tenant": tenant,
            "before": before,
            "channel_id": wanted.channel_id,
            "reference": wanted.reference,
            "symbol": symbol_key(wanted.reference),
            "rows": limit + 1,
            "bytes": PAGE_MAX_BYTES,
        },
    )
    rows = await cursor.fetchall()
    orders = [order_pb2.Order.FromString(row[0]) for row in rows[:limit] if row[0] is not None]
    return orders, len(orders) < len(rows)


def _reference_condition(reference: str) -> str:
    conditions = [
        "number = %(reference)s",
        "channel_order_id = %(reference)s",
        "(invoice_number <> '' AND invoice_number = %(reference)s)",
    ]
    if reference.isascii() and reference.isdigit() and symbol_key(reference):
        conditions += [
            f"({name} <> '' AND {name} = %(symbol)s)"
            for name in ("variable_symbol", "invoice_variable_symbol")
        ]
    return f"({' OR '.join(conditions)})"


async def list_history(
    connection: Connection, tenant: UUID, order_id: UUID, after_revision: int, limit: int
) -> list[order_service_pb2.OrderHistoryEntry]:
    """What happened to an order, oldest first, beginning after a revision."""
    cursor = await connection.execute(
        """
        SELECT revision, time, actor, summary FROM history
        WHERE tenant_id = %s AND order_id = %s AND revision > %s ORDER BY revision LIMIT %s
        """,
        [tenant, order_id, after_revision, limit],
    )
    return [
        order_service_pb2.OrderHistoryEntry(
            revision=revision, time=timestamp(time), actor=actor, summary=summary
        )
        for revision, time, actor, summary in await cursor.fetchall()
    ]
