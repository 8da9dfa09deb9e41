"""Pages of payments."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from spojka.database import Connection
from spojka.values import symbol_key


@dataclass(frozen=True, slots=True)
class Filter:
    """Which payments to list; what is None, 0 or empty holds for all."""

    status: int = 0
    connection_id: UUID | None = None
    variable_symbol: str = ""
    order_id: UUID | None = None
    """Those that have given the order anything, or had until it was taken back."""
    value_date_from: date | None = None
    value_date_to: date | None = None
    """The last day that is listed."""
    needs_person: bool = False


async def list_payments(
    connection: Connection, tenant: UUID, wanted: Filter, before: UUID | None, limit: int
) -> tuple[list[UUID], bool]:
    """The ids of a page, newest first, beginning below the id `before`, and whether more follow."""
    cursor = await connection.execute(
        f"SELECT id FROM payment WHERE {' AND '.join(_conditions(wanted, before))}"
        " ORDER BY id DESC LIMIT %(rows)s".encode(),
        {
            "tenant": tenant,
            "before": before,
            "connection_id": wanted.connection_id,
            "symbol": symbol_key(wanted.variable_symbol),
            "order_id": wanted.order_id,
            "from": wanted.value_date_from,
            "to": wanted.value_date_to,
            "rows": limit + 1,
        },
    )
    ids = [row[0] for row in await cursor.fetchall()]
    return ids[:limit], len(ids) > limit


def _conditions(wanted: Filter, before: UUID | None) -> list[str]:
    conditions = ["tenant_id = %(tenant)s"]
    if before is not None:
        conditions.append("id < %(before)s")
    if wanted.status:
        # Written out, not bound: a number from an enumeration.
        conditions.append(f"status = {int(wanted.status)}")
    if wanted.connection_id is not None:
        conditions.append("connection_id = %(connection_id)s")
    if wanted.variable_symbol:
        conditions.append("variable_symbol <> '' AND variable_symbol = %(symbol)s")
    if wanted.order_id is not None:
        conditions.append(
            "id IN (SELECT payment_id FROM allocation"
            " WHERE tenant_id = %(tenant)s AND order_id = %(order_id)s)"
        )
    if wanted.value_date_from is not None:
        conditions.append("value_date >= %(from)s")
    if wanted.value_date_to is not None:
        conditions.append("value_date <= %(to)s")
    if wanted.needs_person:
        conditions.append("needs_person")
    return conditions
