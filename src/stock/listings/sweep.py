"""Whether anything changed that a tenant's watchers are to be told: one cheap statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from spojka.database import Connection

_SWEEP: Final = """
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text,
           EXISTS (SELECT FROM item WHERE tenant_id = %(tenant)s AND xid >= %(since)s::xid8
                                      AND xid < pg_snapshot_xmax(pg_current_snapshot()))
           OR EXISTS (SELECT FROM offer_rule
                      WHERE tenant_id = %(tenant)s AND xid >= %(since)s::xid8)
           OR EXISTS (SELECT FROM unnest(%(channels)b::text[]) AS channel (id)
                      WHERE EXISTS (
                          SELECT FROM listing
                          WHERE tenant_id = %(tenant)s AND channel_id = channel.id
                            AND xid >= %(since)s::xid8
                            AND xid < pg_snapshot_xmax(pg_current_snapshot()))),
           coalesce((SELECT string_agg(concat_ws(' ', id, aggregation, buffer, state), ','
                                       ORDER BY id)
                     FROM connection WHERE tenant_id = %(tenant)s), '')
"""


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found: where the next one begins, and the connections' terms."""

    oldest_running: str
    changed: bool
    terms: str


async def sweep(
    connection: Connection, tenant_id: UUID, channels: Sequence[str], before: Swept | None
) -> Swept:
    """Look for changes in transactions that the sweep before could not see."""
    cursor = await connection.execute(
        _SWEEP,
        {
            "tenant": tenant_id,
            "channels": list(channels),
            "since": before.oldest_running if before else "0",
        },
    )
    row = await cursor.fetchone()
    assert row is not None
    return Swept(*row)
