"""Which item each card is: items are found by product number, created where they are new.

A conflict is one product number on two cards of one warehouse, or one EAN
under two product numbers. The newcomer stays out (of the item, or of the
EAN), and the conflict is reported (DESIGN §4).
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from spojka.database import Connection
from spojka.outbox import new_id
from spojka.values import gtin_key, product_number_key
from stock.connections.model import StockRule
from stock.listings.links import link_new_items
from stock.warehouses.port import Card

_CREATE: Final = """
    INSERT INTO item (tenant_id, id, connection_id, number_key, product_number, ean, name, unit,
                      kind)
    SELECT %s, row.id, %s, row.number_key, row.product_number, '', row.name, row.unit, row.kind
    FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
        AS row (id, number_key, product_number, name, unit, kind)
    ON CONFLICT (tenant_id, connection_id, number_key) DO NOTHING
"""
_DESCRIBE: Final = """
    UPDATE item SET product_number = row.product_number, ean = row.ean, name = row.name,
                    unit = row.unit, kind = row.kind, components = row.components::jsonb,
                    removed = false,
                    gtin = CASE WHEN row.gtin IS NULL OR EXISTS (
                               SELECT FROM item AS other
                               WHERE other.tenant_id = item.tenant_id
                                 AND other.connection_id = item.connection_id
                                 AND other.gtin = row.gtin AND other.id <> item.id
                           ) THEN NULL ELSE row.gtin END
    FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
                %s::text[])
        AS row (id, product_number, ean, gtin, name, unit, kind, components)
    WHERE item.tenant_id = %s AND item.id = row.id
    RETURNING item.id, item.gtin
"""


@dataclass(slots=True)
class Placed:
    """Cards with their items; the ids of all items that are touched; cards that stay out."""

    cards: list[tuple[Card, UUID]] = field(default_factory=list)
    item_ids: set[UUID] = field(default_factory=set)
    contested: list[Card] = field(default_factory=list)
    items_by_number: dict[str, UUID] = field(default_factory=dict)


async def place_cards(connection: Connection, rule: StockRule, cards: Sequence[Card]) -> Placed:
    """Find or create the items of cards that are new or described anew. Nothing is locked yet."""
    placed = Placed()
    if not cards:
        return placed
    items = await _items_by_number(connection, rule, cards)
    holders = await _holders(connection, rule, cards, set(items.values()))
    for card in cards:
        item_id = items[product_number_key(card.product_number)]
        holder = holders.setdefault((item_id, card.warehouse), card.card_id)
        if holder == card.card_id:
            placed.cards.append((card, item_id))
        else:
            placed.contested.append(card)
    placed.item_ids = {item_id for _card, item_id in placed.cards}
    placed.item_ids |= await _former_items(connection, rule, cards)
    placed.items_by_number = items
    return placed


async def leave_items(
    connection: Connection, rule: StockRule, placed: Placed, capture: int
) -> None:
    """Take cards that stay out off the items they were; an item without a card is removed.

    Called once the cards that have their place are written. What has another
    number now does not speak for the item of its old one any more.
    """
    await connection.execute(
        "DELETE FROM level WHERE tenant_id = %s AND connection_id = %s AND card_id = ANY(%s)"
        " AND capture < %s",
        [
            rule.tenant_id,
            rule.connection_id,
            [card.card_id for card in placed.contested],
            capture,
        ],
    )
    await remove_bare_items(connection, rule, placed.item_ids)


async def remove_bare_items(
    connection: Connection, rule: StockRule, item_ids: Collection[UUID]
) -> None:
    """Mark those locked items removed that no card stands for; their EANs are free again."""
    # An array is made once: a join would look for each item through all levels of a merchant
    # whom PostgreSQL's statistics do not know yet.
    await connection.execute(
        """
        UPDATE item SET removed = true, gtin = NULL
        WHERE tenant_id = %(tenant)s AND id = ANY(%(items)s)
          AND id <> ALL(ARRAY(SELECT item_id FROM level
                              WHERE tenant_id = %(tenant)s AND item_id = ANY(%(items)s)))
        """,
        {"tenant": rule.tenant_id, "items": list(item_ids)},
    )


async def describe_items(connection: Connection, rule: StockRule, placed: Placed) -> None:
    """Bring what describes the items of placed cards up to date, once they are locked.

    Reports conflicts, and links listings that were waiting for such items.
    """
    if placed.cards or placed.contested:
        await _describe(connection, rule, placed)
        await _report(connection, rule, placed, placed.items_by_number)
        await link_new_items(
            connection, rule.tenant_id, rule.connection_id, sorted(placed.item_ids)
        )


async def _items_by_number(
    connection: Connection, rule: StockRule, cards: Sequence[Card]
) -> dict[str, UUID]:
    first: dict[str, Card] = {}
    for card in cards:
        first.setdefault(product_number_key(card.product_number), card)
    keys = sorted(first)
    found = await _find(connection, rule, keys)
    new = [key for key in keys if key not in found]
    if new:
        await connection.execute(
            _CREATE.encode(),
            [
                rule.tenant_id,
                rule.connection_id,
                [new_id() for _ in new],
                new,
                [first[key].product_number for key in new],
                [first[key].name for key in new],
                [first[key].unit for key in new],
                [first[key].kind.value for key in new],
            ],
        )
        found |= await _find(connection, rule, new)
    return found


async def _find(connection: Connection, rule: StockRule, keys: Sequence[str]) -> dict[str, UUID]:
    cursor = await connection.execute(
        "SELECT number_key, id FROM item"
        " WHERE tenant_id = %s AND connection_id = %s AND number_key = ANY(%s)",
        [rule.tenant_id, rule.connection_id, list(keys)],
    )
    return dict(await cursor.fetchall())


async def _holders(
    connection: Connection, rule: StockRule, cards: Sequence[Card], item_ids: set[UUID]
) -> dict[tuple[UUID, str], str]:
    # The card that has an item's place in a warehouse now; one that this very
    # answer moves elsewhere gives its place up.
    key_of = {
        card.card_id: (product_number_key(card.product_number), card.warehouse) for card in cards
    }
    cursor = await connection.execute(
        """
        SELECT level.item_id, level.warehouse, level.card_id, item.number_key
        FROM level JOIN item ON item.tenant_id = level.tenant_id AND item.id = level.item_id
        WHERE level.tenant_id = %s AND level.item_id = ANY(%s)
        """,
        [rule.tenant_id, list(item_ids)],
    )
    return {
        (item_id, warehouse): card_id
        for item_id, warehouse, card_id, number_key in await cursor.fetchall()
        if key_of.get(card_id, (number_key, warehouse)) == (number_key, warehouse)
    }


async def _former_items(
    connection: Connection, rule: StockRule, cards: Sequence[Card]
) -> set[UUID]:
    # A card whose number was changed leaves its item, which must be decided, too.
    cursor = await connection.execute(
        "SELECT DISTINCT item_id FROM level"
        " WHERE tenant_id = %s AND connection_id = %s AND card_id = ANY(%s)",
        [rule.tenant_id, rule.connection_id, [card.card_id for card in cards]],
    )
    return {row[0] for row in await cursor.fetchall()}


async def _describe(connection: Connection, rule: StockRule, placed: Placed) -> None:
    newest = {item_id: card for card, item_id in placed.cards}
    wanted = {item_id: gtin_key(card.ean) if card.ean else None for item_id, card in newest.items()}
    claimed = await _give_up_eans(connection, rule, wanted)
    rows = []
    for item_id in sorted(newest):
        gtin = wanted[item_id]
        if gtin is not None and claimed.setdefault(gtin, item_id) != item_id:
            gtin = None
        rows.append((item_id, newest[item_id], gtin))
    await connection.execute(
        _DESCRIBE.encode(),
        [
            [item_id for item_id, _card, _gtin in rows],
            [card.product_number for _id, card, _gtin in rows],
            [card.ean or "" for _id, card, _gtin in rows],
            [gtin for _id, _card, gtin in rows],
            [card.name for _id, card, _gtin in rows],
            [card.unit for _id, card, _gtin in rows],
            [card.kind.value for _id, card, _gtin in rows],
            [_components(card) for _id, card, _gtin in rows],
            rule.tenant_id,
        ],
    )


async def _give_up_eans(
    connection: Connection, rule: StockRule, wanted: Mapping[UUID, str | None]
) -> dict[str, UUID]:
    # In a statement before the new ones are taken: two items may have swapped
    # theirs. Returns the EANs that items keep.
    ids = sorted(wanted)
    await connection.execute(
        """
        UPDATE item SET gtin = NULL FROM unnest(%s::uuid[], %s::text[]) AS row (id, gtin)
        WHERE item.tenant_id = %s AND item.id = row.id AND item.gtin IS DISTINCT FROM row.gtin
        """,
        [ids, [wanted[item_id] for item_id in ids], rule.tenant_id],
    )
    cursor = await connection.execute(
        "SELECT gtin, id FROM item WHERE tenant_id = %s AND id = ANY(%s) AND gtin IS NOT NULL",
        [rule.tenant_id, ids],
    )
    return dict(await cursor.fetchall())


def _components(card: Card) -> str | None:
    if not card.components:
        return None
    parts = [
        {"product_number": part.product_number, "quantity": str(part.quantity)}
        for part in card.components
    ]
    return json.dumps(parts)


async def _report(
    connection: Connection, rule: StockRule, placed: Placed, items: dict[str, UUID]
) -> None:
    cards = [card for card, _item in placed.cards]
    await connection.execute(
        "DELETE FROM conflict WHERE tenant_id = %s AND connection_id = %s AND card_id = ANY(%s)",
        [rule.tenant_id, rule.connection_id, [card.card_id for card in cards]],
    )
    rows = [
        (
            "product_number",
            card.product_number,
            card.warehouse,
            card.card_id,
            items[product_number_key(card.product_number)],
            _same_number(card),
        )
        for card in placed.contested
    ]
    rows += await _ean_conflicts(connection, rule, placed)
    if not rows:
        return
    columns = list(zip(*rows, strict=True))
    await connection.execute(
        """
        INSERT INTO conflict (tenant_id, id, connection_id, key_kind, key, warehouse, card_id,
                              item_id, advice)
        SELECT %s, row.id, %s, row.key_kind, row.key, row.warehouse, row.card_id, row.item_id,
               row.advice
        FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::uuid[],
                    %s::text[])
            AS row (id, key_kind, key, warehouse, card_id, item_id, advice)
        ON CONFLICT (tenant_id, connection_id, key_kind, card_id)
        DO UPDATE SET key = excluded.key, item_id = excluded.item_id, advice = excluded.advice
        """,
        [
            rule.tenant_id,
            rule.connection_id,
            [new_id() for _ in rows],
            *(list(column) for column in columns),
        ],
    )


async def _ean_conflicts(
    connection: Connection, rule: StockRule, placed: Placed
) -> list[tuple[str, str, str, str, UUID, str]]:
    wanted = {
        item_id: (card, gtin)
        for card, item_id in placed.cards
        if card.ean and (gtin := gtin_key(card.ean)) is not None
    }
    cursor = await connection.execute(
        """
        SELECT item.id, owner.id, owner.product_number
        FROM unnest(%s::uuid[], %s::text[]) AS row (item_id, gtin)
        JOIN item ON item.tenant_id = %s AND item.id = row.item_id AND item.gtin IS NULL
        JOIN item AS owner ON owner.tenant_id = item.tenant_id
                          AND owner.connection_id = item.connection_id AND owner.gtin = row.gtin
        """,
        [list(wanted), [gtin for _card, gtin in wanted.values()], rule.tenant_id],
    )
    conflicts = []
    for item_id, owner_id, owner_number in await cursor.fetchall():
        card = wanted[item_id][0]
        conflicts.append(
            (
                "ean",
                card.ean or "",
                "",
                card.card_id,
                owner_id,
                _same_ean(card, owner_number),
            )
        )
    return conflicts


def _same_number(card: Card) -> str:
    return (
        f"Two cards of warehouse {card.warehouse} have the number {card.product_number}: "
        f"card {card.card_id} stays out. Give it another number, or delete one of the two."
    )


def _same_ean(card: Card, owner_number: str) -> str:
    return (
        f"{card.product_number} and {owner_number} have the same EAN {card.ean}: it stands "
        f"for {owner_number} until one of them gets another."
    )
