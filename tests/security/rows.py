"""Everything that the databases hold of a merchant."""

from typing import Final

import psycopg
from psycopg import sql

from spojka.service import registered_services

Rows = dict[str, list[str]]
CHANGING: Final = frozenset({"lease", "outbox"})
"""Who works on what just now, and what is on its way to Kafka."""
TENANT_TABLES: Final = """
    SELECT n.nspname, c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
    WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
"""


def rows_of(database_url: str, tenant_id: str) -> Rows:
    """Every row of every table that has the merchant's, as text."""
    found: Rows = {}
    with psycopg.connect(database_url) as connection:
        tables = connection.execute(TENANT_TABLES, [list(registered_services())]).fetchall()
        for schema, table in tables:
            if table in CHANGING:
                continue
            name = sql.Identifier(schema, table)
            query = sql.SQL("SELECT t::text FROM {} t WHERE tenant_id = %s ORDER BY 1").format(name)
            rows = connection.execute(query, [tenant_id]).fetchall()
            found[f"{schema}.{table}"] = [row[0] for row in rows]
    return found
