"""What the service has told, as it stands in the outbox that no relay drains here."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from google.protobuf.message import Message

from spojka.api.orders.v1 import events_pb2
from spojka.database import Database

_CLASSES: Final[dict[str, type[Message]]] = {
    each.DESCRIPTOR.full_name: each
    for each in (
        events_pb2.OrderPlaced,
        events_pb2.OrderAmended,
        events_pb2.OrderCancelled,
        events_pb2.OrderStatusChanged,
    )
}


@dataclass(frozen=True, slots=True)
class Told:
    """One event."""

    key: str
    message: Message


async def told(database: Database, tenant: UUID) -> list[Told]:
    """The tenant's events, in their order."""
    async with database.autocommit() as connection:
        cursor = await connection.execute(
            "SELECT key, type, value FROM outbox WHERE key LIKE %s ORDER BY number", [f"{tenant}/%"]
        )
        return [
            Told(key, _CLASSES[type_].FromString(value))
            for key, type_, value in await cursor.fetchall()
        ]
