"""Who waits for whom before any row is locked: turns of connections, and matching itself.

Both are locks that last as long as the transaction. They are taken before any
payment or order is locked, turns before matching.
"""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from spojka.database import Connection

_TURN: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
_MATCHING: Final = "SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0))"


async def take_turns(connection: Connection, tenant: UUID, connection_ids: Iterable[UUID]) -> None:
    """Hold these connections until the transaction ends; before any payment is locked.

    Two tellings of one movement then always meet, and no payment is kept back
    as its sender's first while a person confirms just that sender.
    """
    for connection_id in sorted(set(connection_ids)):
        await connection.execute(_TURN, [f"{tenant}/{connection_id}/notifications"])


async def begin_matching(connection: Connection, tenant: UUID) -> None:
    """Say that orders are about to be looked for; many may do so at once.

    What is decided with the orders found stays unseen until the transaction
    ends: `matching_ended` waits for that.
    """
    await connection.execute(_MATCHING, [f"{tenant}/matching"])


async def matching_ended(connection: Connection, tenant: UUID) -> None:
    """Wait until whoever looks for orders now has committed; who begins later waits for us.

    An order, or other rules, that were committed before are seen by all who
    begin later, and those who began earlier can be seen themselves: nobody
    falls between. To be held for a short look only.
    """
    await connection.execute(_TURN, [f"{tenant}/matching"])
