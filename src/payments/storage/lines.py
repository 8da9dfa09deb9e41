"""The ledger's lines and people's decisions: only ever added."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from payments.decisions.standing import Line
from spojka.asking import Answer, ask
from spojka.database import Connection


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """A line as it is stored. `number` counts the payment's lines from 1, under its lock."""

    line: Line
    payment_id: UUID
    number: int
    currency: str
    decision_id: UUID
    actor: str
    create_time: datetime


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A decision as it is stored. `before` is what undoing needs to put back.

    `revision` is the payment's that it made: drawn under the payment's lock, it
    orders decisions whatever the clocks of those who write them say.
    """

    id: UUID
    payment_id: UUID
    revision: int
    actor: str
    kind: str
    summary: str
    time: datetime
    before: bytes = b""
    undoes_id: UUID | None = None


async def read_lines(
    connection: Connection, tenant: UUID, payment_ids: Iterable[UUID]
) -> Mapping[UUID, list[LedgerLine]]:
    """The lines of payments, oldest first."""
    return await (await ask_lines(connection, tenant, payment_ids))


async def ask_lines(
    connection: Connection, tenant: UUID, payment_ids: Iterable[UUID]
) -> Answer[Mapping[UUID, list[LedgerLine]]]:
    """As `read_lines`, to share a round trip."""
    return await ask(
        connection,
        """
        SELECT id, order_id, amount, reverses_id, customer_key,
               payment_id, number, currency, decision_id, actor, create_time
        FROM allocation WHERE tenant_id = %s AND payment_id = ANY(%s) ORDER BY payment_id, number
        """,
        [tenant, sorted(payment_ids)],
        _lines,
    )


def _lines(rows: Iterable[Sequence[Any]]) -> dict[UUID, list[LedgerLine]]:
    lines: defaultdict[UUID, list[LedgerLine]] = defaultdict(list)
    for row in rows:
        line, rest = Line(*row[:5]), row[5:]
        lines[rest[0]].append(LedgerLine(line, *rest))
    return lines


async def append_lines(connection: Connection, tenant: UUID, lines: Sequence[LedgerLine]) -> None:
    """Add lines. Reversing a line twice is IntegrityError: a fault of the caller."""
    if not lines:
        return
    await connection.execute(
        """
        INSERT INTO allocation (tenant_id, id, payment_id, number, order_id, amount, currency,
                                decision_id, actor, reverses_id, customer_key, create_time)
        SELECT %s, * FROM unnest(%s::uuid[], %s::uuid[], %s::integer[], %s::uuid[], %s::numeric[],
                                 %s::text[], %s::uuid[], %s::text[], %s::uuid[], %s::text[],
                                 %s::timestamptz[])
        """,
        [
            tenant,
            [each.line.id for each in lines],
            [each.payment_id for each in lines],
            [each.number for each in lines],
            [each.line.order_id for each in lines],
            [each.line.amount for each in lines],
            [each.currency for each in lines],
            [each.decision_id for each in lines],
            [each.actor for each in lines],
            [each.line.reverses_id for each in lines],
            [each.line.customer_key for each in lines],
            [each.create_time for each in lines],
        ],
    )


async def payments_of_orders(
    connection: Connection, tenant: UUID, order_ids: Iterable[UUID]
) -> Mapping[UUID, Mapping[UUID, Decimal]]:
    """What each order has of which payment, where it has anything; payments by id."""
    cursor = await connection.execute(
        """
        SELECT order_id, payment_id, sum(amount) FROM allocation
        WHERE tenant_id = %s AND order_id = ANY(%s)
        GROUP BY order_id, payment_id HAVING sum(amount) > 0 ORDER BY order_id, payment_id
        """,
        [tenant, sorted(order_ids)],
    )
    found: defaultdict[UUID, dict[UUID, Decimal]] = defaultdict(dict)
    for order_id, payment_id, amount in await cursor.fetchall():
        found[order_id][payment_id] = amount
    return found


_DECISION: Final = "id, payment_id, revision, actor, kind, summary, time, before, undoes_id"


async def append_decisions(
    connection: Connection, tenant: UUID, decisions: Sequence[DecisionRow]
) -> None:
    """Add decisions. Undoing one twice is IntegrityError: a fault of the caller."""
    if not decisions:
        return
    await connection.execute(
        f"""
        INSERT INTO decision (tenant_id, {_DECISION})
        SELECT %s, * FROM unnest(%s::uuid[], %s::uuid[], %s::bigint[], %s::text[], %s::text[],
                                 %s::text[], %s::timestamptz[], %s::bytea[], %s::uuid[])
        """.encode(),
        [
            tenant,
            [each.id for each in decisions],
            [each.payment_id for each in decisions],
            [each.revision for each in decisions],
            [each.actor for each in decisions],
            [each.kind for each in decisions],
            [each.summary for each in decisions],
            [each.time for each in decisions],
            [each.before for each in decisions],
            [each.undoes_id for each in decisions],
        ],
    )


async def read_decisions(
    connection: Connection, tenant: UUID, payment_ids: Iterable[UUID]
) -> Mapping[UUID, list[DecisionRow]]:
    """The decisions about payments, oldest first."""
    cursor = await connection.execute(
        f"SELECT {_DECISION} FROM decision WHERE tenant_id = %s AND payment_id = ANY(%s)"
        " ORDER BY payment_id, revision",
        [tenant, sorted(payment_ids)],
    )
    found: defaultdict[UUID, list[DecisionRow]] = defaultdict(list)
    for row in await cursor.fetchall():
        found[row[1]].append(DecisionRow(*row))
    return found


async def ask_confirmed_by_person(
    connection: Connection, tenant: UUID, payment_ids: Iterable[UUID]
) -> Answer[set[UUID]]:
    """Those payments that a person confirmed, each for itself, and whose confirmation stands."""
    return await ask(
        connection,
        """
        SELECT payment_id FROM decision
        WHERE tenant_id = %s AND payment_id = ANY(%s) AND kind = 'confirm'
          AND NOT EXISTS (SELECT FROM decision AS undoing
                          WHERE undoing.tenant_id = decision.tenant_id
                            AND undoing.undoes_id = decision.id)
        """,
        [tenant, sorted(payment_ids)],
        lambda rows: {row[0] for row in rows},
    )


async def given_by_currency(
    connection: Connection, tenant: UUID, order_ids: Iterable[UUID]
) -> Mapping[UUID, Mapping[str, Decimal]]:
    """What locked orders have been given in each currency, where it is anything."""
    cursor = await connection.execute(
        """
        SELECT order_id, currency, sum(amount) FROM allocation
        WHERE tenant_id = %s AND order_id = ANY(%s)
        GROUP BY order_id, currency HAVING sum(amount) > 0
        """,
        [tenant, sorted(order_ids)],
    )
    found: defaultdict[UUID, dict[str, Decimal]] = defaultdict(dict)
    for order_id, currency, amount in await cursor.fetchall():
        found[order_id][currency] = amount
    return found
