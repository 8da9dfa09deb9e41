"""Topics as they are to be: made where they are missing, checked where they are there."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from spojka.delivery.kafka_config import KafkaConfig, kafka_config
from spojka.delivery.receipts import receipts_topic
from spojka.errors import Unavailable
from spojka.outbox import LANES
from spojka.settings import Settings
from spojka.topics import (
    DAY_MS,
    TopicSpec,
    dead_letter_topic,
    durability,
    replay_topic,
    topic_specs,
)

REQUEST_TIMEOUT_SECONDS: Final = 30.0
USABLE_TIMEOUT_SECONDS: Final = 30.0
_LOOK_INTERVAL_SECONDS: Final = 0.1


class TopicMismatchError(Exception):
    """A topic has other partitions than the settings say, which would break the order of keys."""


def all_topics(
    settings: Settings, *, groups: Iterable[str], schemas: Iterable[str]
) -> list[TopicSpec]:
    """Give the event topics, those of the groups' dead letters and replays, and the receipts."""
    prefix = settings.topic_prefix
    # A dead letter or a receipt that is lost is an event lost or said twice: as durable as events.
    kept = {"cleanup.policy": "delete", **durability(settings)}
    for_ever = kept | {"retention.ms": "-1"}
    facts = kept | {"retention.ms": str(settings.fact_retention_days * DAY_MS)}
    # Only the last receipt of a lane counts, however old it is: bounded by size, not by time.
    last = for_ever | {"retention.bytes": str(32 * 1024 * 1024), "segment.bytes": str(8 * 1024**2)}
    specs = topic_specs(settings)
    for group in groups:
        specs.append(TopicSpec(dead_letter_topic(prefix, group), 1, for_ever))
        specs.append(TopicSpec(replay_topic(prefix, group), 1, facts))
    specs += [TopicSpec(receipts_topic(prefix, schema), LANES, last) for schema in schemas]
    return specs


async def ensure_topics(
    settings: Settings, *, groups: Iterable[str] = (), schemas: Iterable[str] = ()
) -> None:
    """Create missing topics, correct configurations that drifted, wait until all are usable.

    Raises TopicMismatchError when a topic has other partitions than it should,
    Unavailable when Kafka does not answer in time or forbids it.
    """
    specs = all_topics(settings, groups=groups, schemas=schemas)
    config = kafka_config(settings, "spojka-admin")
    await asyncio.to_thread(_ensure, config, specs, settings.topic_replication)


def _ensure(config: KafkaConfig, specs: Sequence[TopicSpec], replication: int) -> None:
    client_config = {k: v for k, v in config.items() if k != "allow.auto.create.topics"}
    try:
        with AdminClient(client_config) as admin:
            existing = _partitions(admin)
            missing = [spec for spec in specs if spec.name not in existing]
            _check_partitions(specs, existing)
            _create(admin, missing, replication)
            _correct(admin, [spec for spec in specs if spec.name in existing])
            _wait_until_usable(admin, missing)
    except KafkaException as error:
        raise Unavailable(f"Kafka does not let us look after the topics: {error}") from error


def _partitions(admin: AdminClient) -> dict[str, int]:
    """Partitions of each topic whose every partition has a leader."""
    return {
        name: len(topic.partitions)
        for name, topic in admin.list_topics(timeout=REQUEST_TIMEOUT_SECONDS).topics.items()
        if topic.error is None and all(p.leader >= 0 for p in topic.partitions.values())
    }


def _check_partitions(specs: Sequence[TopicSpec], existing: dict[str, int]) -> None:
    wrong = [
        f"{spec.name} has {existing[spec.name]} partitions, the settings say {spec.partitions}"
        for spec in specs
        if existing.get(spec.name, spec.partitions) != spec.partitions
    ]
    if wrong:
        raise TopicMismatchError(
            "; ".join(wrong) + ": set SPOJKA_…_PARTITIONS to what is there, or use another"
            " SPOJKA_TOPIC_PREFIX; partitions of a topic in use can't change without breaking"
            " the order of events"
        )


def _create(admin: AdminClient, specs: Sequence[TopicSpec], replication: int) -> None:
    if not specs:
        return
    topics = [
        NewTopic(spec.name, spec.partitions, replication, config=spec.config) for spec in specs
    ]
    for created in admin.create_topics(topics, operation_timeout=REQUEST_TIMEOUT_SECONDS).values():
        # Another process that starts at the same time may have been faster.
        _result(created, unless=KafkaError.TOPIC_ALREADY_EXISTS)


def _correct(admin: AdminClient, specs: Sequence[TopicSpec]) -> None:
    if not specs:
        return
    resources = {ConfigResource(ResourceType.TOPIC, spec.name): spec for spec in specs}
    drifted: list[ConfigResource] = []
    for resource, described in admin.describe_configs(list(resources)).items():
        actual = _result(described)
        changes = [
            ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
            for name, value in resources[resource].config.items()
            if name not in actual or actual[name].value != value
        ]
        if changes:
            drifted.append(
                ConfigResource(ResourceType.TOPIC, resource.name, incremental_configs=changes)
            )
    if drifted:
        for altered in admin.incremental_alter_configs(drifted).values():
            # Where an administrator keeps the topics, we may look at them only.
            _result(altered, unless=KafkaError.TOPIC_AUTHORIZATION_FAILED)


def _wait_until_usable(admin: AdminClient, specs: Sequence[TopicSpec]) -> None:

    deadline = time.monotonic() + USABLE_TIMEOUT_SECONDS
    while True:
        ready = _partitions(admin)
        waiting = [spec.name for spec in specs if ready.get(spec.name) != spec.partitions]
        if not waiting:
            return
        if time.monotonic() > deadline:
            raise Unavailable(f"topics without a leader: {', '.join(waiting)}")
        time.sleep(_LOOK_INTERVAL_SECONDS)


def _result(future: "Future[Any]", *, unless: int | None = None) -> Any:
    try:
        return future.result(REQUEST_TIMEOUT_SECONDS)
    except KafkaException as error:
        if unless is None or error.args[0].code() != unless:
            raise
        return None
