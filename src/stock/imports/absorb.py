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

# Few items are waited for, and a page may be of any cards: asked of each item, never joined.
_WAITING: Final = """
    SELECT DISTINCT item_id
    FROM (SELECT DISTINCT item_id, warehouse FROM hold
          WHERE tenant_id = %(tenant)s AND wanted > 0 AND wanted > absorbed) AS waiting
    WHERE (SELECT connection_id = %(connection)s AND card_id = ANY(%(cards)b::text[]) FROM level
           WHERE level.tenant_id = %(tenant)s AND level.item_id = waiting.item_id
             AND level.warehouse = waiting.warehouse)
"""
_OF_ITEMS: Final = "item_id = ANY(%(ids)s)"
_WAITING_OF_ITEMS: Final = "item_id = ANY(%(ids)s) AND wanted > absorbed"
_OF_ORDERS: Final = "order_id = ANY(%(ids)s)"
# Three statements that name what they read by arrays, put together here: joined in one, a merchant
# whom PostgreSQL's statistics do not know is taken for one without rows, and each hold is compared
# with each level and each order.
_HOLDS: Final = """
    SELECT order_id::text, line_id, item_id::text, warehouse, created, wanted, absorbed,
           (SELECT number_key FROM item WHERE item.tenant_id = hold.tenant_id
                                          AND item.id = hold.item_id)
    FROM hold WHERE tenant_id = %(tenant)s AND wanted > 0 AND {condition}
"""
_SENT: Final = """
    SELECT order_id::text, barrier, sent_lines FROM order_import
    WHERE tenant_id = %s AND order_id = ANY(%b::uuid[])
"""
# Looked for once for each level, not for each of its holds: a bestseller has hundreds, and what
# a reading spoke for is the whole catalogue.
_CONFIRMED: Final = """
    SELECT item_id::text, warehouse,
           greatest(capture, (SELECT max(coverage.capture) FROM coverage
                              WHERE coverage.tenant_id = level.tenant_id
                                AND coverage.connection_id = level.connection_id
                                AND level.card_id = ANY(coverage.cards)))
    FROM level
    WHERE tenant_id = %s AND item_id = ANY(%b::uuid[]) AND warehouse = ANY(%b::text[])
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
        _WAITING.encode(),
        {"tenant": rule.tenant_id, "connection": rule.connection_id, "cards": list(card_ids)},
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
    waiting = await _waiting_holds(connection, rule.tenant_id, condition, ids)
    changed = []
    for entry, read_backs in waiting:
        after = entry.hold.absorb(absorbed(rule, entry, read_backs))
        if after != entry.hold:
            changed.append(after)
    await write_holds(connection, rule.tenant_id, changed)


async def _waiting_holds(
    connection: Connection, tenant_id: UUID, condition: str, ids: Collection[UUID]
) -> list[tuple[WaitingHold, list[ReadBack]]]:
    """The holds of a condition, each with the facts about it and what was read back of its order.

    What was sent is read last: a document that was written meanwhile makes what
    was read before void, and never the other way round.
    """
    cursor = await connection.execute(
        _HOLDS.format(condition=condition).encode(), {"tenant": tenant_id, "ids": list(ids)}
    )
    found = [(Hold(*row[:7]), row[7]) for row in await cursor.fetchall()]
    if not found:
        return []
    orders = {hold.order_id: UUID(hold.order_id) for hold, _ in found}
    items = {UUID(hold.item_id) for hold, _ in found}
    warehouses = {hold.warehouse for hold, _ in found if hold.warehouse is not None}
    cursor = await connection.execute(_CONFIRMED, [tenant_id, list(items), list(warehouses)])
    confirmed = {(item, warehouse): number for item, warehouse, number in await cursor.fetchall()}
    read_backs = await load_read_backs(connection, tenant_id, orders.values())
    cursor = await connection.execute(_SENT, [tenant_id, list(orders.values())])
    sent = {
        order_id: (barrier, tuple(map(parse_sent_line, lines)))
        for order_id, barrier, lines in await cursor.fetchall()
    }
    return [
        (
            WaitingHold(
                hold, *sent[hold.order_id], confirmed.get((hold.item_id, hold.warehouse)), key
            ),
            read_backs.get(orders[hold.order_id], []),
        )
        for hold, key in found
    ]


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
