"""The one migrator: plain SQL files, numbered, each run once and in order.

Every service's schema gets the ground's tables first (`spojka/sql`), then the
service's own. Objects belong to the role `spojka_owner`, which nobody logs in
as; each service gets its own role with rights on its schema only (DESIGN §8).
"""

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

import psycopg
from psycopg import sql

OWNER: Final = "spojka_owner"
LOCK_KEY: Final = 0x53504F4A  # "SPOJ": one migrator at a time
LOCK_TIMEOUT: Final = "10s"

_BOOKKEEPING: Final = """
    CREATE SCHEMA IF NOT EXISTS spojka;
    CREATE TABLE IF NOT EXISTS spojka.migration (
        schema     text        NOT NULL,
        name       text        NOT NULL,
        checksum   text        NOT NULL,
        apply_time timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (schema, name)
    );
"""


class MigrationError(Exception):
    """A migration can't be run; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Schema:
    """A service's schema and the folder of its migrations."""

    name: str
    folder: Traversable

    @property
    def role(self) -> str:
        """The role that the service logs in as."""
        return f"spojka_{self.name}"


def role_password(role_secret: str, role: str) -> str:
    """The password of a service's role, derived from the operator's one secret."""
    return hmac.new(role_secret.encode(), role.encode(), hashlib.sha256).hexdigest()


async def migrate(url: str, schemas: Sequence[Schema], role_secret: str) -> list[str]:
    """Bring all schemas up to date; returns what was applied.

    `url` must log in as a role that may create roles and schemas. Raises
    MigrationError where a file that was applied has changed since, or where a
    statement fails; each file is one transaction.
    """
    try:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await connection.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
            await _ensure_roles(connection, schemas, role_secret)
            await connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(OWNER)))
            await connection.execute(_BOOKKEEPING)
            applied: list[str] = []
            for schema in schemas:
                applied += await _migrate_schema(connection, schema)
            return applied
    except psycopg.errors.InsufficientPrivilege as error:
        raise MigrationError(
            f"the role of SPOJKA_DATABASE_URL may not do this: {error}; migrations want a role "
            "that may create roles and schemas"
        ) from error


async def _ensure_roles(
    connection: psycopg.AsyncConnection, schemas: Sequence[Schema], role_secret: str
) -> None:
    cursor = await connection.execute(
        "SELECT rolname, current_user, current_database() FROM pg_roles"
    )
    rows = await cursor.fetchall()
    present = {row[0] for row in rows}
    user, database = rows[0][1], rows[0][2]
    if OWNER not in present:
        await _create_role(
            connection, sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(OWNER))
        )
    names = {"owner": sql.Identifier(OWNER), "user": sql.Identifier(user)}
    await connection.execute(sql.SQL("GRANT {owner} TO {user}").format(**names))
    await connection.execute(
        sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(
            sql.Identifier(database), names["owner"]
        )
    )
    for schema in schemas:
        role = sql.Identifier(schema.role)
        if schema.role not in present:
            await _create_role(
                connection, sql.SQL("CREATE ROLE {} NOSUPERUSER NOBYPASSRLS").format(role)
            )
        password = sql.Literal(role_password(role_secret, schema.role))
        await connection.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(role, password))


async def _create_role(connection: psycopg.AsyncConnection, statement: sql.Composed) -> None:
    # Roles are shared by all databases of a server: another migrator may be faster.
    try:
        await connection.execute(statement)
    except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        return


async def _migrate_schema(connection: psycopg.AsyncConnection, schema: Schema) -> list[str]:
    cursor = await connection.execute(
        "SELECT name, checksum FROM spojka.migration WHERE schema = %s", [schema.name]
    )
    done: dict[str, str] = dict(await cursor.fetchall())
    applied = []
    if not done:
        await _create_schema(connection, schema)
    for name, text in _files(schema):
        checksum = hashlib.sha256(text.encode()).hexdigest()
        if name in done:
            if done[name] != checksum:
                raise MigrationError(
                    f"{schema.name}/{name} was changed after it was applied; add a new file instead"
                )
            continue
        await _apply(connection, schema, name, text, checksum)
        applied.append(f"{schema.name}/{name}")
    return applied


async def _create_schema(connection: psycopg.AsyncConnection, schema: Schema) -> None:
    names = {"schema": sql.Identifier(schema.name), "role": sql.Identifier(schema.role)}
    for statement in (
        "CREATE SCHEMA IF NOT EXISTS {schema}",
        "GRANT USAGE ON SCHEMA {schema} TO {role}",
        """ALTER DEFAULT PRIVILEGES IN SCHEMA {schema}
           GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}""",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE ON SEQUENCES TO {role}",
    ):
        await connection.execute(sql.SQL(statement).format(**names))


def _files(schema: Schema) -> Iterator[tuple[str, str]]:
    for origin, folder in (("ground", files("spojka") / "sql"), (schema.name, schema.folder)):
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
            if entry.name.endswith(".sql"):
                yield f"{origin}/{entry.name}", entry.read_text(encoding="utf-8")


async def _apply(
    connection: psycopg.AsyncConnection, schema: Schema, name: str, text: str, checksum: str
) -> None:
    try:
        async with connection.transaction():
            await connection.execute(
                sql.SQL("SET LOCAL search_path = {}; SET LOCAL lock_timeout = {}").format(
                    sql.Identifier(schema.name), sql.Literal(LOCK_TIMEOUT)
                )
            )
            await connection.execute(text.encode())
            await connection.execute(
                "INSERT INTO spojka.migration (schema, name, checksum) VALUES (%s, %s, %s)",
                [schema.name, name, checksum],
            )
    except psycopg.Error as error:
        raise MigrationError(f"{schema.name}/{name} failed: {error}") from error
