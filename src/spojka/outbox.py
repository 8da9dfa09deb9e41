"""The outbox: events are written in the transaction that makes them true.

Append after the aggregate's rows are locked: the outbox number is then drawn
under the lock, so that the order of numbers per key is the order of locks
(reference: transactional outbox; DESIGN §3).
"""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import UUID
from zlib import crc32

from google.protobuf.message import Message

from spojka.database import Connection
from spojka.telemetry import current_traceparent
from spojka.topics import Topic

LANES: Final = 2
"""Lanes of each outbox. Stored with the rows, so never to be changed on a filled outbox."""

MAX_EVENT_BYTES: Final = 900_000
"""Largest message of one event: below Kafka's limit of 1 MiB a record, with room for headers."""

_INSERT: Final = """
    INSERT INTO outbox (lane, topic, key, type, id, time, traceparent, value)
    SELECT * FROM unnest(%b::smallint[], %b::text[], %b::text[], %b::text[], %b::uuid[],
                         %b::timestamptz[], %b::text[], %b::bytea[])
"""


def new_id() -> UUID:
    """A UUID that sorts by time (RFC 9562, version 7)."""
    random = int.from_bytes(os.urandom(10))
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | random
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return UUID(int=value)


def lane_of(key: str) -> int:
    """The lane of a key."""
    return crc32(key.encode()) % LANES


@dataclass(frozen=True, slots=True)
class Event:
    """One event to be published. `message` None is a tombstone of `type`."""

    topic: Topic
    key: str
    type: str
    message: bytes | None
    id: UUID = field(default_factory=new_id)

    @staticmethod
    def of(topic: Topic, key: str, message: Message) -> "Event":
        """The event of a Protobuf message, its type being the message's full name."""
        return Event(topic, key, message.DESCRIPTOR.full_name, message.SerializeToString())


async def append(connection: Connection, events: Sequence[Event]) -> None:
    """Write events into the outbox of the running transaction, in their order.

    Nudge the relay after the commit (`spojka.delivery.relay.Relay.nudge`).
    Raises ValueError for an event above MAX_EVENT_BYTES, which Kafka would
    refuse for ever and which would hold up its lane.
    """
    if not events:
        return
    for event in events:
        if event.message is not None and len(event.message) > MAX_EVENT_BYTES:
            raise ValueError(
                f"{event.type} of {event.key}: {len(event.message)} bytes are too many"
            )
    now = datetime.now(UTC)
    trace = current_traceparent()
    count = len(events)
    await connection.execute(
        _INSERT,
        [
            [lane_of(event.key) for event in events],
            [event.topic.value for event in events],
            [event.key for event in events],
            [event.type for event in events],
            [event.id for event in events],
            [now] * count,
            [trace] * count,
            [event.message for event in events],
        ],
    )
