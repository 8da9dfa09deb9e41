"""A schema, a role and a set of topics of its own for each test, on real servers."""

from collections.abc import AsyncIterator, Iterator
from importlib.resources import files
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from spojka.database import Database
from spojka.delivery.kafka_config import KafkaConfig, kafka_config
from spojka.settings import Settings
from tests.topics import topics

GROUP = "readers"


@pytest.fixture
def schema(postgres_url: str) -> Iterator[str]:
    """A schema with the ground's tables and a role of the same name that is no owner."""
    name = f"t{uuid4().hex[:12]}"
    ground = files("spojka").joinpath("sql/0001_ground.sql").read_text()
    tables = """
        CREATE TABLE value (key text PRIMARY KEY, value bigint NOT NULL);
        CREATE TABLE effect (tenant uuid NOT NULL, id uuid NOT NULL, key text NOT NULL,
                             number bigint GENERATED ALWAYS AS IDENTITY);
    """
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for statement in (
            f"CREATE SCHEMA {name}",
            f"CREATE ROLE {name} LOGIN PASSWORD 'test'",
            f"SET search_path = {name}",
            ground,
            tables,
            f"GRANT USAGE ON SCHEMA {name} TO {name}",
            f"GRANT ALL ON ALL TABLES IN SCHEMA {name} TO {name}",
        ):
            connection.execute(statement.encode())
        yield name
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [name]
        )
        connection.execute(f"DROP SCHEMA {name} CASCADE".encode())
        connection.execute(f"DROP OWNED BY {name}".encode())
        connection.execute(f"DROP ROLE {name}".encode())


@pytest.fixture
def settings(schema: str, postgres_url: str, kafka_bootstrap: str) -> Settings:
    url = make_conninfo(postgres_url, user=schema, password="test")
    return Settings(
        database_url=SecretStr(url),
        kafka_bootstrap=kafka_bootstrap,
        topic_prefix=schema,
        stock_partitions=4,
        orders_partitions=4,
        payments_partitions=2,
        dead_letter_limit=3,
    )


@pytest.fixture
async def database(settings: Settings, schema: str) -> AsyncIterator[Database]:
    assert settings.database_url is not None
    database = Database(settings.database_url.get_secret_value(), schema, application="tests")
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def kafka(settings: Settings, schema: str) -> AsyncIterator[KafkaConfig]:
    """The client configuration; the topics of the test's prefix are there."""
    async with topics(settings, schema, [GROUP]):
        yield kafka_config(settings, "tests")
