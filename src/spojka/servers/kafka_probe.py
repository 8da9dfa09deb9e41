"""Asks a Kafka broker whether it serves."""

import asyncio
import logging

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

PROBE_TIMEOUT_S = 2.0

_silent = logging.getLogger("spojka.servers.kafka_probe")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False  # a broker that is not up yet is no news


async def broker_lacks(bootstrap: str) -> str | None:
    """Say what the broker still lacks to serve clients; None when it serves."""
    host, _, port = bootstrap.rpartition(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return f"nothing listens on {bootstrap}"
    writer.close()
    return await asyncio.to_thread(_metadata_lacks, bootstrap)


def _metadata_lacks(bootstrap: str) -> str | None:
    client = AdminClient({"bootstrap.servers": bootstrap}, logger=_silent)
    try:
        metadata = client.list_topics(timeout=PROBE_TIMEOUT_S)
    except KafkaException as error:
        return f"{bootstrap} does not tell its topics: {error}"
    return None if metadata.brokers else f"{bootstrap} knows of no broker yet"
