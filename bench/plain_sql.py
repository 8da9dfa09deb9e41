"""Readings applied by nothing but SQL: the ceilings of the rows about readings.

The tables are copies of the service's, with the same columns, indexes and
storage settings, written by the superuser, whom no policy holds up. The rows
are those that the service itself has written, so that nothing is decided,
built or looked up here; they come as Python values, as the service's do, in
the same pages, each a transaction.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg.rows import TupleRow

from bench.goods import PAGE_CARDS

_Connection = psycopg.AsyncConnection[TupleRow]

_COPIES: Final = """
    CREATE SCHEMA plain;
    CREATE TABLE plain.level (LIKE stock.level INCLUDING ALL) WITH (fillfactor = 80);
    CREATE TABLE plain.item (LIKE stock.item INCLUDING ALL) WITH (fillfactor = 80);
    CREATE TABLE plain.movement (LIKE stock.movement INCLUDING ALL);
    CREATE TABLE plain.outbox (LIKE stock.outbox INCLUDING ALL);
    INSERT INTO plain.level SELECT * FROM stock.level;
    INSERT INTO plain.item SELECT * FROM stock.item;
    SET search_path = plain;
    CREATE TEMP TABLE new_level (LIKE level) ON COMMIT DELETE ROWS;
    CREATE TEMP TABLE new_item (tenant_id uuid, id uuid, available numeric, revision bigint,
                                content bytea, as_of_time timestamptz) ON COMMIT DELETE ROWS;
"""
_COLUMNS: Final = {
    "level": "tenant_id, connection_id, card_id, item_id, warehouse, digest, on_hand, reserved,"
    " ordered, available, capture, as_of_time",
    "item": "tenant_id, id, available, revision, content, as_of_time",
    "movement": "tenant_id, item_id, revision, before, after, cause",
    "outbox": "lane, topic, key, type, id, time, traceparent, value",
}
_TYPES: Final = {
    "level": "uuid uuid text uuid text int8 numeric numeric numeric numeric int8 timestamptz",
    "item": "uuid uuid numeric int8 bytea timestamptz",
    "movement": "uuid uuid int8 numeric numeric text",
    "outbox": "int2 text text text uuid timestamptz text bytea",
}
_ORDER: Final = {
    "level": "card_id::int",
    "item": "number_key",
    "movement": "(SELECT number_key FROM item WHERE id = item_id)",
    "outbox": "number",
}
_MERGE_LEVELS: Final = """
    INSERT INTO level SELECT * FROM new_level ORDER BY card_id
    ON CONFLICT (tenant_id, connection_id, card_id) DO UPDATE
        SET item_id = excluded.item_id, warehouse = excluded.warehouse, digest = excluded.digest,
            on_hand = excluded.on_hand, reserved = excluded.reserved, ordered = excluded.ordered,
            available = excluded.available, capture = excluded.capture,
            as_of_time = excluded.as_of_time
"""
_MERGE_ITEMS: Final = """
    UPDATE item SET available = new_item.available, revision = new_item.revision,
                    content = new_item.content, as_of_time = new_item.as_of_time,
                    xid = pg_current_xact_id()
    FROM new_item WHERE (item.tenant_id, item.id) = (new_item.tenant_id, new_item.id)
"""
_GUARDED: Final = f"""
    INSERT INTO level ({_COLUMNS["level"]})
    SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::text[], %b::uuid[], %b::text[], %b::bigint[],
                         %b::numeric[], %b::numeric[], %b::numeric[], %b::numeric[], %b::bigint[],
                         %b::timestamptz[])
    ON CONFLICT (tenant_id, connection_id, card_id) DO UPDATE
        SET item_id = excluded.item_id, warehouse = excluded.warehouse, digest = excluded.digest,
            on_hand = excluded.on_hand, reserved = excluded.reserved, ordered = excluded.ordered,
            available = excluded.available, capture = excluded.capture,
            as_of_time = excluded.as_of_time
        WHERE (level.item_id, level.warehouse, level.digest, level.on_hand, level.reserved,
               level.ordered)
              IS DISTINCT FROM
              (excluded.item_id, excluded.warehouse, excluded.digest, excluded.on_hand,
               excluded.reserved, excluded.ordered)
"""

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Written:
    """What one reading wrote, a list of rows a table, in the order of the cards."""

    level: Rows
    item: Rows
    movement: Rows
    outbox: Rows

    def pages(self, table: str) -> Iterator[Rows]:
        """One table's rows by pages."""
        rows: Rows = getattr(self, table)
        return (rows[start : start + PAGE_CARDS] for start in range(0, len(rows), PAGE_CARDS))


async def copy_tables(connection: _Connection) -> None:
    """Make the copies, filled with what the service has now."""
    await connection.execute(_COPIES.encode())
    await tidy(connection, "plain")


async def what_was_written(connection: _Connection) -> Written:
    """What the service's last reading wrote; movement and outbox hold nothing older."""
    rows: dict[str, Rows] = {}
    for table, columns in _COLUMNS.items():
        cursor = await connection.execute(
            f"SELECT {columns} FROM stock.{table} ORDER BY {_ORDER[table]}".replace(
                "FROM item", "FROM stock.item"
            ).encode()
        )
        rows[table] = await cursor.fetchall()
    return Written(**rows)


async def tidy(connection: _Connection, schema: str) -> None:
    """Between rounds: empty what only grows, vacuum, write out what is dirty. Not measured."""
    await connection.execute(f"TRUNCATE {schema}.outbox, {schema}.movement".encode())
    await connection.execute(f"VACUUM (ANALYZE) {schema}.level, {schema}.item".encode())
    await connection.execute("CHECKPOINT")


async def copy_and_merge(connection: _Connection, written: Written, tables: Sequence[str]) -> float:
    """COPY and merge the rows of these tables page by page; returns the seconds it took."""
    start = time.perf_counter()
    for page in zip(*(written.pages(table) for table in tables), strict=True):
        await connection.execute("BEGIN")
        for table, rows in zip(tables, page, strict=True):
            await _copy(connection, table, rows)
            if table == "level":
                await connection.execute(_MERGE_LEVELS)
            elif table == "item":
                await connection.execute(_MERGE_ITEMS)
        await connection.execute("COMMIT")
    return time.perf_counter() - start


async def guarded_upsert(connection: _Connection, columns: Sequence[Sequence[list[Any]]]) -> float:
    """Upsert pages of levels, each a list a column; returns the seconds it took."""
    start = time.perf_counter()
    for page in columns:
        await connection.execute("BEGIN")
        await connection.execute(_GUARDED.encode(), page)
        await connection.execute("COMMIT")
    return time.perf_counter() - start


def by_column(written: Written) -> list[list[list[Any]]]:
    """The levels' pages, a list a column."""
    return [[list(column) for column in zip(*page, strict=True)] for page in written.pages("level")]


async def _copy(connection: _Connection, table: str, rows: Rows) -> None:
    target = f"new_{table}" if table in {"level", "item"} else table
    async with connection.cursor() as cursor:
        statement = f"COPY {target} ({_COLUMNS[table]}) FROM STDIN (FORMAT BINARY)"
        async with cursor.copy(statement.encode()) as copy:
            copy.set_types(_TYPES[table].split())
            for row in rows:
                await copy.write_row(row)
