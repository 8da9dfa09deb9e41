"""Events as a consumer has them, without Kafka."""

from datetime import UTC, datetime
from uuid import UUID

from google.protobuf.message import Message

from spojka.delivery.handler import ReceivedEvent
from spojka.outbox import new_id


def received(tenant: UUID, message: Message, event_id: UUID | None = None) -> ReceivedEvent:
    """A message as a consumer hands it to a handler; of an event of its own where none is named."""
    return ReceivedEvent(
        id=event_id or new_id(),
        type=message.DESCRIPTOR.full_name,
        tenant_id=tenant,
        key=f"{tenant}/any",
        time=datetime.now(UTC),
        traceparent="",
        value=message.SerializeToString(),
        topic="any",
        partition=0,
        offset=0,
    )
