"""Commands of the operator, which use the database and Kafka themselves."""

from collections.abc import AsyncIterator, Mapping
from typing import Final

import pytest

from spojka.delivery.acknowledged import AcknowledgedProducer
from spojka.delivery.admin import ensure_topics
from spojka.delivery.kafka_config import kafka_config
from spojka.settings import Settings

GROUPS: Final = ("orders", "payments")
"""Those that have topics of dead letters here."""


@pytest.fixture
async def settings(kafka_bootstrap: str, topic_prefix: str, database_url: str) -> Settings:
    """Topics of one's own, with those of the groups' dead letters."""
    settings = Settings(
        kafka_bootstrap=kafka_bootstrap,
        topic_prefix=topic_prefix,
        database_url=database_url,
        role_secret="for tests only",
        stock_partitions=3,
        orders_partitions=3,
        payments_partitions=3,
    )
    await ensure_topics(settings, groups=GROUPS)
    return settings


@pytest.fixture
def env(settings: Settings) -> Mapping[str, str]:
    assert settings.database_url is not None
    return {
        "SPOJKA_KAFKA_BOOTSTRAP": settings.required_bootstrap(),
        "SPOJKA_TOPIC_PREFIX": settings.topic_prefix,
        "SPOJKA_DATABASE_URL": settings.database_url.get_secret_value(),
        "SPOJKA_ROLE_SECRET": "for tests only",
    }


@pytest.fixture
async def producer(settings: Settings) -> AsyncIterator[AcknowledgedProducer]:
    producer = AcknowledgedProducer(kafka_config(settings, "tests"))
    yield producer
    await producer.close()
