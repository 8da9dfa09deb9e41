"""Items and holds read for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from spojka.api.stock.v1 import events_pb2
from spojka.api.stock.v1 import item_service_pb2 as api
from spojka.database import Connection
from spojka.errors import InvalidArgument, NotFound, Violation
from spojka.rpc.pagination import decode_token, encode_token, page_size
from spojka.values import format_decimal, gtin_key, product_number_key
from stock.domain.holds import Hold, HoldState

ITEM_COLUMNS: Final = (
    "item.id, item.connection_id, item.product_number, item.ean, item.name, item.unit, item.kind, "
    "item.removed, item.buffer, item.available, item.revision, item.content, "
    "coalesce((SELECT string_agg(conflict.advice, ' ') FROM conflict "
    "WHERE conflict.tenant_id = item.tenant_id AND conflict.item_id = item.id), '')"
)
_KINDS: Final = {
    "goods": api.ITEM_KIND_GOODS,
    "service": api.ITEM_KIND_SERVICE,
    "set": api.ITEM_KIND_SET,
}
_HOLD_STATES: Final = {
    HoldState.LOCAL: api.HOLD_STATE_LOCAL,
    HoldState.SENT: api.HOLD_STATE_SENT,
    HoldState.UNKNOWN: api.HOLD_STATE_UNKNOWN,
    HoldState.ACKED: api.HOLD_STATE_ACKED,
    HoldState.ABSORBED: api.HOLD_STATE_ABSORBED,
    HoldState.RELEASED: api.HOLD_STATE_RELEASED,
}


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item as it is shown."""

    id: UUID
    connection_id: UUID
    product_number: str
    ean: str
    name: str
    unit: str
    kind: str
    removed: bool
    buffer: Decimal | None
    available: Decimal
    revision: int
    content: bytes
    conflict: str


async def find_item(
    connection: Connection,
    tenant_id: UUID,
    *,
    item_id: str = "",
    product_number: str = "",
    ean: str = "",
) -> ItemRow:
    """One item by its id, product number or EAN. Raises NotFound."""
    cursor = await connection.execute(
        f"""
        SELECT {ITEM_COLUMNS} FROM item
        WHERE tenant_id = %s AND (id = %s::uuid OR number_key = %s OR gtin = %s)
        ORDER BY removed, id DESC LIMIT 1
        """.encode(),
        [
            tenant_id,
            item_id or None,
            product_number_key(product_number) if product_number else None,
            gtin_key(ean) if ean else None,
        ],
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound(f"there is no item {item_id or product_number or ean}")
    return ItemRow(*row)


# Of each connection (a tenant has few) by its index on the number, from the first to the last that
# may be on the page: a page costs the same wherever it is, and however many items there are.
_PAGE: Final = f"""
    SELECT {ITEM_COLUMNS}, item.number_key
    FROM connection CROSS JOIN LATERAL (
        SELECT * FROM item
        WHERE item.tenant_id = connection.tenant_id AND item.connection_id = connection.id
          AND number_key >= %(first)s AND number_key < %(end)s
          AND (number_key, item.id) > (%(after)s, %(after_id)s) AND (%(removed)s OR NOT removed)
          AND (NOT %(unlinked)s OR NOT EXISTS (
              SELECT FROM listing WHERE listing.tenant_id = item.tenant_id
                                    AND listing.item_id = item.id AND NOT listing.removed))
        ORDER BY number_key LIMIT %(rows)s
    ) AS item
    WHERE connection.tenant_id = %(tenant)s
    ORDER BY item.number_key, item.id LIMIT %(rows)s
"""
_LAST_CHARACTER: Final = chr(0x10FFFF)
"""Number keys are ordered by their characters (COLLATE "C"), of which this is the last."""


async def list_items(
    connection: Connection, tenant_id: UUID, request: api.ListItemsRequest
) -> api.ListItemsResponse:
    """A page of items by product number. Raises InvalidArgument on a foreign token."""
    limit = page_size(request.page_size, default=100, maximum=1000)
    after, after_id = _place(request.page_token)
    prefix = product_number_key(request.product_number_prefix)
    cursor = await connection.execute(
        _PAGE.encode(),
        {
            "tenant": tenant_id,
            "first": max(prefix, after),
            "end": prefix + _LAST_CHARACTER,
            "after": after,
            "after_id": after_id,
            "removed": request.include_removed,
            "unlinked": request.unlinked_only,
            "rows": limit + 1,
        },
    )
    rows = await cursor.fetchall()
    shown = rows[:limit]
    more = encode_token([shown[-1][-1], str(shown[-1][0])]) if len(rows) > limit else ""
    return api.ListItemsResponse(
        items=[item_message(ItemRow(*row[:-1])) for row in shown], next_page_token=more
    )


def _place(token: str) -> tuple[str, UUID]:
    """Number key and id of the item that the page goes on after."""
    key = decode_token(token, 2)
    if key is None:
        return "", UUID(int=0)
    try:
        return key[0], UUID(key[1])
    except ValueError as error:
        foreign = Violation("page_token", "is not a token that this method gave")
        raise InvalidArgument([foreign]) from error


def item_message(row: ItemRow) -> api.Item:
    """An item as the contracts show it."""
    content = events_pb2.StockChanged.FromString(row.content)
    message = api.Item(
        id=str(row.id),
        product_number=row.product_number,
        ean=row.ean,
        name=row.name,
        unit=row.unit,
        kind=_KINDS[row.kind],
        removed=row.removed,
        available=format_decimal(row.available),
        revision=row.revision,
        warehouses=content.warehouses,
        conflict=row.conflict,
    )
    if row.buffer is not None:
        message.buffer = format_decimal(row.buffer)
    return message


async def list_holds(
    connection: Connection, tenant_id: UUID, request: api.ListHoldsRequest
) -> api.ListHoldsResponse:
    """A page of holds of an order or an item, oldest first."""
    limit = page_size(request.page_size, default=100, maximum=1000)
    after = decode_token(request.page_token, 3)
    cursor = await connection.execute(
        """
        SELECT hold.order_id::text, line_id, item_id::text, warehouse, created, wanted, absorbed,
               order_import.state, order_import.reason, hold.create_time
        FROM hold JOIN order_import ON order_import.tenant_id = hold.tenant_id
                                   AND order_import.order_id = hold.order_id
        WHERE hold.tenant_id = %s AND (%s::uuid IS NULL OR hold.order_id = %s::uuid)
          AND (%s::uuid IS NULL OR item_id = %s::uuid) AND (%s OR wanted > absorbed)
          AND (%s OR (hold.order_id::text, line_id, item_id::text) > (%s, %s, %s))
        ORDER BY hold.order_id::text, line_id, item_id::text LIMIT %s
        """,
        [
            tenant_id,
            *([request.order_id or None] * 2),
            *([request.item_id or None] * 2),
            request.include_ended,
            after is None,
            *(after or ["", "", ""]),
            limit + 1,
        ],
    )
    rows = await cursor.fetchall()
    holds = [_hold_message(row) for row in rows[:limit]]
    more = (
        encode_token([holds[-1].order_id, holds[-1].line_id, holds[-1].item_id])
        if len(rows) > limit
        else ""
    )
    return api.ListHoldsResponse(holds=holds, next_page_token=more)


def _hold_message(row: Sequence[object]) -> api.Hold:
    hold = Hold(*row[:7])  # type: ignore[arg-type]
    import_state, reason, created = row[7:]
    state = hold.state(str(import_state))
    message = api.Hold(
        order_id=hold.order_id,
        line_id=hold.line_id,
        item_id=hold.item_id,
        warehouse=hold.warehouse or "",
        state=_HOLD_STATES[state],
        created=format_decimal(hold.created),
        live=format_decimal(hold.live),
        absorbed=format_decimal(hold.absorbed),
        released=format_decimal(hold.released),
        reason=_WHY[state] + (f" ({reason})" if reason else ""),
    )
    assert isinstance(created, datetime)
    message.create_time.FromDatetime(created)
    return message


_WHY: Final = {
    HoldState.LOCAL: "the order is not in the warehouse system yet",
    HoldState.SENT: "the order is on its way into the warehouse system",
    HoldState.UNKNOWN: "it is being looked up whether the order arrived",
    HoldState.ACKED: "the warehouse system knows the order but does not take it off yet",
    HoldState.ABSORBED: "the warehouse system takes it off itself",
    HoldState.RELEASED: "the order no longer wants it",
}
