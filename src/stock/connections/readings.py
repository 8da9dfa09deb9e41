"""Readings as people see them, and their word on one that was held."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from spojka.api.stock.v1 import warehouse_service_pb2 as api
from spojka.database import Connection
from spojka.errors import FailedPrecondition, NotFound
from spojka.rpc.pagination import decode_uuid_token, encode_token, page_size
from spojka.tasks import close_task
from stock.connections.model import load_connection
from stock.levels.publish import lock_items
from stock.levels.relevel import decide_anew
from stock.worker.reading import READING_HELD

_COLUMNS: Final = (
    "id, kind, state, start_time, end_time, cards, changed, zeroed, problem, cause, connection_id"
)
_KINDS: Final = {
    "full": api.READING_KIND_FULL,
    "incremental": api.READING_KIND_INCREMENTAL,
    "targeted": api.READING_KIND_TARGETED,
}
_STATES: Final = {
    "running": api.READING_STATE_RUNNING,
    "applied": api.READING_STATE_APPLIED,
    "held": api.READING_STATE_HELD,
    "failed": api.READING_STATE_FAILED,
    "rejected": api.READING_STATE_REJECTED,
    "replaced": api.READING_STATE_REPLACED,
}


async def list_readings(
    connection: Connection, tenant_id: UUID, request: api.ListReadingsRequest
) -> api.ListReadingsResponse:
    """A page of a connection's readings, newest first. Raises NotFound."""
    connection_id = UUID(request.connection_id)
    limit = page_size(request.page_size, default=50, maximum=500)
    after = decode_uuid_token(request.page_token)
    await load_connection(connection, tenant_id, connection_id)
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM reading WHERE tenant_id = %s AND connection_id = %s"
        " AND (%s::uuid IS NULL OR id < %s::uuid) ORDER BY id DESC LIMIT %s",
        [
            tenant_id,
            connection_id,
            *([after] * 2),
            limit + 1,
        ],
    )
    rows = await cursor.fetchall()
    readings = [_message(row) for row in rows[:limit]]
    more = encode_token([readings[-1].id]) if len(rows) > limit else ""
    return api.ListReadingsResponse(readings=readings, next_page_token=more)


async def approve(
    connection: Connection, tenant_id: UUID, reading_id: UUID, actor: str
) -> api.Reading:
    """Apply what a held reading would set to nothing. Raises NotFound, FailedPrecondition."""
    row = await _held(connection, tenant_id, reading_id)
    of = await load_connection(connection, tenant_id, row[-1], lock=True)
    if not of.active:
        raise FailedPrecondition(
            f"the connection {of.name!r} is switched off: its levels stay as they are"
        )
    rule = of.rule
    cursor = await connection.execute(
        """
        SELECT DISTINCT level.item_id FROM held_level JOIN level
            ON level.tenant_id = held_level.tenant_id AND level.card_id = held_level.card_id
        WHERE held_level.tenant_id = %s AND reading_id = %s AND level.connection_id = %s
        """,
        [tenant_id, reading_id, rule.connection_id],
    )
    item_ids = {found[0] for found in await cursor.fetchall()}
    await lock_items(connection, rule, item_ids)
    await connection.execute(
        """
        UPDATE level SET on_hand = held.on_hand, reserved = held.reserved, ordered = held.ordered,
                         capture = held.capture, as_of_time = held.asked_time
        FROM held_level AS held
        WHERE held.tenant_id = %s AND held.reading_id = %s AND level.tenant_id = held.tenant_id
          AND level.connection_id = %s AND level.card_id = held.card_id
          AND level.capture < held.capture
          AND NOT EXISTS (SELECT FROM coverage WHERE coverage.tenant_id = level.tenant_id
                          AND coverage.connection_id = level.connection_id
                          AND coverage.capture > held.capture
                          AND level.card_id = ANY(coverage.cards))
        """,
        [tenant_id, reading_id, rule.connection_id],
    )
    await decide_anew(connection, rule, item_ids, f"reading approved by {actor}")
    return await _close(connection, tenant_id, row, "applied", actor)


async def reject(
    connection: Connection, tenant_id: UUID, reading_id: UUID, actor: str
) -> api.Reading:
    """Forget what a held reading would set to nothing. Raises NotFound, FailedPrecondition."""
    row = await _held(connection, tenant_id, reading_id)
    return await _close(connection, tenant_id, row, "rejected", actor)


async def _held(connection: Connection, tenant_id: UUID, reading_id: UUID) -> tuple[Any, ...]:
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM reading WHERE tenant_id = %s AND id = %s FOR UPDATE",
        [tenant_id, reading_id],
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound(f"there is no reading {reading_id}")
    if row[2] != "held":
        raise FailedPrecondition(f"the reading is {row[2]}, not held")
    return row


async def _close(
    connection: Connection, tenant_id: UUID, row: tuple[Any, ...], state: str, actor: str
) -> api.Reading:
    await connection.execute(
        "UPDATE reading SET state = %s WHERE tenant_id = %s AND id = %s", [state, tenant_id, row[0]]
    )
    await connection.execute(
        "DELETE FROM held_level WHERE tenant_id = %s AND reading_id = %s", [tenant_id, row[0]]
    )
    await close_task(connection, tenant_id, READING_HELD, f"connection/{row[-1]}", actor)
    return _message((row[0], row[1], state, *row[3:]))


def _message(row: tuple[Any, ...]) -> api.Reading:
    reading_id, kind, state, start, end, cards, changed, zeroed, problem, cause, _connection = row
    message = api.Reading(
        id=str(reading_id),
        kind=_KINDS[kind],
        state=_STATES[state],
        cards=cards,
        changed=changed,
        zeroed=zeroed,
        problem=problem,
        cause=cause,
    )
    message.start_time.FromDatetime(start)
    if isinstance(end, datetime):
        message.end_time.FromDatetime(end)
    return message
