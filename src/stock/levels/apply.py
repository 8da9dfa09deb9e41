"""Answers of a warehouse system applied to levels.

One answer is one transaction: what it says of each card is compared with what
is known, changed cards find their items, the items are locked, levels are
written under the guard of their capture, holds that were waiting for such a
level are absorbed, and the items are decided and published.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Final
from uuid import UUID
from zlib import crc32

from spojka.database import Connection
from stock.connections.model import StockRule
from stock.imports.absorb import absorb_waiting, items_with_waiting_holds
from stock.imports.resolving import offer_resolving
from stock.levels.arrays import numbers
from stock.levels.identify import (
    describe_items,
    leave_items,
    place_cards,
    remove_bare_items,
)
from stock.levels.publish import lock_items, publish
from stock.warehouses.port import Card, CardKind

_COMPARE: Final = """
    SELECT page.place, level.available, level.item_id,
           (level.digest, level.warehouse) IS NOT DISTINCT FROM (page.digest, page.warehouse)
           AND level.card_id IS NOT NULL
           AND page.card_id NOT IN (SELECT card_id FROM conflict
                                    WHERE tenant_id = %b AND connection_id = %b)
    FROM unnest(%b::text[], %b::text[], %s::bigint[], %s::numeric[], %s::numeric[], %s::numeric[])
        WITH ORDINALITY AS page (card_id, warehouse, digest, on_hand, reserved, ordered, place)
    LEFT JOIN level ON level.tenant_id = %b AND level.connection_id = %b
                   AND level.card_id = page.card_id
    WHERE level.card_id IS NULL
       OR (level.warehouse, level.digest, level.on_hand, level.reserved, level.ordered)
          IS DISTINCT FROM
          (page.warehouse, page.digest, page.on_hand, page.reserved, page.ordered)
       OR page.card_id IN (SELECT card_id FROM conflict WHERE tenant_id = %b AND connection_id = %b)
"""
_NEWER: Final = """
    SELECT DISTINCT card FROM coverage, unnest(cards) AS card
    WHERE tenant_id = %s AND connection_id = %s AND capture > %s AND card = ANY(%b::text[])
"""
_MOVE: Final = """
    UPDATE level SET on_hand = row.on_hand, reserved = row.reserved, ordered = row.ordered,
                     available = row.available, capture = %b, as_of_time = %b
    FROM unnest(%b::text[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[])
        AS row (card_id, on_hand, reserved, ordered, available)
    WHERE level.tenant_id = %b AND level.connection_id = %b AND level.card_id = row.card_id
      AND level.capture < %b
"""
_PLACE: Final = """
    INSERT INTO level (tenant_id, connection_id, card_id, item_id, warehouse, digest,
                       on_hand, reserved, ordered, available, capture, as_of_time)
    SELECT %b, %b, row.*, %b, %b
    FROM unnest(%b::text[], %b::uuid[], %b::text[], %s::bigint[], %s::numeric[], %s::numeric[],
                %s::numeric[], %s::numeric[]) AS row
    ON CONFLICT (tenant_id, connection_id, card_id) DO UPDATE
        SET item_id = excluded.item_id, warehouse = excluded.warehouse, digest = excluded.digest,
            on_hand = excluded.on_hand, reserved = excluded.reserved, ordered = excluded.ordered,
            available = excluded.available, capture = excluded.capture,
            as_of_time = excluded.as_of_time
        WHERE level.capture < excluded.capture
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request brought: its number, when it was asked, and the cards it spoke for."""

    capture: int
    asked_time: datetime
    cards: Sequence[Card]
    cause: str


@dataclass(slots=True)
class Applied:
    """What an answer did. `zeroing` cards were left out: they wait for the gate."""

    changed: int = 0
    published: int = 0
    zeroing: list[Card] = field(default_factory=list)


def digest(card: Card) -> int:
    """A number that changes when a card's descriptive part does."""
    parts = [card.product_number, card.ean or "", card.name, card.unit, card.kind]
    parts += [f"{part.product_number}×{part.quantity}" for part in card.components]
    return crc32("\0".join(parts).encode())


async def apply_answer(
    connection: Connection, rule: StockRule, answer: Answer, *, hold_zeroing: bool
) -> Applied:
    """Apply one answer inside the running transaction.

    With `hold_zeroing`, cards that would fall from something to nothing are
    not applied but returned, for the mass-change gate to decide about.
    """
    result = Applied()
    if not await stays_active(connection, rule):
        return result
    cards = await _without_older(connection, rule, answer)
    moved, described = await _changed(connection, rule, cards, result, hold_zeroing=hold_zeroing)
    covered = {card.card_id for card in answer.cards} - {card.card_id for card in result.zeroing}
    await _record_coverage(connection, rule, answer, covered)
    placed = await place_cards(connection, rule, described)
    waiting = await items_with_waiting_holds(connection, rule, covered)
    item_ids = placed.item_ids | {item_id for _card, item_id in moved} | waiting
    rule = await lock_items(connection, rule, item_ids)
    await _move_levels(connection, rule, answer, [card for card, _item_id in moved])
    await _place_levels(connection, rule, answer, placed.cards)
    await leave_items(connection, rule, placed, answer.capture)
    await describe_items(connection, rule, placed)
    if placed.cards:
        # Lines of orders that found no item may find one now.
        await offer_resolving(connection, rule.tenant_id)
    await absorb_waiting(connection, rule, waiting)
    result.changed = len(moved) + len(placed.cards)
    result.published = await publish(connection, rule, item_ids, answer.cause)
    return result


async def stocked_cards(connection: Connection, rule: StockRule) -> int:
    """How many cards that count have stock: what the mass-change gate measures against."""
    cursor = await connection.execute(
        """
        SELECT count(*) FROM level JOIN warehouse
            ON (warehouse.tenant_id, warehouse.connection_id, warehouse.code)
             = (level.tenant_id, level.connection_id, level.warehouse)
        WHERE level.tenant_id = %s AND level.connection_id = %s AND available > 0 AND included
        """,
        [rule.tenant_id, rule.connection_id],
    )
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def stays_active(connection: Connection, rule: StockRule) -> bool:
    """Whether the connection is active, and stays so until this transaction ends.

    An answer that arrives after it was switched off changes nothing: its levels
    are frozen. The lock puts answers of one connection in a line: an older one
    must see that a newer one found a card unchanged.
    """
    cursor = await connection.execute(
        "SELECT FROM connection WHERE tenant_id = %s AND id = %s AND state <> 'inactive'"
        " FOR NO KEY UPDATE",
        [rule.tenant_id, rule.connection_id],
    )
    return await cursor.fetchone() is not None


@dataclass(frozen=True, slots=True)
class Span:
    """What a complete full reading spoke for.

    `seen` are the cards it brought, `warehouses` those it asked for, and
    `capture` is the number of its first request.
    """

    seen: set[str]
    warehouses: Sequence[str]
    capture: int


async def remove_cards(connection: Connection, rule: StockRule, span: Span, cause: str) -> int:
    """Remove the levels of cards that a full reading did not see (see `missing_cards`).

    Items without a card are removed; returns how many levels went.
    """
    gone = await missing_cards(connection, rule, span)
    item_ids = {item_id for _card, item_id in gone}
    rule = await lock_items(connection, rule, item_ids)
    await connection.execute(
        "DELETE FROM level WHERE tenant_id = %s AND connection_id = %s AND card_id = ANY(%s)"
        " AND capture < %s",
        [rule.tenant_id, rule.connection_id, [card for card, _item in gone], span.capture],
    )
    await remove_bare_items(connection, rule, item_ids)
    await connection.execute(
        "DELETE FROM conflict WHERE tenant_id = %s AND connection_id = %s AND card_id <> ALL(%s)",
        [rule.tenant_id, rule.connection_id, list(span.seen)],
    )
    await publish(connection, rule, item_ids, cause)
    return len(gone)


async def missing_cards(
    connection: Connection, rule: StockRule, span: Span
) -> list[tuple[str, UUID]]:
    """The cards (with their items) that are known, older than a full reading, and not seen by it.

    One of a warehouse that counts by now, and did not when the reading began,
    was not asked for: it is not missing.
    """
    # In two steps, the first of which leaves few: what each answer spoke for is compared card by
    # card, and never with the whole catalogue. Not prepared: a list that PostgreSQL knows when it
    # plans is hashed.
    cursor = await connection.execute(
        """
        SELECT card_id, item_id FROM level
        WHERE tenant_id = %s AND connection_id = %s AND capture < %s
          AND card_id <> ALL(%b::text[])
          AND warehouse <> ALL(ARRAY(
              SELECT code FROM warehouse WHERE tenant_id = %s AND connection_id = %s
                                           AND included AND code <> ALL(%b::text[])))
        """,
        [
            *(rule.tenant_id, rule.connection_id, span.capture, list(span.seen)),
            *(rule.tenant_id, rule.connection_id, list(span.warehouses)),
        ],
        prepare=False,
    )
    older = await cursor.fetchall()
    if not older:
        return []
    cursor = await connection.execute(
        """
        SELECT DISTINCT card FROM coverage, unnest(cards) AS card
        WHERE tenant_id = %s AND connection_id = %s AND capture >= %s AND card = ANY(%b::text[])
        """,
        [rule.tenant_id, rule.connection_id, span.capture, [card_id for card_id, _ in older]],
        prepare=False,
    )
    covered = {card_id for (card_id,) in await cursor.fetchall()}
    return [(card_id, item_id) for card_id, item_id in older if card_id not in covered]


async def _without_older(connection: Connection, rule: StockRule, answer: Answer) -> Sequence[Card]:
    # A late answer must not undo what a younger request has confirmed.
    cursor = await connection.execute(
        _NEWER,
        [
            rule.tenant_id,
            rule.connection_id,
            answer.capture,
            [card.card_id for card in answer.cards],
        ],
    )
    newer = {row[0] for row in await cursor.fetchall()}
    return [card for card in answer.cards if card.card_id not in newer] if newer else answer.cards


async def _changed(
    connection: Connection,
    rule: StockRule,
    cards: Sequence[Card],
    result: Applied,
    *,
    hold_zeroing: bool,
) -> tuple[list[tuple[Card, UUID]], list[Card]]:
    # Cards of which only figures changed, with their items; and those that
    # are new or described anew, whose items must be found.
    cursor = await connection.execute(
        _COMPARE,
        [
            *(rule.tenant_id, rule.connection_id),
            [card.card_id for card in cards],
            [card.warehouse for card in cards],
            numbers(digest(card) for card in cards),
            numbers(card.on_hand for card in cards),
            numbers(card.reserved for card in cards),
            numbers(card.ordered for card in cards),
            *(rule.tenant_id, rule.connection_id) * 2,
        ],
        binary=True,
    )
    moved: list[tuple[Card, UUID]] = []
    described: list[Card] = []
    for place, before, item_id, same in await cursor.fetchall():
        card = cards[place - 1]
        zeroes = before is not None and before > 0 and card.available(rule.meaning) <= 0
        if hold_zeroing and zeroes and card.kind is CardKind.GOODS:
            result.zeroing.append(card)
        elif same:
            moved.append((card, item_id))
        else:
            described.append(card)
    return moved, described


async def _record_coverage(
    connection: Connection, rule: StockRule, answer: Answer, covered: set[str]
) -> None:
    await connection.execute(
        """
        INSERT INTO coverage (tenant_id, connection_id, capture, asked_time, cards)
        VALUES (%b, %b, %b, %b, %b::text[])
        ON CONFLICT (tenant_id, connection_id, capture)
        DO UPDATE SET cards = coverage.cards || excluded.cards
        """,
        [rule.tenant_id, rule.connection_id, answer.capture, answer.asked_time, sorted(covered)],
    )


async def _move_levels(
    connection: Connection, rule: StockRule, answer: Answer, cards: Sequence[Card]
) -> None:
    if not cards:
        return
    rows = sorted(cards, key=attrgetter("card_id"))
    await connection.execute(
        _MOVE,
        [
            answer.capture,
            answer.asked_time,
            [card.card_id for card in rows],
            numbers(card.on_hand for card in rows),
            numbers(card.reserved for card in rows),
            numbers(card.ordered for card in rows),
            numbers(card.available(rule.meaning) for card in rows),
            rule.tenant_id,
            rule.connection_id,
            answer.capture,
        ],
    )


async def _place_levels(
    connection: Connection, rule: StockRule, answer: Answer, cards: Sequence[tuple[Card, UUID]]
) -> None:
    if not cards:
        return
    rows = sorted(cards, key=lambda entry: entry[0].card_id)
    await connection.execute(
        _PLACE,
        [
            rule.tenant_id,
            rule.connection_id,
            answer.capture,
            answer.asked_time,
            [card.card_id for card, _item in rows],
            [item_id for _card, item_id in rows],
            [card.warehouse for card, _item in rows],
            numbers(digest(card) for card, _item in rows),
            numbers(card.on_hand for card, _item in rows),
            numbers(card.reserved for card, _item in rows),
            numbers(card.ordered for card, _item in rows),
            numbers(card.available(rule.meaning) for card, _item in rows),
        ],
    )
