"""The topics of the event bus: their names, partitions and settings (DESIGN §2)."""

from dataclasses import dataclass
from enum import StrEnum

from spojka.settings import Settings

DAY_MS = 24 * 60 * 60 * 1000


class Topic(StrEnum):
    """A topic's name without the prefix. Only the owning service writes it."""

    STOCK = "stock.v1"
    IMPORTS = "imports.v1"
    ORDERS = "orders.v1"
    NOTIFICATIONS = "notifications.v1"
    PAYMENTS = "payments.v1"

    def full_name(self, prefix: str) -> str:
        """The name in Kafka."""
        return f"{prefix}.{self.value}"


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """How a topic is created."""

    name: str
    partitions: int
    config: dict[str, str]


def topic_specs(settings: Settings) -> list[TopicSpec]:
    """All topics as they are to be; stock is compacted, the others keep facts for a time."""
    partitions = {
        Topic.STOCK: settings.stock_partitions,
        Topic.IMPORTS: settings.orders_partitions,
        Topic.ORDERS: settings.orders_partitions,
        Topic.NOTIFICATIONS: settings.payments_partitions,
        Topic.PAYMENTS: settings.payments_partitions,
    }
    facts = {
        "cleanup.policy": "delete",
        "retention.ms": str(settings.fact_retention_days * DAY_MS),
    }
    compacted = {
        "cleanup.policy": "compact",
        "min.cleanable.dirty.ratio": "0.2",
        "delete.retention.ms": str(7 * DAY_MS),
        "segment.ms": str(DAY_MS),
    }
    durable = durability(settings)
    return [
        TopicSpec(
            topic.full_name(settings.topic_prefix),
            partitions[topic],
            (compacted if topic is Topic.STOCK else facts) | durable,
        )
        for topic in Topic
    ]


def durability(settings: Settings) -> dict[str, str]:
    """What every topic is configured with so that a broker lost takes no acknowledged record along.

    Two of three must have a record: whatever the brokers' own default is.
    """
    return {"min.insync.replicas": "2"} if settings.topic_replication > 2 else {}  # noqa: PLR2004


def dead_letter_topic(prefix: str, group: str) -> str:
    """The topic of a consumer group's dead letters, kept without end."""
    return f"{prefix}.{group}.dead-letters.v1"


def replay_topic(prefix: str, group: str) -> str:
    """The topic by which dead letters come back to the consumer group that failed, alone."""
    return f"{prefix}.{group}.replays.v1"
