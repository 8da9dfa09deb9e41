"""What orders want, and whether it is held."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final
from uuid import UUID

from spojka.api.orders.v1 import order_pb2
from spojka.values import format_decimal, parse_decimal
from spojka.verification.model import Difference
from spojka.verification.snapshot import Snapshot
from stock.domain.imports import ImportState
from stock.imports.goods import goods_lines
from stock.imports.store import ImportRow
from stock.listings.lines import LineKeys, resolve_lines
from stock.listings.pairing import Link
from stock.verification.holds import StoredHold

_KINDS: Final = "SELECT id FROM item WHERE tenant_id = %s AND id = ANY(%s) AND kind = 'goods'"


def wanting(
    row: ImportRow, content: order_pb2.Order, holds: Sequence[StoredHold]
) -> Iterator[Difference]:
    """Compare what holds want with the order's lines.

    The holds of a cancelled order end when its document is dealt with, and a
    hold of what vanished from the warehouse system stays.
    """
    ended = row.status is ImportState.WITHDRAWN
    if row.cancelled and row.document_revision and not ended:
        return
    lines = {} if ended or row.cancelled else _quantities(content)
    seen: set[str] = set()
    for stored in holds:
        hold = stored.hold
        if not hold.wanted or (stored.removed and hold.line_id in row.problem_lines):
            continue
        wanted = format_decimal(lines[hold.line_id]) if hold.line_id in lines else "0"
        if hold.line_id in seen:
            wanted = "0, as another hold is the line's"
        seen.add(hold.line_id)
        if format_decimal(hold.wanted) != wanted:
            meaning = "another quantity is kept back than the order wants"
            yield Difference(
                "hold", stored.name, "wanted", format_decimal(hold.wanted), wanted, meaning
            )


async def missing_holds(
    snapshot: Snapshot,
    tenant: UUID,
    rows: Sequence[ImportRow],
    contents: Mapping[UUID, order_pb2.Order],
    holds: Mapping[UUID, Sequence[StoredHold]],
) -> list[Difference]:
    """Lines of goods for which nothing is held although they are linked to an item."""
    bare = [
        (row, line)
        for row in rows
        if not row.cancelled
        and row.status is not ImportState.WITHDRAWN
        and row.connection_id is not None
        for line in _unheld(row, contents[row.order_id], holds.get(row.order_id, ()))
    ]
    keys = [
        LineKeys(row.channel_id, line.listing_id, line.product_number, line.ean)
        for row, line in bare
    ]
    links = await resolve_lines(snapshot.connection, tenant, keys)
    ids = [link.item_id for link in links if isinstance(link, Link)]
    goods = {row[0] for row in await snapshot.rows(_KINDS, [tenant, ids])}
    return [
        Difference(
            "hold",
            f"{row.order_id} line {line.id} item {link.item_id}",
            "wanted",
            "no hold",
            line.quantity,
            "what the order wants is offered to others, too",
        )
        for (row, line), link in zip(bare, links, strict=True)
        if isinstance(link, Link) and link.item_id in goods
    ]


def _unheld(
    row: ImportRow, content: order_pb2.Order, holds: Sequence[StoredHold]
) -> Iterator[order_pb2.OrderLine]:
    held = {stored.hold.line_id for stored in holds if stored.hold.wanted}
    for line in goods_lines(content):
        if line.id not in held and line.id not in row.problem_lines:
            yield line


def _quantities(content: order_pb2.Order) -> Mapping[str, Decimal]:
    return {line.id: parse_decimal(line.quantity) for line in goods_lines(content)}
