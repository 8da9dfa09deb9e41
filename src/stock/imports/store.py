"""Imports, holds and read-backs in PostgreSQL."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from spojka.database import Connection
from spojka.values import format_decimal
from stock.domain.holds import Hold
from stock.domain.imports import ImportState, Situation
from stock.domain.netting import ReadBack, SentLine
from stock.warehouses.port import Document, DocumentLine

KEPT_READ_BACKS: Final = 8
"""Read-backs that are kept of each order; only the newest few can still decide."""

COLUMNS: Final = """
    order_id, connection_id, channel_id, order_number, order_revision, content_revision, content,
    cancelled, state, action, external_id, document_revision, document_id, document_number,
    sent_lines, delivered, reason, problem_lines, attempts, next_attempt_time, sent_number,
    barrier, unread, complete, revision, create_time
"""


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One row of the table `order_import`."""

    order_id: UUID
    connection_id: UUID | None
    channel_id: str
    order_number: str
    order_revision: int
    content_revision: int
    content: bytes
    cancelled: bool
    state: str
    action: str
    external_id: str
    document_revision: int
    document_id: str
    document_number: str
    sent_lines: list[dict[str, str]]
    delivered: Mapping[str, str]
    reason: str
    problem_lines: Mapping[str, str]
    attempts: int
    next_attempt_time: datetime
    sent_number: int
    barrier: int
    unread: bool
    complete: bool
    revision: int
    create_time: datetime

    @property
    def status(self) -> ImportState:
        """The state as the domain knows it."""
        return ImportState(self.state)

    def situation(self, *, automatic: bool) -> Situation:
        """What decides about its next step; `automatic` says that orders are sent at all."""
        return Situation(
            self.status,
            self.content_revision,
            self.document_revision,
            self.cancelled,
            automatic,
            resolved=not self.problem_lines,
        )

    @property
    def sent(self) -> list[SentLine]:
        """The goods lines of the document that was sent."""
        return [parse_sent_line(line) for line in self.sent_lines]


def parse_sent_line(line: Mapping[str, str]) -> SentLine:
    """A sent line from its stored form."""
    return SentLine(
        line["line_id"], line["product_number"], line["warehouse"], Decimal(line["quantity"])
    )


def dump_sent_lines(lines: Sequence[SentLine]) -> Jsonb:
    """Sent lines in their stored form."""
    return Jsonb([{**asdict(line), "quantity": format_decimal(line.quantity)} for line in lines])


async def lock_imports(
    connection: Connection, tenant_id: UUID, order_ids: Collection[UUID]
) -> dict[UUID, ImportRow]:
    """Lock imports in the order of their ids and read them. Before any item is locked."""
    return await _load(connection, tenant_id, order_ids, " FOR UPDATE")


async def load_imports(
    connection: Connection, tenant_id: UUID, order_ids: Collection[UUID]
) -> dict[UUID, ImportRow]:
    """Read imports without locking them."""
    return await _load(connection, tenant_id, order_ids, "")


async def _load(
    connection: Connection, tenant_id: UUID, order_ids: Collection[UUID], lock: str
) -> dict[UUID, ImportRow]:
    async with connection.cursor(row_factory=class_row(ImportRow)) as cursor:
        await cursor.execute(
            f"SELECT {COLUMNS} FROM order_import WHERE tenant_id = %s AND order_id = ANY(%s)"
            f" ORDER BY order_id{lock}",
            [tenant_id, list(order_ids)],
        )
        return {row.order_id: row for row in await cursor.fetchall()}


async def update_import(
    connection: Connection,
    tenant_id: UUID,
    order_id: UUID,
    *,
    due_in: timedelta | None = None,
    acknowledged: bool = False,
    **values: Any,
) -> None:
    """Set columns of a locked import; the names come from our own code only.

    `due_in` is when its next step may be taken, and `acknowledged` says that it
    is acknowledged now, both by PostgreSQL's clock: those of the processes differ.
    """
    assignments = [f"{name} = %s" for name in values]
    parameters = list(values.values())
    if due_in is not None:
        assignments.append("next_attempt_time = now() + %s")
        parameters.append(due_in)
    if acknowledged:
        assignments.append("ack_time = now()")
    await connection.execute(
        f"UPDATE order_import SET {', '.join(assignments)}"
        " WHERE tenant_id = %s AND order_id = %s".encode(),
        [*parameters, tenant_id, order_id],
    )


async def load_holds(
    connection: Connection, tenant_id: UUID, order_ids: Collection[UUID]
) -> list[Hold]:
    """The holds of orders."""
    cursor = await connection.execute(
        """
        SELECT order_id::text, line_id, item_id::text, warehouse, created, wanted, absorbed
        FROM hold WHERE tenant_id = %s AND order_id = ANY(%s)
        ORDER BY order_id, line_id, item_id
        """,
        [tenant_id, list(order_ids)],
    )
    return [Hold(*row) for row in await cursor.fetchall()]


async def write_holds(connection: Connection, tenant_id: UUID, holds: Sequence[Hold]) -> None:
    """Write holds whose items are locked."""
    if not holds:
        return
    rows = sorted(holds, key=lambda hold: (hold.order_id, hold.line_id, hold.item_id))
    await connection.execute(
        b"""
        INSERT INTO hold (tenant_id, order_id, line_id, item_id, warehouse, created, wanted,
                          absorbed)
        SELECT %s, row.* FROM unnest(%b::uuid[], %b::text[], %b::uuid[], %b::text[],
                                     %b::numeric[], %b::numeric[], %b::numeric[]) AS row
        ON CONFLICT (tenant_id, order_id, line_id, item_id) DO UPDATE
            SET warehouse = excluded.warehouse, created = excluded.created,
                wanted = excluded.wanted, absorbed = excluded.absorbed
        """,
        [
            tenant_id,
            [UUID(hold.order_id) for hold in rows],
            [hold.line_id for hold in rows],
            [UUID(hold.item_id) for hold in rows],
            [hold.warehouse for hold in rows],
            [hold.created for hold in rows],
            [hold.wanted for hold in rows],
            [hold.absorbed for hold in rows],
        ],
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """What an order's document shows of its lines."""

    order_id: UUID
    document_number: str
    delivered: Mapping[str, str]
    complete: bool


async def write_seen(connection: Connection, tenant_id: UUID, seen: Sequence[Seen]) -> None:
    """Keep what the documents of locked imports show; they are read."""
    await connection.execute(
        """
        UPDATE order_import SET unread = false, document_number = row.document_number,
                                delivered = row.delivered, complete = row.complete
        FROM unnest(%s::uuid[], %s::text[], %s::jsonb[], %s::boolean[])
            AS row (order_id, document_number, delivered, complete)
        WHERE order_import.tenant_id = %s AND order_import.order_id = row.order_id
        """,
        [
            [each.order_id for each in seen],
            [each.document_number for each in seen],
            [Jsonb(dict(each.delivered)) for each in seen],
            [each.complete for each in seen],
            tenant_id,
        ],
    )


async def write_read_backs(
    connection: Connection, tenant_id: UUID, read_backs: Mapping[UUID, ReadBack]
) -> None:
    """Keep what requests showed of orders' documents; forget what can't decide any more."""
    await connection.execute(
        """
        INSERT INTO read_back (tenant_id, order_id, number, document)
        SELECT %s, row.* FROM unnest(%s::uuid[], %s::bigint[], %s::jsonb[]) AS row
        ON CONFLICT (tenant_id, order_id, number) DO NOTHING
        """,
        [
            tenant_id,
            list(read_backs),
            [each.number for each in read_backs.values()],
            [Jsonb(dump_document(each.document)) for each in read_backs.values()],
        ],
    )
    # Of several that follow each other and show the same, the first and the last say it all.
    await connection.execute(
        """
        DELETE FROM read_back USING (
            SELECT order_id, number, number <= barrier AS outdated,
                   document = lag(document) OVER seen AND document = lead(document) OVER seen
                       AS shown_around,
                   row_number() OVER (PARTITION BY order_id ORDER BY number DESC) AS place
            FROM (
                SELECT order_id, number, document,
                       (SELECT barrier FROM order_import
                        WHERE order_import.tenant_id = read_back.tenant_id
                          AND order_import.order_id = read_back.order_id) AS barrier
                FROM read_back WHERE tenant_id = %s AND order_id = ANY(%s)
            ) AS kept
            WINDOW seen AS (PARTITION BY order_id, number > barrier ORDER BY number)
        ) AS known
        WHERE read_back.tenant_id = %s AND read_back.order_id = known.order_id
          AND read_back.number = known.number
          AND (known.outdated OR known.shown_around OR known.place > %s)
        """,
        [tenant_id, list(read_backs), tenant_id, KEPT_READ_BACKS],
    )


async def load_read_backs(
    connection: Connection, tenant_id: UUID, order_ids: Collection[UUID]
) -> dict[UUID, list[ReadBack]]:
    """What was read back of orders, oldest first."""
    cursor = await connection.execute(
        "SELECT order_id, number, document FROM read_back"
        " WHERE tenant_id = %s AND order_id = ANY(%s) ORDER BY number",
        [tenant_id, list(order_ids)],
    )
    found: dict[UUID, list[ReadBack]] = {}
    for order_id, number, document in await cursor.fetchall():
        found.setdefault(order_id, []).append(ReadBack(number, parse_document(document)))
    return found


def dump_document(document: Document | None) -> dict[str, Any]:
    """A document in its stored form; {} stands for one that was gone."""
    return {} if document is None else json.loads(json.dumps(asdict(document), default=str))


def parse_document(stored: Mapping[str, Any]) -> Document | None:
    """A document from its stored form."""
    if not stored:
        return None
    lines = tuple(
        DocumentLine(
            line["product_number"],
            line["warehouse"],
            Decimal(line["quantity"]),
            Decimal(line["delivered"]),
        )
        for line in stored["lines"]
    )
    return Document(**{**stored, "lines": lines})
