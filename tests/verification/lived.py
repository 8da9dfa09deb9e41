"""An installation that was lived in, whose services are stopped."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import psycopg
from confluent_kafka import Consumer, TopicPartition
from psycopg import sql
from pydantic import SecretStr

from spojka.database import Database
from spojka.delivery import reader
from spojka.delivery.admin import ensure_topics
from spojka.delivery.health import Health
from spojka.delivery.kafka_config import consumer_config, kafka_config
from spojka.delivery.relay import Relay
from spojka.settings import Settings
from spojka.topics import Topic
from spojka.up.preparation import own_database_url
from spojka.verification.model import registered_verifications
from spojka.verification.report import Report
from spojka.verification.verifying import Census, verify
from tests.conftest import ROLE_SECRET, service_url
from tests.verification.book import live_with_orders
from tests.verification.goods import live_with_goods
from tests.verification.post import live_with_mail
from tests.verification.till import live_with_money

PUBLISHED_SECONDS: Final = 90.0
LOOK_SECONDS: Final = 0.05
Story = Callable[[Mapping[str, Database]], Awaitable[UUID]]
STORIES: Final[Mapping[str, Story]] = {
    "stock": lambda databases: live_with_goods(databases["stock"]),
    "payments": lambda databases: live_with_money(databases["payments"]),
    "mail_ingest": lambda databases: live_with_mail(databases["mail_ingest"]),
    "orders": live_with_orders,
}


@dataclass(frozen=True, slots=True)
class Lived:
    """The database's URL as the superuser, Kafka, and the tenants by the service of their story.

    `census` are the tenants as the directory has them when it is read again.
    """

    url: str
    settings: Settings
    tenants: Mapping[str, UUID]
    census: Mapping[str, UUID] | None = None

    async def verify(self, *services: str, topics: bool = False, bound: bool = False) -> Report:
        """Verify as the command does, each service by its own role.

        `bound`: unknown tenants are looked for by such a role, too.
        """
        known = registered_verifications()
        return await verify(
            [known[service] for service in services or known],
            self.tenants,
            lambda schema: own_database_url(self.settings, schema),
            self.settings,
            topics=topics,
            census=Census(self._tenants, None if bound else self.url),
        )

    async def _tenants(self) -> Mapping[str, UUID]:
        return self.tenants if self.census is None else self.census

    def with_settings(self, settings: Settings) -> "Lived":
        """The same, verified with other settings."""
        return replace(self, settings=settings)

    @contextmanager
    def copied(self) -> Iterator["Lived"]:
        """A copy of the database, to be tampered with; the topics stay the same."""
        name = f"spojka_lived_{secrets.token_hex(6)}"
        copy, whole = sql.Identifier(name), sql.Identifier(_name(self.url))
        with psycopg.connect(_beside(self.url, "postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(copy, whole))
            try:
                url = _beside(self.url, name)
                update = {"database_url": SecretStr(url)}
                yield replace(self, url=url, settings=self.settings.model_copy(update=update))
            finally:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(copy))

    def change(self, statement: str) -> int:
        """Change rows behind every service's back; returns how many."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(statement.encode()).rowcount


async def live(url: str, bootstrap: str) -> Lived:
    """Live through every story and publish all of it; the last of each waits in an outbox."""
    settings = Settings(
        database_url=SecretStr(url),
        role_secret=SecretStr(ROLE_SECRET),
        kafka_bootstrap=bootstrap,
        topic_prefix=f"t{secrets.token_hex(4)}",
        stock_partitions=3,
        orders_partitions=3,
        payments_partitions=3,
    )
    await ensure_topics(settings, schemas=list(STORIES))
    async with AsyncExitStack() as stack:
        databases = {}
        for service in STORIES:
            database = Database(service_url(url, service), service, application="tests")
            await database.open()
            stack.push_async_callback(database.close)
            databases[service] = database
        tenants = {name: await story(databases) for name, story in STORIES.items()}
        for service, database in databases.items():
            await _publish(database, settings, service)
    await asyncio.to_thread(_commit, settings)
    with psycopg.connect(url, autocommit=True) as connection:
        for name, tenant in tenants.items():
            connection.execute(
                "INSERT INTO gateway.tenant (id, name) VALUES (%s, %s)", [tenant, name]
            )
    return Lived(url, settings, tenants)


def _commit(settings: Settings) -> None:
    """Let the group of the order book have handled all that there is, as it was handed to it."""
    config = kafka_config(settings, "tests")
    consumer = Consumer(consumer_config(config, f"{settings.topic_prefix}.orders"))
    topics = [each.full_name(settings.topic_prefix) for each in (Topic.IMPORTS, Topic.PAYMENTS)]
    offsets = [
        TopicPartition(topic, partition, reader.bounds(consumer, topic, partition)[1])
        for topic in topics
        for partition in range(settings.orders_partitions)
    ]
    consumer.commit(offsets=offsets, asynchronous=False)
    consumer.close()


async def _publish(database: Database, settings: Settings, service: str) -> None:
    relay = Relay(database, settings, service, Health())
    await relay.start()
    try:
        async with asyncio.timeout(PUBLISHED_SECONDS):
            while not await _published(database):  # noqa: ASYNC110 - a relay tells nobody
                await asyncio.sleep(LOOK_SECONDS)
    finally:
        await relay.stop()


async def _published(database: Database) -> bool:
    async with database.infrastructure() as connection:
        cursor = await connection.execute("SELECT NOT EXISTS (SELECT FROM outbox)")
        return await cursor.fetchone() == (True,)


def _name(url: str) -> str:
    return url.rpartition("/")[2]


def _beside(url: str, name: str) -> str:
    return f"{url.rpartition('/')[0]}/{name}"
