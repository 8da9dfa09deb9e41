"""Servers and databases for the tests: real PostgreSQL and real Kafka, however they are had."""

import asyncio
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

import hypothesis
import psycopg
import pytest
from psycopg import sql

from spojka.database import Database
from spojka.delivery.admin import ensure_topics
from spojka.migrations import migrate, role_password
from spojka.servers.background import provided_in_background
from spojka.servers.jars import FetchProgress
from spojka.servers.server import ServerError
from spojka.servers.sources import Origin, Source, choose_kafka, choose_postgres
from spojka.service import registered_services, schemas
from spojka.settings import Settings
from tests.databases import Databases, database_url_of
from tests.workers import FilesOrGroups, place_of

ROLE_SECRET = "for tests only"

# How long an example takes says more about what else runs on the machine than about the code.
hypothesis.settings.register_profile(
    "spojka", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("spojka")

Result = TypeVar("Result")
MakeDatabase = Callable[[str], Awaitable[Database]]

POSTGRES = pytest.StashKey[Source | ServerError]()
KAFKA = pytest.StashKey[Source | ServerError]()
SERVERS_HOME = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Choose the servers; nothing is started before a test asks for it.

    Their folder is not pytest's, which is closed to the user that PostgreSQL
    runs as where the tests are run as root.
    """
    home = config.stash[SERVERS_HOME] = Path(tempfile.mkdtemp(prefix="spojka-tests-"))
    home.chmod(0o755)
    config.add_cleanup(lambda: shutil.rmtree(home))
    if not config.option.collectonly:
        config.stash[POSTGRES] = _run(_postgres(home))
        config.stash[KAFKA] = _shared_kafka(config) or _run(_kafka(home))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # xdist has no types
    """Let all workers use one Kafka: topics have names of their own, and a Java runtime is dear."""
    source = node.config.stash[KAFKA]
    if isinstance(source, ServerError):
        return  # the worker finds out itself, and says so where a test asks for it
    if source.url is None:
        servers = ExitStack()
        node.config.add_cleanup(servers.close)
        url = servers.enter_context(provided_in_background(source))
        source = node.config.stash[KAFKA] = Source(source.origin, source.reason, url=url)
    node.workerinput["kafka"] = (source.origin.value, source.reason, source.url)


def _shared_kafka(config: pytest.Config) -> Source | None:
    """The Kafka that the other process of `pytest -n` runs for its workers."""
    if (shared := getattr(config, "workerinput", {}).get("kafka")) is None:
        return None
    origin, reason, url = shared
    return Source(Origin(origin), reason, url=url)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> FilesOrGroups:
    """Share the tests out by files."""
    return FilesOrGroups(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""
    items.sort(key=lambda item: place_of(item.nodeid))


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say which PostgreSQL and which Kafka the tests run against, and why."""
    return [
        f"{name}: {source.origin}; {source.reason}"
        if isinstance(source, Source)
        else f"{name}: none; {source}"
        for name, key in (("PostgreSQL", POSTGRES), ("Kafka", KAFKA))
        if (source := config.stash.get(key, None)) is not None
    ]


def _run(work: Coroutine[object, object, Result]) -> Result:
    # On a thread of its own: asyncio.run would take pytest-asyncio's loop away from this one.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def _postgres(home: Path) -> Source | ServerError:
    try:
        return await choose_postgres(
            given_url=os.environ.get("SPOJKA_DATABASE_URL"),
            data=home / "postgres",
            log_path=home / "postgres.log",
            containers=True,
        )
    except ServerError as error:
        return error


async def _kafka(home: Path) -> Source | ServerError:
    try:
        return await choose_kafka(
            given_bootstrap=os.environ.get("SPOJKA_KAFKA_BOOTSTRAP"),
            data=home / "kafka",
            log_path=home / "kafka.log",
            containers=True,
            progress=_print_progress,
        )
    except ServerError as error:
        return error


def _print_progress(progress: FetchProgress) -> None:
    done, total = progress.done_bytes >> 20, progress.total_bytes >> 20
    sys.stderr.write(f"\rfetching Apache Kafka: {done} of {total} MB")
    if progress.done_bytes == progress.total_bytes:
        sys.stderr.write("\n")


def _served(source: Source | ServerError) -> Iterator[str]:
    if isinstance(source, ServerError):
        pytest.fail(str(source), pytrace=False)
    with provided_in_background(source) as url:
        yield url


@pytest.fixture(scope="session")
def postgres_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """A running PostgreSQL; the URL logs in as the superuser."""
    source = pytestconfig.stash[POSTGRES]
    for url in _served(source):
        if isinstance(source, Source) and source.origin is not Origin.GIVEN:
            _spare_the_disk(url)
        yield url


def _spare_the_disk(url: str) -> None:
    """Nothing that a test proves outlives the machine: its power never fails in a test."""
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes"):
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def kafka_bootstrap(pytestconfig: pytest.Config) -> Iterator[str]:
    """The address of a running Kafka."""
    yield from _served(pytestconfig.stash[KAFKA])


@pytest.fixture(scope="session")
def genuine_kafka(pytestconfig: pytest.Config, kafka_bootstrap: str) -> str:
    """As `kafka_bootstrap`, for tests of what the last resort lacks: there they are not run."""
    source = pytestconfig.stash[KAFKA]
    if isinstance(source, Source) and source.origin is Origin.LAST_RESORT:
        pytest.skip(f"needs Apache Kafka itself: {source.reason}")
    return kafka_bootstrap


def service_url(url: str, schema: str) -> str:
    """The URL by which a service logs in to a test database as its own role."""
    role = f"spojka_{schema}"
    parts = urlsplit(url)
    password = quote(role_password(ROLE_SECRET, role))
    return urlunsplit(parts._replace(netloc=f"{role}:{password}@{parts.hostname}:{parts.port}"))


@pytest.fixture(scope="session")
def template_database(postgres_url: str) -> Iterator[str]:
    """A database with every schema, migrated once and copied for each test."""
    name = f"spojka_template_{secrets.token_hex(6)}"
    url = database_url_of(postgres_url, name)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    _run(migrate(url, schemas(list(registered_services().values())), ROLE_SECRET))
    yield name
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def databases(postgres_url: str, template_database: str) -> Iterator[Databases]:
    """Migrated databases for tests, emptied and used again."""
    pool = Databases(postgres_url, template_database)
    yield pool
    pool.close()


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """A database with every schema and nothing in it; the URL logs in as the superuser."""
    name = databases.take()
    yield databases.url(name)
    databases.give_back(name)


@pytest.fixture
async def make_database(database_url: str) -> AsyncIterator[MakeDatabase]:
    """Opens a service's database as the service itself would; all are closed afterwards."""
    async with AsyncExitStack() as stack:

        async def make(schema: str) -> Database:
            database = Database(service_url(database_url, schema), schema, application="tests")
            await database.open()
            stack.push_async_callback(database.close)
            return database

        yield make


@pytest.fixture
async def topic_prefix(kafka_bootstrap: str) -> str:
    """A prefix of its own, with all topics created."""
    prefix = f"t{secrets.token_hex(4)}"
    settings = Settings(
        kafka_bootstrap=kafka_bootstrap,
        topic_prefix=prefix,
        stock_partitions=3,
        orders_partitions=3,
        payments_partitions=3,
    )
    await ensure_topics(settings)
    return prefix
