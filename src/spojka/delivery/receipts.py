"""Receipts: what a lane last published, written in the same Kafka transaction.

A relay that dies between Kafka's commit and its DELETE leaves rows of which
nobody knows whether they were published. The receipt knows: the next holder
of the lane reads it after fencing the former one, and deletes those rows
instead of publishing them again. Readers see each event once and in order.

A receipt names the rows by number and carries a digest of their ids: after
PostgreSQL was restored from a backup, numbers are drawn again for other rows,
which the digest tells apart.
"""

from array import array
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from spojka.delivery import reader
from spojka.delivery.kafka_config import KafkaConfig

_DIGEST_BYTES: Final = 16
_WINDOW_RECORDS: Final = 64


def receipts_topic(prefix: str, schema: str) -> str:
    """The topic of a service's receipts: one partition a lane, the last record counts."""
    return f"{prefix}.{schema}.receipts.v1"


def digest_of(ids: Iterable[str]) -> bytes:
    """The digest of a batch's ids, in the batch's order."""
    return blake2b(" ".join(ids).encode(), digest_size=_DIGEST_BYTES).digest()


@dataclass(frozen=True, slots=True)
class Receipt:
    """The rows of one published batch."""

    numbers: Sequence[int]
    digest: bytes

    def encode(self) -> bytes:
        """The record's value: the digest, then the numbers as 64-bit integers of this machine."""
        return self.digest + array("q", self.numbers).tobytes()

    @staticmethod
    def decode(value: bytes) -> "Receipt":
        """Read a record's value."""
        numbers = array("q")
        numbers.frombytes(value[_DIGEST_BYTES:])
        return Receipt(numbers.tolist(), value[:_DIGEST_BYTES])


def read_last(config: KafkaConfig, topic: str, lane: int) -> Receipt | None:
    """Read the newest committed receipt of a lane; None where there is none.

    Blocks: call it from a thread, and only after the lane's former producers
    were fenced, so that no transaction on it is open. Raises Unavailable when
    Kafka does not answer in time, NotFound when the topic is missing.
    """
    with reader.opened(config) as consumer:
        low, high = reader.bounds(consumer, topic, lane)
        window = _WINDOW_RECORDS
        start = high
        while start > low:
            # Records of aborted transactions and markers are not seen: look further back then.
            start = max(low, high - window)
            last = deque(reader.read(consumer, topic, lane, start), maxlen=1)
            if last:
                return Receipt.decode(last[0].value() or b"")
            window *= 16
    return None
