"""Reading parts of a topic outside every consumer group. Everything here blocks."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import uuid4

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from spojka.delivery.kafka_config import KafkaConfig, consumer_config
from spojka.errors import NotFound, Unavailable

ANSWER_TIMEOUT_SECONDS: Final = 15.0
_UNKNOWN: Final = frozenset(
    {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION}  # noqa: SLF001
)

# The leader is moving, or the topic is so new that not every broker knows its leader. The client
# does not call these errors retriable here.
_LEADER_MOVES: Final = frozenset(
    {
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.OFFSET_NOT_AVAILABLE,
    }
)
_LEADER_INTERVAL_SECONDS: Final = 0.1


def make(config: KafkaConfig) -> Consumer:
    """Make a consumer that belongs to no group and commits nothing."""
    return Consumer(
        consumer_config(config, f"reader-{uuid4()}")
        | {
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
        }
    )


@contextmanager
def translated() -> Iterator[None]:
    """Raise NotFound for a topic that is not there, Unavailable for Kafka's other errors."""
    try:
        yield
    except KafkaException as error:
        if error.args[0].code() in _UNKNOWN:
            raise NotFound(f"the topic is not there: {error}") from error
        raise Unavailable(f"Kafka does not answer: {error}") from error


@contextmanager
def opened(config: KafkaConfig) -> Iterator[Consumer]:
    """Open such a consumer for a block; its errors are translated."""
    consumer = make(config)
    try:
        with translated():
            yield consumer
    finally:
        consumer.close()


def bounds(consumer: Consumer, topic: str, partition: int) -> tuple[int, int]:
    """Give the first offset there is and the one after the last. Raises KafkaException."""
    wanted = TopicPartition(topic, partition)
    deadline = time.monotonic() + ANSWER_TIMEOUT_SECONDS
    while True:
        try:
            low, high = consumer.get_watermark_offsets(wanted, timeout=ANSWER_TIMEOUT_SECONDS)
        except KafkaException as error:
            if error.args[0].code() not in _LEADER_MOVES or time.monotonic() > deadline:
                raise
            time.sleep(_LEADER_INTERVAL_SECONDS)
        else:
            return low, high


def read(consumer: Consumer, topic: str, partition: int, start: int) -> Iterator[Message]:
    """Read committed messages from `start` to the end that the partition has when it is reached."""
    consumer.assign([TopicPartition(topic, partition, start)])
    while True:
        message = consumer.poll(ANSWER_TIMEOUT_SECONDS)
        if message is None:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001
        error = message.error()
        if error is None:
            yield message
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
            return
        elif not error.retriable():
            raise KafkaException(error)
