"""Whether this process reaches Kafka: all of it, not only a broker that knows the others."""

import asyncio
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from spojka.delivery.kafka_config import KafkaConfig

METADATA_SECONDS: Final = 3.0
CONNECT_SECONDS: Final = 2.0


async def reaches_every_broker(config: KafkaConfig) -> bool:
    """Say whether every broker of the cluster, as one of them tells, can be connected to.

    A transaction has to do with several of them: one that is missing is enough to fail it.
    """
    try:
        addresses = await asyncio.to_thread(_addresses, config)
        await asyncio.gather(*(_connect(host, port) for host, port in addresses))
    except (KafkaException, OSError):  # TimeoutError is an OSError
        return False
    return True


def _addresses(config: KafkaConfig) -> list[tuple[str, int]]:
    own = {name: value for name, value in config.items() if name != "allow.auto.create.topics"}
    with AdminClient(own) as admin:
        brokers = admin.list_topics(timeout=METADATA_SECONDS).brokers.values()
    return [(str(broker.host), broker.port) for broker in brokers]


async def _connect(host: str, port: int) -> None:
    async with asyncio.timeout(CONNECT_SECONDS):
        _, writer = await asyncio.open_connection(host, port)
    writer.close()
