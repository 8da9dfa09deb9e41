"""How much of each hold is netted: a function of documents, coverage and levels (decision 2)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from spojka.values import format_decimal
from spojka.verification.model import Difference
from spojka.verification.snapshot import Snapshot
from stock.connections.model import StockRule
from stock.domain.holds import Hold
from stock.domain.netting import ReadBack
from stock.imports.absorb import WaitingHold, absorbed
from stock.imports.store import parse_sent_line

_COVERED: Final = """
    SELECT connection_id, card, max(capture) FROM coverage, unnest(cards) AS card
    WHERE tenant_id = %(tenant)s AND card IN (
        SELECT card_id FROM level JOIN hold ON hold.tenant_id = level.tenant_id
            AND hold.item_id = level.item_id AND hold.warehouse = level.warehouse
        WHERE level.tenant_id = %(tenant)s AND hold.wanted > 0)
    GROUP BY connection_id, card
"""
_OLDEST: Final = """
    SELECT connection_id, coalesce(min(capture), last) FROM request_number
    LEFT JOIN coverage USING (tenant_id, connection_id)
    WHERE tenant_id = %s GROUP BY connection_id, last
"""
_HOLDS: Final = """
    SELECT hold.order_id, hold.line_id, hold.item_id::text, hold.warehouse, hold.created,
           hold.wanted, hold.absorbed, order_import.barrier, order_import.sent_lines,
           item.number_key, item.connection_id, item.removed, level.card_id, level.capture
    FROM hold
    JOIN item ON item.tenant_id = hold.tenant_id AND item.id = hold.item_id
    JOIN order_import ON order_import.tenant_id = hold.tenant_id
                     AND order_import.order_id = hold.order_id
    LEFT JOIN level ON level.tenant_id = hold.tenant_id AND level.item_id = hold.item_id
                   AND level.warehouse = hold.warehouse
    WHERE hold.tenant_id = %s AND hold.order_id = ANY(%s)
    ORDER BY hold.order_id, hold.line_id, hold.item_id
"""


@dataclass(frozen=True, slots=True)
class Coverage:
    """The newest answer that spoke for each card that is held, and the oldest one remembered."""

    newest: Mapping[tuple[UUID, str], int]
    oldest: Mapping[UUID, int]

    @classmethod
    async def read(cls, snapshot: Snapshot, tenant: UUID) -> "Coverage":
        """Read a tenant's coverage, of cards with holds alone."""
        covered = snapshot.stream(_COVERED, {"tenant": tenant})
        return cls(
            {(connection, card): capture async for connection, card, capture in covered},
            dict(await snapshot.rows(_OLDEST, [tenant])),
        )


@dataclass(frozen=True, slots=True)
class StoredHold:
    """A hold with the facts that decide about it.

    `card` is None where no card stands for it. `oldest` is the oldest answer
    of which it is remembered what it spoke for.
    """

    waiting: WaitingHold
    connection_id: UUID
    removed: bool
    card: str | None
    oldest: int

    @property
    def hold(self) -> Hold:
        """The hold itself."""
        return self.waiting.hold

    @property
    def order_id(self) -> UUID:
        """Of its order."""
        return UUID(self.hold.order_id)

    @property
    def name(self) -> str:
        """How differences name it."""
        return f"{self.hold.order_id} line {self.hold.line_id} item {self.hold.item_id}"


async def read_holds(
    snapshot: Snapshot, tenant: UUID, order_ids: Sequence[UUID], coverage: Coverage
) -> list[StoredHold]:
    """The holds of orders."""
    found = []
    for row in await snapshot.rows(_HOLDS, [tenant, order_ids]):
        order_id, line_id, item_id, warehouse, created, wanted, netted, barrier, sent = row[:9]
        number_key, connection_id, removed, card, capture = row[9:]
        covered = coverage.newest.get((connection_id, card)) if card else None
        found.append(
            StoredHold(
                WaitingHold(
                    Hold(str(order_id), line_id, item_id, warehouse, created, wanted, netted),
                    barrier,
                    tuple(map(parse_sent_line, sent)),
                    _newest(covered, capture),
                    number_key,
                ),
                connection_id,
                removed,
                card,
                coverage.oldest.get(connection_id, 0),
            )
        )
    return found


def netting(
    stored: StoredHold, rules: Mapping[UUID, StockRule], read_backs: Sequence[ReadBack]
) -> Iterator[Difference]:
    """Compare how much of a hold is netted with what the facts give.

    A hold whose card is gone keeps what was netted of it. Which cards an old
    answer spoke for is forgotten after a time: what it confirmed stays.
    """
    hold, rule = stored.hold, rules.get(stored.connection_id)
    if not hold.wanted or stored.card is None or rule is None:
        return
    now = hold.absorb(absorbed(rule, stored.waiting, read_backs))
    if now.absorbed == hold.absorbed:
        return
    then = replace(stored.waiting, confirmed=_newest(stored.oldest, stored.waiting.confirmed))
    if hold.absorb(absorbed(rule, then, read_backs)).absorbed == hold.absorbed:
        return
    meaning = (
        "units that the warehouse system does not leave out yet are offered again"
        if hold.absorbed > now.absorbed
        else "units that the warehouse system leaves out itself are still taken off"
    )
    yield Difference(
        "hold",
        stored.name,
        "absorbed",
        format_decimal(hold.absorbed),
        format_decimal(now.absorbed),
        meaning,
    )


def _newest(covered: int | None, captured: int | None) -> int | None:
    """The newest request that spoke for a card: by coverage, or by the level itself."""
    return max((number for number in (covered, captured) if number is not None), default=None)
