"""What the services' databases say, read past their row-level security by the superuser."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from zlib import crc32

import psycopg
from psycopg.rows import dict_row

from spojka.api.orders.v1 import order_pb2

CONNECT_SECONDS: Final = 60.0
RETRY_SECONDS: Final = 0.2
Row = dict[str, Any]

_QUERIES: Final = {
    "outbox": """
        SELECT 'stock' AS service, topic, key FROM stock.outbox
        UNION ALL SELECT 'orders', topic, key FROM orders.outbox
        UNION ALL SELECT 'gateway', topic, key FROM gateway.outbox
        UNION ALL SELECT 'payments', topic, key FROM payments.outbox
        UNION ALL SELECT 'mail_ingest', topic, key FROM mail_ingest.outbox
    """,
    "imports": """
        SELECT order_id::text, order_number, order_revision, content_revision, cancelled, state,
               action, document_revision, document_id, document_number, delivered, reason, unread,
               complete, revision
        FROM stock.order_import
    """,
    "holds": """
        SELECT hold.order_id::text, hold.line_id, item.product_number, hold.warehouse,
               hold.created, hold.wanted, hold.absorbed
        FROM stock.hold JOIN stock.item USING (tenant_id)
        WHERE item.id = hold.item_id
    """,
    "items": """
        SELECT item.id::text, item.product_number, item.available, item.revision, item.removed
        FROM stock.item
    """,
    "movements": """
        SELECT item_id::text, revision, before, after FROM stock.movement
        ORDER BY item_id, revision
    """,
    "readings": "SELECT id::text, kind, state, problem FROM stock.reading ORDER BY id",
    "connections": "SELECT id::text, state, problem, requested_reading FROM stock.connection",
    "leases": "SELECT kind, subject, holder FROM stock.lease",
    # Every live relay of the stock service shares this lock, so that they can be counted.
    "relays": f"""
        SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted
        AND classid::bigint = {crc32(b"outbox stock")} AND objid::bigint = 32767
    """,
    "orders": "SELECT value FROM orders.order_book",
    "history": """
        SELECT order_id::text, revision, summary FROM orders.history ORDER BY order_id, revision
    """,
    "dead_letters": """
        SELECT consumer, topic, partition, count FROM stock.dead_letter_count
        UNION ALL SELECT consumer, topic, partition, count FROM orders.dead_letter_count
        UNION ALL SELECT consumer, topic, partition, count FROM payments.dead_letter_count
    """,
    "tasks": """
        SELECT kind, subject, summary FROM stock.task WHERE resolve_time IS NULL
        UNION ALL SELECT kind, subject, summary FROM orders.task WHERE resolve_time IS NULL
        UNION ALL SELECT kind, subject, summary FROM payments.task WHERE resolve_time IS NULL
        UNION ALL SELECT kind, subject, summary FROM mail_ingest.task WHERE resolve_time IS NULL
    """,
    "mails": "SELECT id::text, connection_id::text, digest, state FROM mail_ingest.mail",
    "unjudged": "SELECT mail_id::text FROM mail_ingest.mail_queue",
    "notified": "SELECT mail_id::text, movement FROM mail_ingest.notified",
    "payments": """
        SELECT id::text, connection_id::text, incoming, amount, currency, variable_symbol, balance,
               status, allocated, credited
        FROM payments.payment
    """,
    "sources": "SELECT mail_id::text, movement, payment_id::text FROM payments.payment_source",
    "decisions": """
        SELECT payment_id::text, actor, kind, summary FROM payments.decision ORDER BY id
    """,
    "allocations": """
        SELECT payment_id::text, order_id::text, amount, currency FROM payments.allocation
    """,
    "payables": """
        SELECT order_id::text, number, total, paid, payment_state, payment_revision, cancelled
        FROM payments.payable
    """,
    "rechecks": "SELECT subject_id::text FROM payments.recheck",
}


@dataclass(frozen=True, slots=True)
class Books:
    """All that the judgement compares, of one snapshot."""

    outbox: list[Row]
    imports: dict[str, Row]
    holds: list[Row]
    items: dict[str, Row]
    movements: list[Row]
    readings: list[Row]
    connections: list[Row]
    leases: list[Row]
    relays: list[Row]
    orders: dict[str, order_pb2.Order]
    history: dict[str, list[Row]]
    dead_letters: list[Row]
    tasks: list[Row]
    mails: list[Row]
    unjudged: list[Row]
    notified: list[Row]
    payments: dict[str, Row]
    sources: list[Row]
    decisions: list[Row]
    allocations: list[Row]
    payables: dict[str, Row]
    rechecks: list[Row]


async def read_rows(url: str, *names: str) -> dict[str, list[Row]]:
    """Read some of the books in one snapshot; waits for a PostgreSQL that is being restarted."""
    async with asyncio.timeout(CONNECT_SECONDS):
        while True:
            try:
                return await _read(url, names)
            except psycopg.OperationalError:
                await asyncio.sleep(RETRY_SECONDS)


async def read_books(url: str) -> Books:
    """Read everything in one snapshot; waits as `read_rows` does."""
    rows = await read_rows(url, *_QUERIES)
    orders = [order_pb2.Order.FromString(row["value"]) for row in rows.pop("orders")]
    history: dict[str, list[Row]] = {}
    for row in rows.pop("history"):
        history.setdefault(row["order_id"], []).append(row)
    return Books(
        orders={order.id: order for order in orders},
        history=history,
        imports={row["order_id"]: row for row in rows.pop("imports")},
        items={row["id"]: row for row in rows.pop("items")},
        payments={row["id"]: row for row in rows.pop("payments")},
        payables={row["order_id"]: row for row in rows.pop("payables")},
        **rows,
    )


async def let_claims_pass(url: str) -> None:
    """Make all work due that somebody has taken: mails to be judged, payments to be looked at."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("UPDATE mail_ingest.mail_queue SET due_time = now()")
        await connection.execute("UPDATE payments.recheck SET due_time = now()")


async def _read(url: str, names: Sequence[str]) -> dict[str, list[Row]]:
    async with (
        await psycopg.AsyncConnection.connect(url, row_factory=dict_row) as connection,
        connection.transaction(),
    ):
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        found = {}
        for name in names:
            cursor = await connection.execute(_QUERIES[name].encode())
            found[name] = await cursor.fetchall()
        return found


def live(holds: list[Row]) -> dict[str, Decimal]:
    """Give the units that live holds take off, by product number."""
    result: dict[str, Decimal] = {}
    for hold in holds:
        left = hold["wanted"] - hold["absorbed"]
        if left:
            number = hold["product_number"]
            result[number] = result.get(number, Decimal(0)) + left
    return result
