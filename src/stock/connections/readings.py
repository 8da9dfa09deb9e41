"""Readings as people see them, and their word on one that was held."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from spojka.api.stock.v1 import warehouse_service_pb2 as api
from spojka.database import Connection
from spojka.errors import FailedPrecondition, NotFound
from spojka.rpc.pagination import decode_uuid_token, encode_token, page_size
from spojka.tasks import close_task
from stock.connections.model import StockRule, load_connection
from stock.levels.arrays import numbers
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

APPLIED_AT_ONCE: Final = 1_000
"""Held levels that one statement writes: however it is planned, it compares no more than these."""

# From arrays: of what is held the statistics know nothing, since it has just come, and joined with
# it each level was compared with each (10,000 of them: 70 s).
_APPLY: Final = """
    UPDATE level SET on_hand = held.on_hand, reserved = held.reserved, ordered = held.ordered,
                     capture = held.capture, as_of_time = held.asked_time
    FROM unnest(%(cards)b::text[], %(captures)s::bigint[], %(times)b::timestamptz[],
                %(on_hand)s::numeric[], %(reserved)s::numeric[], %(ordered)s::numeric[])
        AS held (card_id, capture, asked_time, on_hand, reserved, ordered)
    WHERE level.tenant_id = %(tenant)b AND level.connection_id = %(connection)b
      AND level.card_id = ANY(%(cards)b::text[]) AND level.card_id = held.card_id
      AND level.capture < held.capture
"""


@dataclass(frozen=True, slots=True)
class _Held:
    """A level of a reading that waits for a person."""

    card_id: str
    capture: int
    asked_time: datetime
    on_hand: Decimal
    reserved: Decimal
    ordered: Decimal


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
    held = await _read_held(connection, tenant_id, reading_id)
    items = await _items_of(connection, of.rule, [each.card_id for each in held])
    rule = await lock_items(connection, of.rule, items)
    newest = await _newest_answers(connection, rule, held)
    left = [each for each in held if newest.get(each.card_id, 0) <= each.capture]
    for begin in range(0, len(left), APPLIED_AT_ONCE):
        await _apply(connection, rule, left[begin : begin + APPLIED_AT_ONCE])
    await decide_anew(connection, rule, items, f"reading approved by {actor}")
    return await _close(connection, tenant_id, row, "applied", actor)


async def reject(
    connection: Connection, tenant_id: UUID, reading_id: UUID, actor: str
) -> api.Reading:
    """Forget what a held reading would set to nothing. Raises NotFound, FailedPrecondition."""
    row = await _held(connection, tenant_id, reading_id)
    return await _close(connection, tenant_id, row, "rejected", actor)


async def _read_held(connection: Connection, tenant_id: UUID, reading_id: UUID) -> list[_Held]:
    cursor = await connection.execute(
        "SELECT card_id, capture, asked_time, on_hand, reserved, ordered FROM held_level"
        " WHERE tenant_id = %s AND reading_id = %s ORDER BY card_id",
        [tenant_id, reading_id],
    )
    return [_Held(*row) for row in await cursor.fetchall()]


async def _items_of(connection: Connection, rule: StockRule, card_ids: Sequence[str]) -> list[UUID]:
    cursor = await connection.execute(
        "SELECT DISTINCT item_id FROM level"
        " WHERE tenant_id = %s AND connection_id = %s AND card_id = ANY(%b::text[])",
        [rule.tenant_id, rule.connection_id, list(card_ids)],
        prepare=False,
    )
    return [item_id for (item_id,) in await cursor.fetchall()]


async def _newest_answers(
    connection: Connection, rule: StockRule, held: Sequence[_Held]
) -> dict[str, int]:
    """The newest request whose answer spoke for each card, where one came after the first held."""
    cursor = await connection.execute(
        "SELECT card, max(capture) FROM coverage, unnest(cards) AS card"
        " WHERE tenant_id = %s AND connection_id = %s AND capture > %s AND card = ANY(%b::text[])"
        " GROUP BY card",
        [
            *(rule.tenant_id, rule.connection_id),
            min((each.capture for each in held), default=0),
            [each.card_id for each in held],
        ],
        prepare=False,
    )
    return dict(await cursor.fetchall())


async def _apply(connection: Connection, rule: StockRule, held: Sequence[_Held]) -> None:
    """Write levels of locked items; one that a later request carried stays."""
    await connection.execute(
        _APPLY,
        {
            "tenant": rule.tenant_id,
            "connection": rule.connection_id,
            "cards": [each.card_id for each in held],
            "captures": numbers(each.capture for each in held),
            "times": [each.asked_time for each in held],
            "on_hand": numbers(each.on_hand for each in held),
            "reserved": numbers(each.reserved for each in held),
            "ordered": numbers(each.ordered for each in held),
        },
    )


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
