"""What a service writes to consume events: handlers, the routes to them, and the limits."""

import builtins
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar
from uuid import UUID

from google.protobuf.message import DecodeError, Message

from spojka.database import Connection
from spojka.delivery.failures import PoisonError

MessageT = TypeVar("MessageT", bound=Message)

Place = tuple[str, int, int]
"""Topic, partition and offset."""


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """One event as it came. `key` begins with the tenant and a slash. No value: a tombstone."""

    id: UUID
    type: str
    tenant_id: UUID
    key: str
    time: datetime
    traceparent: str
    value: bytes | None
    topic: str
    partition: int
    offset: int

    @property
    def place(self) -> Place:
        """Where it lies in Kafka."""
        return self.topic, self.partition, self.offset

    def parse(self, message_class: builtins.type[MessageT]) -> MessageT:
        """Read the value. Raises PoisonError when it is absent or not such a message."""
        if self.value is None:
            raise PoisonError(f"{self.type}: the event has no value")
        try:
            return message_class.FromString(self.value)
        except DecodeError as error:
            raise PoisonError(f"{self.type}: the value can't be parsed: {error}") from error


class Handler(Protocol):
    """Handles events of one tenant inside one transaction."""

    async def handle(
        self, connection: Connection, tenant: UUID, events: Sequence[ReceivedEvent]
    ) -> None:
        """Apply the events, in their order, through `connection` alone.

        All effects belong into the transaction: it may be rolled back and the
        events, or each of them alone, be handed in again. Raise PoisonError
        for an event that can never be handled; any other error is tried again.
        Do not commit, do not call partners.
        """


class Kind(StrEnum):
    """How a second delivery of an event is kept from having a second effect."""

    STATE = "state"
    """The handler applies it with a version guard; there is no inbox."""
    FACT = "fact"
    """An inbox row is written in the handler's transaction; a known event does not reach it."""


@dataclass(frozen=True, slots=True)
class Route:
    """Which events go to which handler."""

    types: frozenset[str]
    handler: Handler
    kind: Kind
    wants_tombstones: bool = False


@dataclass(frozen=True, slots=True)
class ConsumerPolicy:
    """The limits of one consumer."""

    batch_max_events: int = 500
    batch_max_bytes: int = 4 * 1024 * 1024
    buffer_max_events: int = 2_000
    """Events of one partition that wait here before the partition is paused in Kafka."""
    buffer_max_bytes: int = 8 * 1024 * 1024
    parallel_transactions_max: int = 4
    """Transactions that run at once; half the pool, so that requests find connections."""
    unclear_attempts_max: int = 8
    """Attempts at an event whose failure is neither known to pass nor known to stay."""
    retry_first_seconds: float = 0.1
    retry_max_seconds: float = 10.0
    stop_grace_seconds: float = 2.0
    """How long a batch on its way may still take when its partition is taken away."""
