"""A partition while this member of the group has it."""

from dataclasses import dataclass
from typing import Final

from confluent_kafka import OFFSET_INVALID, Consumer, TopicPartition

from spojka.delivery import reader

OFFSETS_TIMEOUT_SECONDS: Final = 10.0


@dataclass(slots=True, eq=False)
class Assignment:
    """One partition from assignment to revocation; a later assignment is another object.

    `waiting_*` counts what was handed to the event loop and not yet
    finished; only the poll thread touches it.
    """

    topic: str
    partition: int
    waiting_events: int = 0
    waiting_bytes: int = 0
    paused: bool = False

    @property
    def key(self) -> tuple[str, int]:
        """The partition's name in dictionaries."""
        return self.topic, self.partition

    def at(self, offset: int = OFFSET_INVALID) -> TopicPartition:
        """The partition as the client names it."""
        return TopicPartition(self.topic, self.partition, offset)


def with_start(consumer: Consumer, partitions: list[TopicPartition]) -> list[TopicPartition]:
    """Give each partition the offset to start at: the committed one, else the earliest there is.

    Only a partition for which the group has never committed anything starts
    at the earliest. A committed offset that is no longer there is left as it
    is: fetching it then fails (auto.offset.reset=error) instead of jumping.
    Blocks; raises KafkaException.
    """
    started: list[TopicPartition] = []
    for partition in consumer.committed(partitions, timeout=OFFSETS_TIMEOUT_SECONDS):
        offset = partition.offset
        if offset < 0:
            offset, _ = reader.bounds(consumer, partition.topic, partition.partition)
        started.append(TopicPartition(partition.topic, partition.partition, offset))
    return started
