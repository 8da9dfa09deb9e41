"""Putting a message that can't be handled aside: the dead letter and its count."""

import time
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Message

from spojka.database import Database
from spojka.delivery.acknowledged import AcknowledgedProducer, Record
from spojka.delivery.headers import Headers

PREFIX: Final = "spojka_"
"""What the headers that tell of the failure begin with; the others are the message's own."""

CONSUMER: Final = "spojka_consumer"
REASON: Final = "spojka_reason"
ERROR_CLASS: Final = "spojka_error_class"
TOPIC: Final = "spojka_topic"
PARTITION: Final = "spojka_partition"
OFFSET: Final = "spojka_offset"
TIMESTAMP_MS: Final = "spojka_timestamp_ms"
ATTEMPTS: Final = "spojka_attempts"
FAILED_MS: Final = "spojka_failed_ms"
REASON_MAX_CHARACTERS: Final = 2_000

_ORIGIN: Final = frozenset({TOPIC, PARTITION, OFFSET, TIMESTAMP_MS})

_COUNT: Final = """
    INSERT INTO dead_letter_count AS known (consumer, topic, partition, count, paused)
    VALUES (%(consumer)s, %(topic)s, %(partition)s, 1, 1 >= %(limit)s)
    ON CONFLICT (consumer, topic, partition) DO UPDATE
    SET count = known.count + 1, paused = known.count + 1 >= %(limit)s, time = now()
    RETURNING paused
"""
_PAUSED: Final = """
    SELECT count FROM dead_letter_count
    WHERE paused AND consumer = %s AND topic = %s AND partition = %s
"""


def own_headers(message: Message) -> Headers:
    """The headers that a message had before it failed."""
    return [(name, value) for name, value in _headers(message) if not name.startswith(PREFIX)]


def origin_headers(message: Message) -> Headers:
    """The headers that say where a dead letter first came from; none before it failed."""
    return [(name, value) for name, value in _headers(message) if name in _ORIGIN]


@dataclass(frozen=True, slots=True)
class DeadLetterBox:
    """The dead letters of one consumer group."""

    consumer: str
    topic: str
    limit: int
    database: Database
    producer: AcknowledgedProducer

    async def put(self, message: Message, error: Exception, attempts: int) -> bool:
        """Store a message as a dead letter and count it; say whether its partition now pauses.

        Returns after Kafka has acknowledged it. Raises Unavailable when
        something is away; putting it again may then store it twice, which is
        harmless: a replay passes the inbox or the guard.
        """
        told = {
            CONSUMER: self.consumer,
            REASON: _utf8(str(error)[:REASON_MAX_CHARACTERS]),
            ERROR_CLASS: type(error).__qualname__,
            ATTEMPTS: attempts,
            FAILED_MS: time.time_ns() // 1_000_000,
        }
        # One that is replayed says itself where it came from; the replay topic is no answer.
        origin = origin_headers(message) or _place(message)
        failure: Headers = [(name, str(value)) for name, value in told.items()]
        headers = own_headers(message) + origin + failure
        await self.producer.send(Record(self.topic, message.key(), message.value(), headers))
        async with self.database.autocommit() as connection:
            cursor = await connection.execute(
                _COUNT,
                {
                    "consumer": self.consumer,
                    "topic": message.topic(),
                    "partition": message.partition(),
                    "limit": self.limit,
                },
            )
            row = await cursor.fetchone()
        return row is not None and bool(row[0])

    async def pause_reason(self, topic: str, partition: int) -> str | None:
        """Why the partition is paused, or None where it is not."""
        async with self.database.autocommit() as connection:
            cursor = await connection.execute(_PAUSED, [self.consumer, topic, partition])
            row = await cursor.fetchone()
        if row is None:
            return None
        return (
            f"{row[0]} dead letters (limit {self.limit}): look at 'spojka deadletters list "
            f"{self.consumer}', then 'spojka deadletters resume {self.consumer} {topic} "
            f"{partition}'"
        )


def _headers(message: Message) -> Headers:
    raw = message.headers() or []
    return list(raw.items() if isinstance(raw, dict) else raw)


def _place(message: Message) -> Headers:
    return [
        (TOPIC, message.topic()),
        (PARTITION, str(message.partition())),
        (OFFSET, str(message.offset())),
        (TIMESTAMP_MS, str(message.timestamp()[1])),
    ]


def _utf8(text: str) -> str:
    """Text that a header can carry: an error may quote half of a surrogate pair."""
    return text.encode("utf-8", "replace").decode("utf-8")
