"""One lane of the outbox, while this process holds it: from rows to Kafka, then deleted."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from spojka import crash_points
from spojka.database import Database
from spojka.delivery import outbox_rows
from spojka.delivery.backoff import Backoff
from spojka.delivery.headers import event_headers, source_of
from spojka.delivery.kafka_config import KafkaConfig
from spojka.delivery.outbox_rows import OutboxRow
from spojka.delivery.producer import (
    BatchAbortedError,
    FencedError,
    Record,
    TransactionalProducer,
)
from spojka.delivery.receipts import Receipt, digest_of, read_last, receipts_topic

PRODUCERS: Final = ("a", "b")
"""Two producers take turns: Kafka lets one begin again only after it has marked the partitions of
its last transaction, and a producer that asks too early waits for 20 ms."""

StillHeld = Callable[[int], Awaitable[bool]]


class Lane:
    """Publishes batches of one lane, each in one Kafka transaction with its receipt.

    Before the first batch it takes the lane over: it fences the former
    holder's producers, then deletes what that one had published but not
    deleted. After that only this holder can publish, and each batch begins
    after the one before was committed and deleted: the order in Kafka is the
    order of numbers.
    """

    def __init__(
        self,
        number: int,
        database: Database,
        kafka: KafkaConfig,
        prefix: str,
        still_held: StillHeld,
    ) -> None:
        """Take what the lane needs; no client is made before the first `publish`."""
        self.number = number
        self.backoff = Backoff()
        self.busy = False
        self.retiring = False
        self._database = database
        self._kafka = kafka
        self._prefix = prefix
        self._still_held = still_held
        self._transactional_id = f"{prefix}-{database.schema}-lane-{number}"
        self._receipts_topic = receipts_topic(prefix, database.schema)
        self._source = source_of(database.schema)
        self._producers: list[TransactionalProducer] = []

    @property
    def opened(self) -> bool:
        """Whether the lane was taken over."""
        return bool(self._producers)

    async def publish(self, rows: Sequence[OutboxRow]) -> int:
        """Publish rows that were just read and delete them; give how many.

        Gives 0 when it took the lane over instead: what was read before may
        have been published by the former holder, so read again. Raises
        FencedError when another process took the lane over, and
        ProducerBrokenError, BatchAbortedError or a RequestError when it failed;
        the next call finds out what happened.
        """
        if not self._producers:
            await self._take_over()
            return 0
        producer = self._producers[0]
        numbers = [row.number for row in rows]
        try:
            await producer.send_batch([*map(self._record, rows), self._receipt(rows, numbers)])
            crash_points.reach("batch-published")
            # Lost lane or not, these rows are published: deleting them is right whoever does it.
            await outbox_rows.delete(self._database, self.number, numbers)
        except BatchAbortedError:
            raise
        except BaseException:
            # Whether the batch was published, or deleted, the next take-over finds out.
            self.close()
            raise
        self._producers.reverse()
        return len(rows)

    def close(self) -> None:
        """Let the producers go; the next batch takes the lane over anew."""
        for producer in self._producers:
            producer.close()
        self._producers = []

    async def _take_over(self) -> None:
        # A process that slept past the loss of its lane must not fence the one that has it now.
        if not await self._still_held(self.number):
            raise FencedError(f"lane {self.number} is no longer held by this process")
        producers = [
            TransactionalProducer(self._kafka, f"{self._transactional_id}-{name}")
            for name in PRODUCERS
        ]
        try:
            await asyncio.gather(*(producer.open() for producer in producers))
            await self._settle()
        except BaseException:
            for producer in producers:
                producer.close()
            raise
        self._producers = producers

    async def _settle(self) -> None:
        """Delete the rows that the last receipt names, when they are still the same rows."""
        receipt = await asyncio.to_thread(read_last, self._kafka, self._receipts_topic, self.number)
        if receipt is None:
            return
        waiting = await outbox_rows.ids(self._database, self.number, receipt.numbers)
        if waiting and digest_of(waiting) == receipt.digest:
            await outbox_rows.delete(self._database, self.number, receipt.numbers)

    def _record(self, row: OutboxRow) -> Record:
        headers = event_headers(
            source=self._source,
            event_id=row.id,
            event_type=row.type,
            time=row.time,
            traceparent=row.traceparent,
        )
        return Record(f"{self._prefix}.{row.topic}", row.key, row.value, headers)

    def _receipt(self, rows: Sequence[OutboxRow], numbers: list[int]) -> Record:
        receipt = Receipt(numbers, digest_of(row.id for row in rows))
        return Record(self._receipts_topic, None, receipt.encode(), [], self.number)
