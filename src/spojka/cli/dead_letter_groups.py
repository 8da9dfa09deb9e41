"""Which consumer groups there are, and where each keeps what it knows of its dead letters."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import entry_points
from typing import Final

from spojka.cli.errors import CommandError
from spojka.database import Database
from spojka.delivery import reader
from spojka.delivery.dead_letters import DeadLetters
from spojka.delivery.kafka_config import kafka_config
from spojka.service import ENTRY_POINTS, service_database_url
from spojka.settings import Settings
from spojka.topics import dead_letter_topic
from spojka.up.preparation import own_database_url

CLIENT_ID: Final = "spojka-deadletters"


def groups_of(settings: Settings) -> list[str]:
    """The consumer groups that have a dead-letter topic. Blocks. Raises Unavailable."""
    before, _, after = dead_letter_topic(settings.topic_prefix, "\0").partition("\0")
    with reader.opened(kafka_config(settings, CLIENT_ID)) as consumer:
        topics = consumer.list_topics(timeout=reader.ANSWER_TIMEOUT_SECONDS).topics
    return sorted(
        name[len(before) : -len(after)]
        for name in topics
        if name.startswith(before) and name.endswith(after)
    )


@asynccontextmanager
async def opened(group: str, settings: Settings) -> AsyncIterator[DeadLetters]:
    """The dead letters of a group.

    A group is named after its service, or begins with the service's name and a
    hyphen. Raises CommandError for another name, SettingsError, Unavailable.
    """
    services = entry_points(group=ENTRY_POINTS).names
    service = group.partition("-")[0]
    if service not in services:
        raise CommandError(
            f"{group!r} is no group of a service; services are: {', '.join(sorted(services))}"
        )
    # An operator's URL names a powerful role: with the secret we log in as the service instead.
    login = own_database_url if settings.role_secret else service_database_url
    url = login(settings, service)
    database = Database(url, service, application="spojka deadletters")
    await database.open()
    try:
        yield DeadLetters(
            group,
            database=database,
            kafka=kafka_config(settings, CLIENT_ID),
            prefix=settings.topic_prefix,
        )
    finally:
        await database.close()
