"""The librdkafka properties that every Kafka client of Spojka shares."""

import logging
from typing import Any, Final

from spojka.settings import Settings

KafkaConfig = dict[str, Any]
"""Properties of a librdkafka client by name."""

CONNECT_MS_MAX: Final = 10_000
CONSUMER_SILENCE_MS_MAX: Final = 20_000
"""After so long without an answer a broker is taken for lost: what is fetched at once must come
through a slow line in that time."""
FETCH_BYTES_MAX: Final = 128 * 1024


def kafka_config(settings: Settings, client_id: str) -> KafkaConfig:
    """Give the shared properties; what the operator set in SPOJKA_KAFKA_OPTIONS wins.

    Raises SettingsError where Kafka's addresses are missing.
    """
    return {
        "bootstrap.servers": settings.required_bootstrap(),
        "client.id": client_id,
        # Topics are made by `admin.ensure_topics` alone, never by a mistyped name.
        "allow.auto.create.topics": False,
        # A broker that comes back is found again within a second.
        "reconnect.backoff.max.ms": 1000,
        # A broker whose host is gone refuses nothing: it is silent.
        "socket.connection.setup.timeout.ms": CONNECT_MS_MAX,
        "logger": logging.getLogger("spojka.kafka"),
        # Errors only: librdkafka warns of every retry that is a matter of course.
        "log_level": 3,
        **settings.kafka_options,
    }


def producer_config(base: KafkaConfig) -> KafkaConfig:
    """Give the properties of a producer that neither loses, doubles nor reorders."""
    return {
        # Known by consumers only.
        **{key: value for key, value in base.items() if key != "allow.auto.create.topics"},
        "enable.idempotence": True,
        # CRC-32 of the key, as for lanes (`outbox.lane_of`): where the lanes divide a topic's
        # partitions, no two lanes write to the same one, so that no reader of committed events
        # waits in one lane for an open transaction of another.
        "partitioner": "consistent_random",
        "compression.type": "lz4",
        # A batch is complete when it is sent: waiting for more would only cost time.
        "linger.ms": 0,
    }


def consumer_config(base: KafkaConfig, group: str) -> KafkaConfig:
    """Give the properties of a consumer that sees committed events and never jumps."""
    return {
        **base,
        "group.id": group,
        "isolation.level": "read_committed",
        "auto.offset.reset": "error",
        "enable.auto.offset.store": False,
        # What was fetched ahead is bounded, whatever the number of partitions.
        "queued.max.messages.kbytes": 16 * 1024,
        # An answer comes at once where there is something to say.
        "fetch.min.bytes": 1,
        "socket.timeout.ms": CONSUMER_SILENCE_MS_MAX,
        "fetch.message.max.bytes": FETCH_BYTES_MAX,
        "fetch.max.bytes": FETCH_BYTES_MAX,
        # Of a consumer: only what "fetch.max.bytes" may not be below. A larger batch comes whole.
        "message.max.bytes": FETCH_BYTES_MAX,
    }
