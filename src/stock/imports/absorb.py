"""Holds that stop counting: what documents net, once a later level says so (DESIGN §4)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from spojka.database import Connection
from spojka.values import ZERO, product_number_key
from stock.connections.model import StockRule
from stock.domain.holds import Hold, NettedAt, absorbed_part
from stock.domain.netting import ReadBack, SentLine, netted_by_line
from stock.imports.store import load_read_backs, parse_sent_line, write_holds

_WAITING: Final = """
    SELECT DISTINCT hold.item_id
    FROM hold JOIN level ON level.tenant_id = hold.tenant_id AND level.item_id = hold.item_id
                        AND level.warehouse = hold.warehouse
    WHERE hold.tenant_id = %s AND hold.wanted > 0 AND hold.wanted > hold.absorbed
      AND level.connection_id = %s AND level.card_id = ANY(%b::text[])
"""
_OF_ITEMS: Final = "item_id = ANY(%(ids)s)"
_WAITING_OF_ITEMS: Final = "item_id = ANY(%(ids)s) AND wanted > absorbed"
_OF_ORDERS: Final = "order_id = ANY(%(ids)s)"
# What confirmed a level is looked for once for each level, not for each of its holds: a
# bestseller has hundreds, and what a reading spoke for is the whole catalogue.
_HOLDS: Final = """
    WITH chosen AS MATERIALIZED (
        SELECT * FROM hold WHERE tenant_id = %(tenant)s AND wanted > 0 AND {condition}
    ), confirmed AS MATERIALIZED (
        SELECT level.item_id, level.warehouse, level.capture,
               (SELECT max(coverage.capture) FROM coverage
                WHERE coverage.tenant_id = level.tenant_id
                  AND coverage.connection_id = level.connection_id
                  AND level.card_id = ANY(coverage.cards)) AS covered
        FROM level
        WHERE level.tenant_id = %(tenant)s
          AND level.item_id = ANY(ARRAY(SELECT DISTINCT item_id FROM chosen))
          AND EXISTS (SELECT FROM chosen
                      WHERE chosen.item_id = level.item_id AND chosen.warehouse = level.warehouse)
    )
    SELECT hold.order_id::text, hold.line_id, hold.item_id::text, hold.warehouse, hold.created,
           hold.wanted, hold.absorbed, order_import.barrier, order_import.sent_lines,
           confirmed.covered, confirmed.capture, item.number_key
    FROM chosen AS hold
    JOIN item ON item.tenant_id = hold.tenant_id AND item.id = hold.item_id
    JOIN order_import ON order_import.tenant_id = hold.tenant_id
                     AND order_import.order_id = hold.order_id
    LEFT JOIN confirmed ON confirmed.item_id = hold.item_id
                       AND confirmed.warehouse = hold.warehouse
"""


@dataclass(frozen=True, slots=True)
class WaitingHold:
    """A hold with the facts that decide how much of it is netted."""

    hold: Hold
    barrier: int
    sent: tuple[SentLine, ...]
    confirmed: int | None
    number_key: str

    @property
    def stands(self) -> bool:
        """Whether the document that was sent has this line with the item that is held.

        An amended line may be of another item: the old document nets nothing of that.
        """
        return any(
            line.line_id == self.hold.line_id
            and product_number_key(line.product_number) == self.number_key
            for line in self.sent
        )


async def items_with_waiting_holds(
    connection: Connection, rule: StockRule, card_ids: Collection[str]
) -> set[UUID]:
    """The items whose holds wait for a level of one of these cards."""
    cursor = await connection.execute(
        _WAITING.encode(), [rule.tenant_id, rule.connection_id, list(card_ids)]
    )
    return {row[0] for row in await cursor.fetchall()}


async def absorb_items(connection: Connection, rule: StockRule, item_ids: Collection[UUID]) -> None:
    """Decide all holds of locked items anew: what numbers mean has changed."""
    await _absorb(connection, rule, _OF_ITEMS, item_ids)


async def absorb_waiting(
    connection: Connection, rule: StockRule, item_ids: Collection[UUID]
) -> None:
    """Decide the holds of locked items that levels have come for.

    Those that are wholly netted stay so: a level more never shows less as netted.
    """
    await _absorb(connection, rule, _WAITING_OF_ITEMS, item_ids)


async def absorb_orders(
    connection: Connection, rule: StockRule, order_ids: Collection[UUID]
) -> None:
    """Decide the holds of orders anew, whose items are locked: of their documents more is known."""
    await _absorb(connection, rule, _OF_ORDERS, order_ids)


async def _absorb(
    connection: Connection, rule: StockRule, condition: str, ids: Collection[UUID]
) -> None:
    """Decide how much of each of these holds is netted, and write what changed."""
    if not ids:
        return
    cursor = await connection.execute(
        _HOLDS.format(condition=condition).encode(), {"tenant": rule.tenant_id, "ids": list(ids)}
    )
    waiting = [
        WaitingHold(
            Hold(*row[:7]),
            row[7],
            tuple(parse_sent_line(line) for line in row[8]),
            newest(row[9], row[10]),
            row[11],
        )
        for row in await cursor.fetchall()
    ]
    orders = {UUID(entry.hold.order_id) for entry in waiting}
    read_backs = await load_read_backs(connection, rule.tenant_id, orders)
    changed = []
    for entry in waiting:
        after = entry.hold.absorb(
            absorbed(rule, entry, read_backs.get(UUID(entry.hold.order_id), []))
        )
        if after != entry.hold:
            changed.append(after)
    await write_holds(connection, rule.tenant_id, changed)


def newest(covered: int | None, captured: int | None) -> int | None:
    """The newest request that spoke for a card: by coverage, or by the level itself."""
    return max((number for number in (covered, captured) if number is not None), default=None)


def absorbed(rule: StockRule, entry: WaitingHold, read_backs: Sequence[ReadBack]) -> Decimal:
    """How much of a hold is netted, as far as the facts say."""
    if not entry.stands:
        return ZERO
    netted = [
        NettedAt(
            read_back.number,
            netted_by_line(read_back.document, entry.sent, rule.meaning).get(
                entry.hold.line_id, ZERO
            ),
        )
        for read_back in read_backs
    ]
    return absorbed_part(netted, entry.confirmed, entry.barrier)
