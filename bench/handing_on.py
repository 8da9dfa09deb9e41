"""Events handed to a service's own handlers in this process, as its consumer hands them on."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from google.protobuf.message import Message

from spojka.database import Database
from spojka.delivery.handler import Handler, ReceivedEvent
from spojka.outbox import new_id


def received(tenant: UUID, message: Message) -> ReceivedEvent:
    """A message as it would have come."""
    return ReceivedEvent(
        id=new_id(),
        type=message.DESCRIPTOR.full_name,
        tenant_id=tenant,
        key=f"{tenant}/bench",
        time=datetime.now(UTC),
        traceparent="",
        value=message.SerializeToString(),
        topic="bench",
        partition=0,
        offset=0,
    )


async def hand_on(
    database: Database, tenant: UUID, handler: Handler, events: Sequence[ReceivedEvent]
) -> None:
    """Have them handled in one transaction."""
    async with database.transaction(tenant) as connection:
        await handler.handle(connection, tenant, events)
