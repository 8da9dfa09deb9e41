"""What one statement shows: levels under their meaning, items with their levels, history."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from spojka.verification.model import Checked, Difference, Finding
from spojka.verification.snapshot import Snapshot
from stock.connections.model import ConnectionRow
from stock.levels.relevel import NUMBER


@dataclass(frozen=True, slots=True)
class Rule:
    """A statement that shows rows that break a rule: their id, what is stored, what it should be.

    It takes the parameters `tenant` and `connection`.
    """

    what: str
    field: str
    meaning: str
    statement: str


_LEVELS: Final = "SELECT count(*) FROM level WHERE tenant_id = %s AND connection_id = %s"
_RULES: Final = (
    Rule(
        "level",
        "item_id",
        "the level counts for no item",
        """
        SELECT card_id, item_id::text, 'an item of its connection' FROM level
        WHERE tenant_id = %(tenant)s AND connection_id = %(connection)s
          AND NOT EXISTS (SELECT FROM item WHERE item.tenant_id = level.tenant_id
                          AND item.id = level.item_id
                          AND item.connection_id = level.connection_id)
        """,
    ),
    Rule(
        "level",
        "capture",
        "an answer to a request that was never numbered: newer answers will be taken for older",
        """
        SELECT card_id, capture::text, 'at most ' || coalesce(last, 0) FROM level
        LEFT JOIN request_number USING (tenant_id, connection_id)
        WHERE tenant_id = %(tenant)s AND connection_id = %(connection)s
          AND capture > coalesce(last, 0)
        """,
    ),
    Rule(
        "item",
        "removed",
        "an item without a card must be removed, and one that has a card must not be",
        """
        SELECT id::text, removed::text, (NOT removed)::text FROM item
        WHERE tenant_id = %(tenant)s AND connection_id = %(connection)s
          AND removed = EXISTS (SELECT FROM level WHERE level.tenant_id = item.tenant_id
                                                    AND level.item_id = item.id)
        """,
    ),
    Rule(
        "movement",
        "before",
        "a step of the item's history is missing or was changed",
        """
        SELECT item_id::text || ' revision ' || revision, before::text,
               earlier_after::text || ' after revision ' || earlier
        FROM (SELECT item_id, revision, before, lag(revision) OVER steps AS earlier,
                     lag(after) OVER steps AS earlier_after
              FROM movement
              WHERE tenant_id = %(tenant)s AND EXISTS (
                  SELECT FROM item WHERE item.tenant_id = movement.tenant_id
                                     AND item.id = movement.item_id
                                     AND item.connection_id = %(connection)s)
              WINDOW steps AS (PARTITION BY item_id ORDER BY revision)) AS step
        WHERE earlier IS NOT NULL AND (revision <> earlier + 1 OR before <> earlier_after)
        """,
    ),
    Rule(
        "movement",
        "after",
        "the item's history does not end where the item stands",
        """
        SELECT item.id::text, newest.revision || ': ' || newest.after,
               item.revision || ': ' || item.available
        FROM item CROSS JOIN LATERAL (
            SELECT revision, after FROM movement
            WHERE movement.tenant_id = item.tenant_id AND movement.item_id = item.id
            ORDER BY revision DESC LIMIT 1) AS newest
        WHERE item.tenant_id = %(tenant)s AND item.connection_id = %(connection)s
          AND (newest.revision, newest.after) <> (item.revision, item.available)
        """,
    ),
)


async def rows(
    snapshot: Snapshot, connection: ConnectionRow, tenant: UUID
) -> AsyncIterator[Finding]:
    """Show the rows of a connection that break a rule."""
    number = NUMBER[connection.rule.meaning]
    meaning = Rule(
        "level",
        "available",
        f"the warehouse's own number is not counted as {connection.meaning}",
        f"""
        SELECT card_id, available::text, ({number})::text FROM level
        WHERE tenant_id = %(tenant)s AND connection_id = %(connection)s AND available <> {number}
          AND (%(decided)s::uuid IS NULL OR item_id <= %(decided)s)
        """,
    )
    decided = connection.decide_after
    parameters = {"tenant": tenant, "connection": connection.id, "decided": decided}
    for rule in (meaning, *_RULES):
        async for id_, stored, rebuilt in snapshot.stream(rule.statement, parameters):
            yield Difference(rule.what, id_, rule.field, stored, rebuilt, rule.meaning)
    ((count,),) = await snapshot.rows(_LEVELS, [tenant, connection.id])
    yield Checked("level", count)
