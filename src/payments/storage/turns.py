"""One connection's notifications, and the confirmations of its senders, one after another."""

from collections.abc import Iterable
from uuid import UUID

from spojka.database import Connection


async def take_turns(connection: Connection, tenant: UUID, connection_ids: Iterable[UUID]) -> None:
    """Hold these connections until the transaction ends; before any payment is locked.

    Two tellings of one movement then always meet, and no payment is kept back
    as its sender's first while a person confirms just that sender.
    """
    for connection_id in sorted(set(connection_ids)):
        await connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"{tenant}/{connection_id}/notifications"],
        )
