"""Dead letters for the operator: list, show, replay, and let a paused partition go on.

A dead letter is named by its consumer group and its offset in the group's
dead-letter topic, which has one partition and is kept without end. A replay
goes through a topic of the group's own, so that the failed group's handler
alone gets it, through the same inbox or guard as the first time.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice, takewhile
from typing import Final

from confluent_kafka import Consumer, Message, TopicPartition

from spojka.database import Database
from spojka.delivery import dead_letter, reader
from spojka.delivery import headers as names
from spojka.delivery.acknowledged import AcknowledgedProducer, Record
from spojka.delivery.decode import headers_of
from spojka.delivery.kafka_config import KafkaConfig
from spojka.errors import NotFound
from spojka.topics import dead_letter_topic, replay_topic

PAGE_MAX_LETTERS: Final = 500
REPLAY_OF: Final = "spojka_replay_of"

_MARK: Final = """
    INSERT INTO dead_letter_replay (consumer, letter) VALUES (%s, %s) ON CONFLICT DO NOTHING
"""
_MARKED: Final = """
    SELECT letter FROM dead_letter_replay WHERE consumer = %s AND letter = ANY(%b::bigint[])
"""
_RESUME: Final = """
    UPDATE dead_letter_count SET count = 0, paused = false, time = now()
    WHERE consumer = %s AND topic = %s AND partition = %s AND paused
"""
_PAUSED: Final = """
    SELECT topic, partition, count, time FROM dead_letter_count
    WHERE consumer = %s AND paused ORDER BY topic, partition
"""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message that could not be handled: where it came from, why it failed, what it is."""

    group: str
    offset: int
    event_id: str
    event_type: str
    key: str
    value: bytes | None
    topic: str
    partition: int
    original_offset: int
    original_time: datetime
    failed_time: datetime
    reason: str
    error_class: str
    attempts: int
    headers: dict[str, str]
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class PausedPartition:
    """A partition that waits for `resume`, and its dead letters since the last one."""

    topic: str
    partition: int
    dead_letters: int
    since: datetime


class DeadLetters:
    """The dead letters of one consumer group. `database` is that of the group's service."""

    def __init__(self, group: str, *, database: Database, kafka: KafkaConfig, prefix: str) -> None:
        """Take what it stands on."""
        self._group = group
        self._database = database
        self._kafka = kafka
        self._topic = dead_letter_topic(prefix, group)
        self._replay_topic = replay_topic(prefix, group)

    async def page(self, *, before: int | None = None, limit: int = 50) -> list[DeadLetter]:
        """Give the newest dead letters, newest first; the next page is `before` the last offset.

        Raises NotFound when the group has no dead-letter topic, Unavailable.
        """
        count = min(limit, PAGE_MAX_LETTERS)
        found = await asyncio.to_thread(self._read_before, before, count)
        return await self._marked(found)

    async def show(self, offset: int) -> DeadLetter:
        """Give one dead letter. Raises NotFound, Unavailable."""
        message = await asyncio.to_thread(self._read_one, offset)
        return (await self._marked([message]))[0]

    async def replay(self, offset: int) -> DeadLetter:
        """Deliver one dead letter to its group again, also one that was replayed before.

        Raises NotFound, Unavailable.
        """
        message = await asyncio.to_thread(self._read_one, offset)
        await self._send([message])
        return (await self._marked([message]))[0]

    async def replay_since(self, since: datetime) -> int:
        """Deliver again every dead letter since a time that was not replayed yet; give how many.

        Those that are put aside meanwhile are left alone: where the cause still
        stands, they are the same once more. Raises NotFound, Unavailable; what
        was sent until then is marked.
        """
        replayed = 0
        start, end = await asyncio.to_thread(self._range_since, since)
        while page := await asyncio.to_thread(self._read_between, start, end):
            letters = await self._marked(page)
            fresh = [m for m, letter in zip(page, letters, strict=True) if not letter.replayed]
            await self._send(fresh)
            replayed += len(fresh)
            start = letters[-1].offset + 1
        return replayed

    async def resume(self, topic: str, partition: int) -> None:
        """Let a paused partition go on, counting anew. Raises NotFound where it is not paused."""
        async with self._database.autocommit() as connection:
            cursor = await connection.execute(_RESUME, [self._group, topic, partition])
        if cursor.rowcount == 0:
            raise NotFound(f"{topic}[{partition}] of {self._group} is not paused")

    async def paused(self) -> list[PausedPartition]:
        """Give the partitions that wait for `resume`."""
        async with self._database.autocommit() as connection:
            cursor = await connection.execute(_PAUSED, [self._group])
            return [PausedPartition(*row) for row in await cursor.fetchall()]

    async def _send(self, messages: Sequence[Message]) -> None:
        producer = AcknowledgedProducer(self._kafka)
        try:
            for message in messages:
                offset = message.offset()
                headers = [
                    *dead_letter.own_headers(message),
                    *dead_letter.origin_headers(message),
                    (REPLAY_OF, str(offset)),
                ]
                await producer.send(
                    Record(self._replay_topic, message.key(), message.value(), headers)
                )
                async with self._database.autocommit() as connection:
                    await connection.execute(_MARK, [self._group, offset])
        finally:
            await producer.close()

    async def _marked(self, messages: Sequence[Message]) -> list[DeadLetter]:
        offsets = [message.offset() for message in messages]
        async with self._database.autocommit() as connection:
            cursor = await connection.execute(_MARKED, [self._group, offsets])
            marked = {row[0] for row in await cursor.fetchall()}
        return [_letter(self._group, message, message.offset() in marked) for message in messages]

    # --- on a thread --------------------------------------------------------------------------

    def _read_before(self, before: int | None, count: int) -> list[Message]:
        with reader.opened(self._kafka) as consumer:
            low, high = reader.bounds(consumer, self._topic, 0)
            end = high if before is None else max(low, min(before, high))
            start = max(low, end - count)
            messages = reader.read(consumer, self._topic, 0, start) if start < end else iter(())
            return list(islice(messages, end - start))[::-1]

    def _read_between(self, start: int, end: int) -> list[Message]:
        if start >= end:
            return []
        with reader.opened(self._kafka) as consumer:
            messages = islice(self._read(consumer, start), PAGE_MAX_LETTERS)
            return list(takewhile(lambda message: (message.offset() or 0) < end, messages))

    def _read(self, consumer: Consumer, start: int) -> Iterator[Message]:
        return reader.read(consumer, self._topic, 0, start)

    def _read_one(self, offset: int) -> Message:
        with reader.opened(self._kafka) as consumer:
            low, high = reader.bounds(consumer, self._topic, 0)
            if not low <= offset < high:
                raise NotFound(f"{self._group} has no dead letter {offset}")
            return next(self._read(consumer, offset))

    def _range_since(self, since: datetime) -> tuple[int, int]:
        with reader.opened(self._kafka) as consumer:
            # Below zero Kafka means the ends of a partition, and no time.
            wanted = TopicPartition(self._topic, 0, max(0, int(since.timestamp() * 1000)))
            [found] = consumer.offsets_for_times([wanted], timeout=reader.ANSWER_TIMEOUT_SECONDS)
            end = reader.bounds(consumer, self._topic, 0)[1]
            # Below zero: every dead letter is older.
            return found.offset if found.offset >= 0 else end, end


def _letter(group: str, message: Message, replayed: bool) -> DeadLetter:
    headers = headers_of(message)
    return DeadLetter(
        group=group,
        offset=message.offset() or 0,
        event_id=headers.get(names.ID, ""),
        event_type=headers.get(names.TYPE, ""),
        key=(message.key() or b"").decode("utf-8", "replace"),
        value=message.value(),
        topic=headers.get(dead_letter.TOPIC, ""),
        partition=int(headers.get(dead_letter.PARTITION, -1)),
        original_offset=int(headers.get(dead_letter.OFFSET, -1)),
        original_time=_time(headers.get(dead_letter.TIMESTAMP_MS, "0")),
        failed_time=_time(headers.get(dead_letter.FAILED_MS, "0")),
        reason=headers.get(dead_letter.REASON, ""),
        error_class=headers.get(dead_letter.ERROR_CLASS, ""),
        attempts=int(headers.get(dead_letter.ATTEMPTS, 0)),
        headers=headers,
        replayed=replayed,
    )


def _time(milliseconds: str) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
