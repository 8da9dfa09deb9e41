"""Tenants that rows or events are of, and that the directory of tenants does not know.

Row-level security shows a service's role no tenant's rows before it has named
the tenant. So rows of a tenant that nobody can name are looked for by a role
that no policy binds, where there is one; else in the tables without a policy.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from psycopg import sql

from spojka.verification.model import Checked, Difference, Finding
from spojka.verification.snapshot import Snapshot

TENANTS_MAX: Final = 1_000
"""Unknown tenants of one table that are looked at."""

_SEES_ALL: Final = """
    SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user
"""
_TABLES: Final = """
    SELECT relname, relrowsecurity FROM pg_class
    JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'tenant_id' AND NOT attisdropped
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
      AND has_table_privilege(pg_class.oid, 'SELECT')
    ORDER BY relname
"""
# From each tenant to the next along the index: a table is as fast as it has tenants.
_UNKNOWN: Final = """
    WITH RECURSIVE present (id) AS (
        (SELECT tenant_id FROM {table} ORDER BY tenant_id LIMIT 1)
        UNION ALL
        SELECT (SELECT tenant_id FROM {table} WHERE tenant_id > present.id
                ORDER BY tenant_id LIMIT 1)
        FROM present WHERE present.id IS NOT NULL)
    SELECT id FROM present WHERE id IS NOT NULL AND id <> ALL(%s) LIMIT %s
"""
_MEANING: Final = (
    "the directory of tenants does not know it: nobody can act for it, and nothing of it was "
    "verified"
)


@dataclass(frozen=True, slots=True)
class Searched:
    """What was found: tables by unknown tenant; how many tables were searched, and could not be."""

    schema: str
    tables: Mapping[UUID, list[str]]
    searched: int
    hidden: int

    def findings(self, known: Collection[UUID]) -> Iterator[Finding]:
        """What was searched, and who is not known, as the directory is by now."""
        yield Checked("table searched for unknown tenants", self.searched)
        if self.hidden:
            yield Checked("table that hides unknown tenants from this role", self.hidden)
        for tenant, tables in sorted(self.tables.items()):
            if tenant not in known:
                yield _stranger(tenant, "rows", [f"{self.schema}.{table}" for table in tables])


async def sees_all(snapshot: Snapshot) -> bool:
    """Whether no policy binds the snapshot's role."""
    ((sees,),) = await snapshot.rows(_SEES_ALL)
    return bool(sees)


async def search(snapshot: Snapshot, schema: str, known: Collection[UUID]) -> Searched:
    """Search all tables of a schema for tenants that are not known."""
    unbound = await sees_all(snapshot)
    tables: dict[UUID, list[str]] = {}
    searched = hidden = 0
    for name, guarded in await snapshot.rows(_TABLES):
        if guarded and not unbound:
            hidden += 1
            continue
        searched += 1
        statement = sql.SQL(_UNKNOWN).format(table=sql.Identifier(name))
        text = statement.as_string(snapshot.connection)
        for (tenant,) in await snapshot.rows(text, [list(known), TENANTS_MAX]):
            tables.setdefault(tenant, []).append(name)
    return Searched(schema, tables, searched, hidden)


def with_events(tenant: UUID, topics: Collection[str]) -> Difference:
    """The difference that events of an unknown tenant are."""
    return _stranger(tenant, "events", sorted(topics))


def _stranger(tenant: UUID, field: str, places: Sequence[str]) -> Difference:
    stored, rebuilt = ", ".join(places), "a tenant of the directory"
    return Difference("tenant", str(tenant), field, stored, rebuilt, _MEANING)
