"""The servers of all runs: those that are named by the environment, else ones started once."""

import asyncio
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from spojka.servers.background import provided_in_background
from spojka.servers.sources import Origin, Source, choose_kafka, choose_postgres


@contextmanager
def servers() -> Iterator[Mapping[str, str]]:
    """The variables by which tests find PostgreSQL and Kafka, for the time of a block."""
    with tempfile.TemporaryDirectory(prefix="spojka-mutants-servers-") as folder, ExitStack() as up:
        home = Path(folder)
        # PostgreSQL runs as another user where this is run as root.
        home.chmod(0o755)
        postgres, kafka = asyncio.run(_chosen(home))
        url = up.enter_context(provided_in_background(postgres))
        if postgres.origin is not Origin.GIVEN:
            _spare_the_disk(url)
        bootstrap = up.enter_context(provided_in_background(kafka))
        yield {"SPOJKA_DATABASE_URL": url, "SPOJKA_KAFKA_BOOTSTRAP": bootstrap}


async def _chosen(home: Path) -> tuple[Source, Source]:
    postgres = await choose_postgres(
        given_url=os.environ.get("SPOJKA_DATABASE_URL"),
        data=home / "postgres",
        log_path=home / "postgres.log",
        containers=True,
    )
    kafka = await choose_kafka(
        given_bootstrap=os.environ.get("SPOJKA_KAFKA_BOOTSTRAP"),
        data=home / "kafka",
        log_path=home / "kafka.log",
        containers=True,
    )
    return postgres, kafka


def _spare_the_disk(url: str) -> None:
    """Nothing that a test proves outlives the machine."""
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes"):
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
        connection.execute("SELECT pg_reload_conf()")
