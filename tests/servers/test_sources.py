"""Where the servers come from, and that the reason is told."""

from pathlib import Path

import psycopg
import pytest

from spojka.servers import sources
from spojka.servers.background import provided_in_background
from spojka.servers.kafka import EmbeddedKafka
from spojka.servers.noida import NoidaBroker
from spojka.servers.postgres import EmbeddedPostgres
from spojka.servers.server import ServerError
from spojka.servers.sources import Origin, choose_kafka, choose_postgres, provided


async def test_a_named_server_goes_first(home: Path) -> None:
    postgres = await choose_postgres(
        given_url="postgresql://db.example/x", data=home / "pg", log_path=home / "pg.log"
    )
    assert (postgres.origin, postgres.url) == (Origin.GIVEN, "postgresql://db.example/x")
    assert "SPOJKA_DATABASE_URL" in postgres.reason
    kafka = await choose_kafka(
        given_bootstrap="kafka.example:9092", data=home / "kafka", log_path=home / "kafka.log"
    )
    assert (kafka.origin, kafka.url) == (Origin.GIVEN, "kafka.example:9092")
    async with provided(kafka) as url:
        assert url == "kafka.example:9092"


@pytest.mark.parametrize(
    ("engine_lacks", "origin"),
    [(None, Origin.CONTAINER), ("no Docker engine answers", Origin.EMBEDDED)],
)
async def test_tests_use_containers_only_where_an_engine_answers(
    home: Path, monkeypatch: pytest.MonkeyPatch, engine_lacks: str | None, origin: Origin
) -> None:
    monkeypatch.setattr(sources, "engine_lacks", lambda: engine_lacks)
    source = await choose_postgres(
        given_url=None, data=home / "pg", log_path=home / "pg.log", containers=True
    )
    assert source.origin is origin
    assert engine_lacks is None or engine_lacks in source.reason


async def test_without_containers_no_engine_is_asked(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "engine_lacks", lambda: pytest.fail("the engine was asked"))
    source = await choose_postgres(given_url=None, data=home / "pg", log_path=home / "pg.log")
    assert source.origin is Origin.EMBEDDED


async def test_kafka_that_can_not_be_had_is_replaced_with_a_warning(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_self: EmbeddedKafka) -> None:
        raise ServerError("Maven Central is out of reach")

    monkeypatch.setattr(EmbeddedKafka, "install", fails)
    source = await choose_kafka(
        given_bootstrap=None, data=home / "kafka", log_path=home / "kafka.log"
    )
    assert source.origin is Origin.LAST_RESORT
    assert isinstance(source.server, NoidaBroker)
    assert source.server.data != home / "kafka"
    assert "Maven Central is out of reach" in source.reason
    assert "not for real orders" in source.reason


def test_serves_in_the_background_for_the_time_of_a_block(home: Path) -> None:
    source = sources.Source(
        Origin.EMBEDDED,
        "for this test",
        server=EmbeddedPostgres(data=home / "pg", log_path=home / "pg.log"),
    )
    with provided_in_background(source) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


def test_a_server_that_can_not_be_prepared_is_told_to_the_caller(home: Path) -> None:
    (home / "pg").write_text("a file where the folder should be")
    server = EmbeddedPostgres(data=home / "pg" / "data", log_path=home / "pg.log")
    source = sources.Source(Origin.EMBEDDED, "for this test", server=server)
    with pytest.raises(ServerError, match="can't be made"), provided_in_background(source):
        pytest.fail("it was served")
