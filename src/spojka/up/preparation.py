"""Brings PostgreSQL and Kafka to what the services expect: schemas, roles and topics."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import psycopg
from pydantic import SecretStr

from spojka.delivery.admin import ensure_topics
from spojka.migrations import migrate
from spojka.service import Service, schemas, service_database_url
from spojka.settings import Settings, SettingsError
from spojka.up.errors import UpError

CONNECT_TIMEOUT_SECONDS: Final = 10


async def migrate_all(settings: Settings, services: Sequence[Service]) -> list[str]:
    """Bring every schema up to date; returns what was applied.

    Raises SettingsError where the URL or the role secret is missing, UpError
    where PostgreSQL does not answer, MigrationError.
    """
    if settings.database_url is None:
        raise SettingsError(
            "SPOJKA_DATABASE_URL is missing: migrations want postgresql://user:password@host:port/"
            "database, of a role that may create roles and schemas"
        )
    if settings.role_secret is None:
        raise SettingsError(
            "SPOJKA_ROLE_SECRET is missing: the passwords of the services' roles are derived from "
            "it, so the services must be given the same one"
        )
    url = settings.database_url.get_secret_value()
    await _ask(url)
    return await migrate(url, schemas(services), settings.role_secret.get_secret_value())


async def create_topics(settings: Settings, services: Sequence[Service]) -> None:
    """Create what is missing. Raises TopicMismatchError, Unavailable, SettingsError."""
    await ensure_topics(
        settings,
        groups=[group for service in services for group in service.consumer_groups],
        schemas=[service.name for service in services],
    )


def shared_database_url(settings: Settings) -> str:
    """The URL of the database without a user. Raises SettingsError where there is none."""
    if settings.database_url is None:
        raise SettingsError("SPOJKA_DATABASE_URL is missing")
    parts = urlsplit(settings.database_url.get_secret_value())
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def own_database_url(settings: Settings, schema: str) -> str:
    """The URL by which a service logs in as its own role, whoever the given one logs in as.

    Raises SettingsError where the URL or the role secret is missing.
    """
    shared = SecretStr(shared_database_url(settings))
    return service_database_url(settings.model_copy(update={"database_url": shared}), schema)


async def _ask(url: str) -> None:
    try:
        connection = await psycopg.AsyncConnection.connect(
            url, connect_timeout=CONNECT_TIMEOUT_SECONDS
        )
    except psycopg.Error as error:
        said = " ".join(str(error).split())
        raise UpError(
            f"PostgreSQL can't be used: {said}. Is it running, and is SPOJKA_DATABASE_URL right?"
        ) from error
    await connection.close()
