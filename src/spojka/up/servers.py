"""Finds PostgreSQL and Kafka, or starts them."""

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from spojka.servers.sources import Origin, Source, choose_kafka, choose_postgres
from spojka.settings import Settings
from spojka.supervisor import Supervisor
from spojka.up.report import Report


async def with_servers(
    settings: Settings, data_dir: Path, supervisor: Supervisor, report: Report
) -> Settings:
    """Fill in where PostgreSQL and Kafka are; what the settings don't name is started here.

    Raises ServerError where one can't be had, ChildGaveUpError where it doesn't keep running.
    """
    given = settings.database_url
    postgres = await choose_postgres(
        given_url=given.get_secret_value() if given else None,
        data=data_dir / "postgres",
        log_path=data_dir / "logs" / "postgres.log",
        port=settings.postgres_port or None,
    )
    database_url = await _served("PostgreSQL", postgres, supervisor, report)
    kafka = await choose_kafka(
        given_bootstrap=settings.kafka_bootstrap,
        data=data_dir / "kafka",
        log_path=data_dir / "logs" / "kafka.log",
        port=settings.kafka_port or None,
        progress=report.fetched,
    )
    bootstrap = await _served("Kafka", kafka, supervisor, report)
    return settings.model_copy(
        update={"database_url": SecretStr(database_url), "kafka_bootstrap": bootstrap}
    )


def public_form(database_url: str) -> str:
    """The server and database of a URL, without user and password."""
    parts = urlsplit(database_url)
    return f"{parts.netloc.rpartition('@')[2]}{parts.path}"


async def _served(name: str, source: Source, supervisor: Supervisor, report: Report) -> str:
    tell = report.warn if source.origin is Origin.LAST_RESORT else report.tell
    tell(f"{name} is {source.origin}: {source.reason}")
    if source.server is None:
        assert source.url is not None, "containers are for tests, which choose by themselves"
        return source.url
    await supervisor.start([await source.server.prepare()])
    return source.server.url
