"""Migrated databases for tests: emptied after each test and used again.

Making one anew for each test, and dropping it, takes several times as long. One
whose schema a test has changed is dropped.
"""

import secrets
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

_FIRST_OWN_OID = 16384
"""What is not PostgreSQL's own has this oid or a higher one."""
_END_SESSIONS = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
      AND backend_type = 'client backend'
"""
_SHAPE = f"""
    SELECT md5(string_agg(part, ',' ORDER BY part)) FROM (
        SELECT concat(oid, relname, relkind, relowner, relacl, relrowsecurity,
                      relforcerowsecurity, reloptions)
        FROM pg_class WHERE oid >= {_FIRST_OWN_OID}
        UNION ALL SELECT concat(attrelid, attname, atttypid, attnotnull, attacl)
        FROM pg_attribute WHERE attrelid >= {_FIRST_OWN_OID} AND attnum > 0
        UNION ALL SELECT concat(oid, conname) FROM pg_constraint WHERE oid >= {_FIRST_OWN_OID}
        UNION ALL SELECT pg_policy::text FROM pg_policy
        UNION ALL SELECT concat(oid, tgname, tgenabled) FROM pg_trigger
        UNION ALL SELECT concat(oid, nspname, nspacl) FROM pg_namespace
        UNION ALL SELECT concat(oid, md5(prosrc)) FROM pg_proc WHERE oid >= {_FIRST_OWN_OID}
        UNION ALL SELECT pg_db_role_setting::text FROM pg_db_role_setting
        UNION ALL SELECT done::text FROM spojka.migration AS done
    ) AS shape (part)
"""
_EMPTY = f"""
    DO $$
    DECLARE
        one regclass;
        filled boolean;
        all_filled regclass[] := '{{}}';
    BEGIN
        FOR one IN SELECT oid FROM pg_class
                   WHERE relkind = 'r' AND oid >= {_FIRST_OWN_OID}
                     AND oid <> 'spojka.migration'::regclass LOOP
            EXECUTE format('SELECT EXISTS (SELECT FROM %s)', one) INTO filled;
            IF filled THEN
                all_filled := all_filled || one;
            END IF;
        END LOOP;
        IF all_filled <> '{{}}' THEN
            EXECUTE format('TRUNCATE %s RESTART IDENTITY CASCADE',
                           array_to_string(all_filled, ', '));
        END IF;
    END $$
"""


def database_url_of(url: str, name: str) -> str:
    """The URL of another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


class Databases:
    """Copies of a migrated database, each as it was when it was taken first."""

    def __init__(self, postgres_url: str, template: str) -> None:
        self._postgres_url = postgres_url
        self._template = template
        self._free: list[str] = []
        self._shape: str | None = None

    def url(self, name: str) -> str:
        """Where the superuser finds one."""
        return database_url_of(self._postgres_url, name)

    def take(self) -> str:
        """One that is empty, until it is given back."""
        if self._free:
            return self._free.pop()
        name = f"spojka_test_{secrets.token_hex(6)}"
        with psycopg.connect(self._postgres_url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(self._template)
                )
            )
        if self._shape is None:
            with psycopg.connect(self.url(name)) as connection:
                self._shape = _shape_of(connection)
        return name

    def give_back(self, name: str) -> None:
        """Empty it for the next test, or drop it where a test changed more than rows."""
        with psycopg.connect(self.url(name), autocommit=True) as connection:
            connection.execute(_END_SESSIONS)
            usable = _shape_of(connection) == self._shape
            if usable:
                connection.execute(_EMPTY.encode())
        if usable:
            self._free.append(name)
        else:
            self._drop([name])

    def close(self) -> None:
        """Drop all that are free."""
        self._drop(self._free)

    def _drop(self, names: list[str]) -> None:
        with psycopg.connect(self._postgres_url, autocommit=True) as connection:
            for name in names:
                connection.execute(
                    sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
                )


def _shape_of(connection: psycopg.Connection[tuple[str]]) -> str:
    row = connection.execute(_SHAPE.encode()).fetchone()
    assert row is not None
    return row[0]
