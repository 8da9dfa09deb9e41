"""An installation that was lived in, whose services are stopped."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import psycopg
from psycopg import sql
from pydantic import SecretStr

from spojka.database import Database
from spojka.delivery.admin import ensure_topics
from spojka.delivery.health import Health
from spojka.delivery.relay import Relay
from spojka.settings import Settings
from spojka.up.preparation import own_database_url
from spojka.verification.model import registered_verifications
from spojka.verification.report import Report
from spojka.verification.verifying import verify
from tests.conftest import ROLE_SECRET, service_url
from tests.verification.book import live_with_orders
from tests.verification.goods import live_with_goods
from tests.verification.post import live_with_mail
from tests.verification.till import live_with_money

PUBLISHED_SECONDS: Final = 90.0
LOOK_SECONDS: Final = 0.05
STORIES: Final[Mapping[str, Callable[[Database], Awaitable[UUID]]]] = {
    "stock": live_with_goods,
    "orders": live_with_orders,
    "payments": live_with_money,
    "mail_ingest": live_with_mail,
}


@dataclass(frozen=True, slots=True)
class Lived:
    """The database's URL as the superuser, Kafka, and the tenants by the service of their story."""

    url: str
    settings: Settings
    tenants: Mapping[str, UUID]

    async def verify(self, *services: str, topics: bool = False) -> Report:
        """Verify as the command does, each service by its own role."""
        known = registered_verifications()
        return await verify(
            [known[service] for service in services or known],
            self.tenants,
            lambda schema: own_database_url(self.settings, schema),
            self.settings,
            topics=topics,
        )

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
    tenants = {}
    for service, story in STORIES.items():
        database = Database(service_url(url, service), service, application="tests")
        await database.open()
        try:
            tenants[service] = await story(database)
            await _publish(database, settings, service)
        finally:
            await database.close()
    with psycopg.connect(url, autocommit=True) as connection:
        for name, tenant in tenants.items():
            connection.execute(
                "INSERT INTO gateway.tenant (id, name) VALUES (%s, %s)", [tenant, name]
            )
    return Lived(url, settings, tenants)


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
