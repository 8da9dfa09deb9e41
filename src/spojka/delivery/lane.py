"""One lane of the outbox, while this process holds it: from rows to Kafka, then deleted."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import groupby
from operator import itemgetter
from time import monotonic
from typing import Final

from confluent_kafka import Producer

from spojka import crash_points
from spojka.database import Database
from spojka.delivery import outbox_rows
from spojka.delivery.headers import ID, shared_headers, source_of
from spojka.delivery.kafka_config import KafkaConfig
from spojka.delivery.outbox_rows import OutboxRow
from spojka.delivery.producer import BatchAbortedError, FencedError, TransactionalProducer
from spojka.delivery.receipts import Receipt, digest_of, read_last, receipts_topic

PRODUCERS: Final = ("a", "b")
"""Two producers take turns: Kafka lets one begin again only after it has marked the partitions of
its last transaction, and a producer that asks too early waits for 20 ms."""

ROWS_MIN: Final = 50
"""Of a batch, however often larger ones failed."""

BEAT_SECONDS: Final = 0.02
"""Between the beginnings of two small batches. A transaction costs PostgreSQL and Kafka as much for
one event as for a hundred: under load, what is written meanwhile goes in one; the first is not kept
waiting."""

SMALL_ROWS: Final = 200
"""Of a batch whose cost is that of its transaction more than of its rows."""

StillHeld = Callable[[int], Awaitable[bool]]

_number = itemgetter(0)
_topic_to_traceparent = itemgetter(1, 2, 3, 4)
_id = itemgetter(5)


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
        """Take what the lane needs; no client is made before the first `drain`."""
        self.number = number
        self.retired = asyncio.Event()
        self._database = database
        self._kafka = kafka
        self._prefix = prefix
        self._still_held = still_held
        self._transactional_id = f"{prefix}-{database.schema}-lane-{number}"
        self._receipts_topic = receipts_topic(prefix, database.schema)
        self._source = source_of(database.schema)
        self._producers: list[TransactionalProducer] = []
        self._woken = asyncio.Event()
        self._trying_since: float | None = None
        self._rows_max = outbox_rows.BATCH_MAX_ROWS

    @property
    def tried_seconds(self) -> float:
        """For how long it has tried to publish without success; 0 while there is nothing to do."""
        return 0.0 if self._trying_since is None else monotonic() - self._trying_since

    def begin_trying(self) -> None:
        """Say that `drain` is about to be called; a trial that failed goes on with the next."""
        self._trying_since = self._trying_since or monotonic()

    def wake(self) -> None:
        """Say that there may be rows."""
        self._woken.set()

    def retire(self) -> None:
        """Ask the lane to stop after the batch on its way."""
        self.retired.set()
        self.wake()

    async def woken(self) -> None:
        """Wait until there may be rows, or the lane is to retire."""
        await self._woken.wait()
        self._woken.clear()

    async def drain(self, published: Callable[[int], None]) -> None:
        """Publish batch after batch until the lane is empty or retires; tell each one's size.

        Raises FencedError when another process took the lane over, and
        ProducerBrokenError, BatchAbortedError or a RequestError when it failed;
        the next call finds out what happened.
        """
        if not self._producers:
            # A lane is taken over before its first row is there: that takes half a second.
            await self._take_over()
        numbers: list[int] = []
        try:
            while True:
                # Lost lane or not, they are published: deleting them is right whoever does it.
                rows = await outbox_rows.advance(self._database, self.number, numbers)
                rows = rows[: self._rows_max]
                if numbers:
                    published(len(numbers))
                if not rows or self.retired.is_set():
                    self._trying_since = None
                    return
                numbers = list(map(_number, rows))
                begun = monotonic()
                await self._producers[0].send_batch(partial(self._write, rows))
                self._trying_since = monotonic()
                self._rows_max = min(2 * self._rows_max, outbox_rows.BATCH_MAX_ROWS)
                crash_points.reach("batch-published")
                self._producers.reverse()
                if len(rows) < SMALL_ROWS:
                    await asyncio.sleep(begun + BEAT_SECONDS - monotonic())
        except BatchAbortedError:
            self._try_fewer(len(numbers))
            raise
        except BaseException:
            self._try_fewer(len(numbers))
            # Whether the batch was published, or deleted, the next take-over finds out.
            self.close()
            raise

    def close(self) -> None:
        """Let the producers go; the next batch takes the lane over anew."""
        for producer in self._producers:
            producer.close()
        self._producers = []

    def _try_fewer(self, tried: int) -> None:
        # Through a slow line a large batch never comes within the time-out of its transaction.
        if tried:
            self._rows_max = max(tried // 4, ROWS_MIN)

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

    def _write(self, rows: Sequence[OutboxRow], client: Producer) -> None:
        produce = client.produce
        # Events of one transaction come in runs that differ in id, key and value alone.
        for (topic, type_, time, traceparent), run in groupby(rows, _topic_to_traceparent):
            name = f"{self._prefix}.{topic}"
            shared = shared_headers(self._source, type_, time, traceparent)
            for *_, id_, key, value in run:
                produce(name, value, key, headers=[*shared, (ID, id_)])
        receipt = Receipt([*map(_number, rows)], digest_of(map(_id, rows)))
        produce(self._receipts_topic, receipt.encode(), partition=self.number)
