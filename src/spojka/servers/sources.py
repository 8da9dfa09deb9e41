"""Decides where PostgreSQL and Kafka come from, and says why.

In this order: what the operator named; for tests, a container where a Docker engine answers; the
embedded server; for Kafka, the last resort where the embedded one can't be had.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from spojka.servers.containers import engine_lacks, kafka_container, postgres_container
from spojka.servers.jars import FetchProgress
from spojka.servers.kafka import EmbeddedKafka, no_progress
from spojka.servers.noida import LIMITS, NoidaBroker, installed_program
from spojka.servers.postgres import EmbeddedPostgres
from spojka.servers.server import Server, ServerError, serving

ContainerFactory = Callable[[], AbstractContextManager[str]]


class Origin(StrEnum):
    """Where a server comes from."""

    GIVEN = "given"
    CONTAINER = "container"
    EMBEDDED = "embedded"
    LAST_RESORT = "last resort"


@dataclass(frozen=True, slots=True)
class Source:
    """Where one server comes from and why, in words for the user.

    One of the three is set: the `url` of a server that already runs, the `server` to run under
    the supervisor, or the `container` to start.
    """

    origin: Origin
    reason: str
    url: str | None = None
    server: Server | None = None
    container: ContainerFactory | None = None


async def choose_postgres(
    *,
    given_url: str | None,
    data: Path,
    log_path: Path,
    port: int | None = None,
    containers: bool = False,
) -> Source:
    """Choose PostgreSQL; `containers` allows a container (for tests)."""
    if given_url:
        return Source(Origin.GIVEN, "SPOJKA_DATABASE_URL names it", url=given_url)
    why_not = await _containers_lack(containers)
    if why_not is None:
        reason = "a Docker engine answers"
        return Source(Origin.CONTAINER, reason, container=postgres_container)
    server = EmbeddedPostgres(data=data, log_path=log_path, port=port)
    return Source(Origin.EMBEDDED, f"SPOJKA_DATABASE_URL is not set{why_not}", server=server)


async def choose_kafka(
    *,
    given_bootstrap: str | None,
    data: Path,
    log_path: Path,
    port: int | None = None,
    containers: bool = False,
    cache: Path | None = None,
    progress: Callable[[FetchProgress], None] = no_progress,
) -> Source:
    """Choose Kafka; downloads the embedded one where it is taken and not in the cache yet.

    Raises:
        ServerError: none can be had; the message says why and what else can be used.

    """
    if given_bootstrap:
        return Source(Origin.GIVEN, "SPOJKA_KAFKA_BOOTSTRAP names it", url=given_bootstrap)
    why_not = await _containers_lack(containers)
    if why_not is None:
        return Source(Origin.CONTAINER, "a Docker engine answers", container=kafka_container)
    kafka = EmbeddedKafka(data=data, log_path=log_path, port=port, cache=cache, progress=progress)
    try:
        installation = await kafka.install()
    except ServerError as error:
        return _last_resort(error, data, log_path, port)
    reason = f"SPOJKA_KAFKA_BOOTSTRAP is not set{why_not}; it runs on {installation.java}"
    return Source(Origin.EMBEDDED, reason, server=kafka)


@asynccontextmanager
async def provided(source: Source) -> AsyncIterator[str]:
    """Run what the source needs for the time of a block; gives the server's URL."""
    if source.container is not None:
        container = source.container()
        url = await asyncio.to_thread(container.__enter__)
        try:
            yield url
        finally:
            await asyncio.to_thread(container.__exit__, None, None, None)
    elif source.server is not None:
        async with serving(source.server):
            yield source.server.url
    else:
        assert source.url is not None
        yield source.url


def _last_resort(error: ServerError, data: Path, log_path: Path, port: int | None) -> Source:
    try:
        installed_program()
    except ServerError:
        raise error from None
    # Its data are kept apart: Kafka itself must never find them in its own folder.
    broker = NoidaBroker(data=data.with_name(f"{data.name}-stand-in"), log_path=log_path, port=port)
    warning = (
        f"Apache Kafka can't be had here: {error}\nA small stand-in is used instead. It is for "
        f"trying out, not for real orders: {'; '.join(LIMITS)}."
    )
    return Source(Origin.LAST_RESORT, warning, server=broker)


async def _containers_lack(wanted: bool) -> str | None:
    """Say, as the end of a sentence, why no container is used; None when one is."""
    if not wanted:
        return ""
    lacks = await asyncio.to_thread(engine_lacks)
    return None if lacks is None else f", {lacks}"
