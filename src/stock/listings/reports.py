"""What share of each channel is linked, and which keys are in conflict."""

from typing import Final
from uuid import UUID

from spojka.api.stock.v1 import listing_service_pb2 as api
from spojka.database import Connection
from spojka.errors import InvalidArgument, Violation
from spojka.rpc.pagination import decode_token, encode_token, page_size
from stock.connections.model import active_connection

CONFLICTS_DEFAULT: Final = 100
CONFLICTS_MAX: Final = 1000

_COVERAGE: Final = """
    SELECT listing.channel_id, count(*), count(item.id),
           count(item.id) FILTER (WHERE listing.link_source = 'manual')
    FROM listing
    LEFT JOIN item ON item.tenant_id = listing.tenant_id AND item.id = listing.item_id
                  AND NOT item.removed AND item.connection_id = %(connection)s
    WHERE listing.tenant_id = %(tenant)s AND NOT listing.removed
      AND (%(channel)s = '' OR listing.channel_id = %(channel)s)
    GROUP BY listing.channel_id ORDER BY listing.channel_id
"""
_UNLISTED: Final = """
    SELECT count(*) FROM item
    WHERE tenant_id = %(tenant)s AND connection_id = %(connection)s AND NOT removed
      AND NOT EXISTS (SELECT FROM listing WHERE listing.tenant_id = item.tenant_id
                                            AND listing.item_id = item.id AND NOT listing.removed)
"""
_CONFLICTS: Final = """
    SELECT id, key_kind, key, warehouse, card_id, item_id, advice, create_time FROM conflict
    WHERE tenant_id = %s AND (%s::uuid IS NULL OR id > %s::uuid) ORDER BY id LIMIT %s
"""


async def coverage(
    connection: Connection, tenant_id: UUID, channel_id: str
) -> api.GetCoverageResponse:
    """The share of one channel, or of all; a link to an item that is gone does not count."""
    warehouse = await active_connection(connection, tenant_id)
    parameters = {
        "tenant": tenant_id,
        "channel": channel_id,
        "connection": warehouse.id if warehouse else None,
    }
    cursor = await connection.execute(_COVERAGE, parameters)
    channels = [
        api.ChannelCoverage(
            channel_id=row[0], listings=row[1], linked=row[2], linked_by_hand=row[3]
        )
        for row in await cursor.fetchall()
    ]
    cursor = await connection.execute(_UNLISTED, parameters)
    row = await cursor.fetchone()
    assert row is not None
    return api.GetCoverageResponse(channels=channels, unlisted_items=row[0])


async def list_conflicts(
    connection: Connection, tenant_id: UUID, request: api.ListConflictsRequest
) -> api.ListConflictsResponse:
    """A page of conflicts, oldest first. Raises InvalidArgument on a foreign token."""
    limit = page_size(request.page_size, default=CONFLICTS_DEFAULT, maximum=CONFLICTS_MAX)
    after = decode_token(request.page_token, 1)
    start = _conflict_id(after[0]) if after else None
    cursor = await connection.execute(_CONFLICTS, [tenant_id, start, start, limit + 1])
    rows = await cursor.fetchall()
    response = api.ListConflictsResponse()
    for conflict_id, kind, key, warehouse, card_id, item_id, advice, created in rows[:limit]:
        conflict = response.conflicts.add(
            id=str(conflict_id),
            key_kind=kind,
            key=key,
            warehouse=warehouse,
            card_id=card_id,
            item_id=str(item_id or ""),
            advice=advice,
        )
        conflict.create_time.FromDatetime(created)
    if len(rows) > limit:
        response.next_page_token = encode_token([response.conflicts[-1].id])
    return response


def _conflict_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise InvalidArgument(
            [Violation("page_token", "is not a token that this method gave")]
        ) from error
