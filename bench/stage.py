"""What every row stands on: the servers, and a database and topics of its own."""

import base64
import os
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from confluent_kafka.admin import AdminClient
from psycopg import sql
from pydantic import SecretStr

from spojka.database import Database
from spojka.delivery.admin import all_topics, ensure_topics
from spojka.migrations import migrate, role_password
from spojka.servers.jars import FetchProgress
from spojka.servers.sources import Source, choose_kafka, choose_postgres, provided
from spojka.service import registered_services, schemas
from spojka.settings import Settings

ROLE_SECRET: Final = os.environ.get("SPOJKA_ROLE_SECRET", "for tests only")
"""Roles belong to the whole server: one that is named gets the same passwords as by the tests."""
INTERNAL_TOKEN: Final = "known inside the house only"  # noqa: S105 - of the bench alone
SEALING_KEYS: Final = "bench:" + base64.b64encode(bytes(32)).decode()
MAIL_DOMAIN: Final = "mail.example"
TOPIC_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Servers:
    """Running servers, and in words where they came from."""

    postgres_url: str
    kafka_bootstrap: str
    origins: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Stage:
    """One row's database (migrated, dropped afterwards) and topics (of a prefix of its own)."""

    superuser_url: str
    settings: Settings
    quick: bool
    _servers: Servers
    _stack: AsyncExitStack = field(repr=False)

    def service_url(self, schema: str) -> str:
        """The URL by which a service logs in as its own role."""
        role = f"spojka_{schema}"
        parts = urlsplit(self.superuser_url)
        password = quote(role_password(ROLE_SECRET, role))
        return urlunsplit(parts._replace(netloc=f"{role}:{password}@{parts.hostname}:{parts.port}"))

    async def database(self, schema: str) -> Database:
        """A service's database, opened as the service would; closed with the stage."""
        database = Database(self.service_url(schema), schema, application=f"bench {schema}")
        await database.open()
        self._stack.push_async_callback(database.close)
        return database

    async def plain(self, schema: str) -> psycopg.AsyncConnection:
        """A bare connection of the superuser, whom no policy holds up: for ceilings."""
        connection = await psycopg.AsyncConnection.connect(
            self.superuser_url, autocommit=True, options=f"-c search_path={schema}"
        )
        self._stack.push_async_callback(connection.close)
        return connection

    async def another(self) -> "Stage":
        """One more on the same servers, with a database of its own; it ends with this one."""
        return await self._stack.enter_async_context(stage(self._servers, quick=self.quick))

    async def ensure_topics(self, *schemas: str, groups: Sequence[str] = ()) -> None:
        """Create the topics; they are deleted with the stage."""
        await ensure_topics(self.settings, groups=groups, schemas=schemas)
        specs = all_topics(self.settings, groups=groups, schemas=schemas)
        self._stack.callback(self._delete_topics, [spec.name for spec in specs])

    def _delete_topics(self, names: list[str]) -> None:
        with AdminClient({"bootstrap.servers": self.settings.required_bootstrap()}) as admin:
            for deleted in admin.delete_topics(names).values():
                deleted.result(TOPIC_SECONDS)


@asynccontextmanager
async def servers() -> AsyncIterator[Servers]:
    """PostgreSQL and Kafka: those that are named by the environment, else embedded ones."""
    with tempfile.TemporaryDirectory(prefix="spojka-bench-") as folder:
        home = Path(folder)
        # PostgreSQL runs as another user where the bench is run as root.
        home.chmod(0o755)  # noqa: ASYNC240 - a moment, before anything runs
        postgres = await choose_postgres(
            given_url=os.environ.get("SPOJKA_DATABASE_URL"),
            data=home / "postgres",
            log_path=home / "postgres.log",
        )
        kafka = await choose_kafka(
            given_bootstrap=os.environ.get("SPOJKA_KAFKA_BOOTSTRAP"),
            data=home / "kafka",
            log_path=home / "kafka.log",
            progress=_print_progress,
        )
        async with provided(postgres) as url, provided(kafka) as bootstrap:
            yield Servers(
                url, bootstrap, (_origin("PostgreSQL", postgres), _origin("Kafka", kafka))
            )


@asynccontextmanager
async def stage(servers: Servers, *, quick: bool) -> AsyncIterator[Stage]:
    """A fresh stage on running servers."""
    name = f"spojka_bench_{secrets.token_hex(6)}"
    url = urlunsplit(urlsplit(servers.postgres_url)._replace(path=f"/{name}"))
    identifier = sql.Identifier(name)
    async with await psycopg.AsyncConnection.connect(
        servers.postgres_url, autocommit=True
    ) as admin:
        await admin.execute(sql.SQL("CREATE DATABASE {}").format(identifier))
        try:
            await migrate(url, schemas(list(registered_services().values())), ROLE_SECRET)
            settings = Settings(
                database_url=SecretStr(url),
                kafka_bootstrap=servers.kafka_bootstrap,
                topic_prefix=name.replace("_", "-"),
                internal_token=SecretStr(INTERNAL_TOKEN),
                sealing_keys=SecretStr(SEALING_KEYS),
                mail_domain=MAIL_DOMAIN,
            )
            async with AsyncExitStack() as stack:
                yield Stage(url, settings, quick, servers, stack)
        finally:
            await admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier))


def _origin(name: str, source: Source) -> str:
    return f"{name}: {source.origin} ({source.reason})"


def _print_progress(progress: FetchProgress) -> None:
    done, total = progress.done_bytes >> 20, progress.total_bytes >> 20
    sys.stderr.write(f"\rfetching Apache Kafka: {done} of {total} MB")
    if progress.done_bytes == progress.total_bytes:
        sys.stderr.write("\n")
