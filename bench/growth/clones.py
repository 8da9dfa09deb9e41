"""A sample that the service itself wrote, multiplied inside PostgreSQL.

A side's sample is one day of a merchant's business, made by the service's own
code. Growth adds earlier days: copies of the sample's rows, the same but for
their ids (whose time goes back a day each), keys and symbols. All of them keep
their lengths, so that they are replaced inside stored messages, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import psycopg

SAMPLE_ROWS: Final = 1_000
"""Items, orders or payments of one sample."""

_INDEXES: Final = """
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid)
    FROM pg_index
    WHERE indrelid = ANY(%s::regclass[])
      AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
"""
_FUNCTIONS: Final = """
    CREATE SCHEMA sample;
    CREATE FUNCTION sample.aged(id uuid, days bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
        RETURN (lpad(to_hex(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint
                            - days * 86400000), 12, '0')
                || substr(replace(id::text, '-', ''), 13))::uuid;
    CREATE FUNCTION sample.hex(value text) RETURNS text LANGUAGE sql STABLE
        RETURN encode(convert_to(value, 'UTF8'), 'hex');
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the sample, and what of its columns differs in a copy.

    Expressions name the sample's columns, and `day`, which is 0 for the sample.
    `derived` names values that columns and later ones are made of, each worked
    out once a row; those of `kept` once a row of the sample.
    """

    name: str
    columns: Mapping[str, str]
    derived: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)


def aged(column: str) -> str:
    """An id that is `day` days older."""
    return f"sample.aged({column}, day)"


def earlier(column: str) -> str:
    """A time or a date that is `day` days earlier."""
    return f"{column} - day::int * interval '1 day'"


def retold(column: str, *replaced: tuple[str, str]) -> str:
    """A stored message in which texts were replaced by others of the same length."""
    hexadecimal = f"encode({column}, 'hex')"
    for old, new in replaced:
        hexadecimal = f"replace({hexadecimal}, sample.hex({old}), sample.hex({new}))"
    return f"decode({hexadecimal}, 'hex')"


NEW_SYMBOL: Final = {"new_symbol": f"(symbol::bigint + day * {SAMPLE_ROWS})::text"}
"""Derived where a sample's symbols follow each other and a column of them is `kept` as `symbol`."""


def with_new_symbol(column: str) -> str:
    """A text in which the new symbol stands in place of the sample's."""
    return f"replace({column}, symbol, new_symbol)"


TASKS: Final = Table(
    "task",
    {
        "id": aged("id"),
        "subject": f"split_part(subject, '/', 1) || '/' || {aged('subject_id')}",
        "create_time": earlier("create_time"),
    },
    kept={"subject_id": "split_part(subject, '/', 2)::uuid"},
)
"""The tasks of any service; what each is about gets older with it."""


async def keep_sample(connection: psycopg.AsyncConnection, tables: Sequence[Table]) -> None:
    """Set the rows aside that the service has written so far; once for a database."""
    await connection.execute(_FUNCTIONS.encode())
    for table in tables:
        kept = "".join(f", {expression} AS {name}" for name, expression in table.kept.items())
        await connection.execute(
            f"CREATE TABLE sample.{table.name} AS SELECT *{kept} FROM {table.name}".encode()
        )


async def add_days(
    connection: psycopg.AsyncConnection, tables: Sequence[Table], first: int, last: int
) -> None:
    """Add the copies of these days, both included; indexes are built anew afterwards."""
    names = [table.name for table in tables]
    cursor = await connection.execute(_INDEXES, [names])
    indexes = await cursor.fetchall()
    await connection.execute("SET maintenance_work_mem = '512MB'")
    for name, _definition in indexes:
        await connection.execute(f"DROP INDEX {name}".encode())
    for table in tables:
        await _copy(connection, table, first, last)
    for _name, definition in indexes:
        await connection.execute(definition.encode())
    await connection.execute(f"VACUUM ANALYZE {', '.join(names)}".encode())
    await connection.execute("CHECKPOINT")


async def _copy(connection: psycopg.AsyncConnection, table: Table, first: int, last: int) -> None:
    cursor = await connection.execute(
        "SELECT attname FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
        [table.name],
    )
    names = [row[0] for row in await cursor.fetchall()]
    assert table.columns.keys() <= set(names), table.name
    values = ", ".join(table.columns.get(name, name) for name in names)
    # OFFSET keeps the planner from working a derived value out wherever it is named.
    derived = "".join(
        f", LATERAL (SELECT {expression} AS {name} OFFSET 0) AS of_{name}"
        for name, expression in table.derived.items()
    )
    # Earlier days first, as they would have come: ids grow, and so their indexes do at one end.
    await connection.execute(
        f"DO $$ BEGIN FOR day IN REVERSE {last}..{first} LOOP"
        f" INSERT INTO {table.name} ({', '.join(names)})"
        f" SELECT {values} FROM sample.{table.name}{derived};"
        " END LOOP; END $$".encode()
    )
