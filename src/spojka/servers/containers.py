"""PostgreSQL and Kafka as containers, for tests on machines where a Docker engine answers.

Needs testcontainers, which comes with the development dependencies.
"""

import gc
import importlib
import importlib.util
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

ENGINE_TIMEOUT_S = 3
POSTGRES_IMAGE = "postgres:18"
KAFKA_SETTINGS = {
    "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
    "KAFKA_HEAP_OPTS": "-Xmx512m",
}


def engine_lacks() -> str | None:
    """Say why no container can be started here; None when one can. Blocks a few seconds."""
    if importlib.util.find_spec("testcontainers") is None:
        return "testcontainers is not installed"
    # Docker's library leaves the sockets of a failed attempt to the collector, which complains.
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        lacks = _ask_engine()
        gc.collect()
    return lacks


def _ask_engine() -> str | None:
    docker = importlib.import_module("docker")  # ships no types; comes with testcontainers
    try:
        client = docker.from_env(timeout=ENGINE_TIMEOUT_S)
        try:
            client.ping()
        finally:
            client.close()
    except (OSError, docker.errors.DockerException) as error:
        return f"no Docker engine answers ({type(error).__name__})"
    return None


@contextmanager
def postgres_container() -> Iterator[str]:
    """Run PostgreSQL in a container for the time of a block; gives the superuser's URL."""
    from testcontainers.community.postgres import PostgresContainer

    with PostgresContainer(POSTGRES_IMAGE, driver=None) as container:
        yield str(container.get_connection_url())


@contextmanager
def kafka_container() -> Iterator[str]:
    """Run Kafka in a container for the time of a block; gives its bootstrap address."""
    from testcontainers.community.kafka import KafkaContainer

    container = KafkaContainer().with_kraft()  # in the image that the library is made for
    for key, value in KAFKA_SETTINGS.items():
        container = container.with_env(key, value)
    with container:
        yield str(container.get_bootstrap_server())
