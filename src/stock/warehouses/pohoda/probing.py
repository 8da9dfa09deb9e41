"""The probe: in ONE request, stock movements behind the last id and orders changed since.

Reservations make no movements, so orders are asked for, too. A deleted order shows in
neither; a full reading finds it.
"""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from lxml import etree

from stock.warehouses.pohoda.envelope import Answer, RequestItem, list_in
from stock.warehouses.pohoda.names import add, new, tag, text_at
from stock.warehouses.pohoda.order_list import OrderFilter, cards_in, documents_in, list_orders
from stock.warehouses.pohoda.server_time import look_back, read_stamp
from stock.warehouses.pohoda.settings import PohodaSettings
from stock.warehouses.pohoda.stock_request import Limit, add_limit
from stock.warehouses.port import CardKey, Probe

MAX_MOVEMENTS: Final = 1_000
MAX_ORDERS: Final = 500
_MOVEMENTS: Final = "m"
_ORDERS: Final = "o"
_ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ProbeCursor:
    """The time of the last probe by Pohoda's clock and the last movement seen, if any."""

    stamp: str
    movement_id: int | None = None

    @classmethod
    def decode(cls, text: str) -> "ProbeCursor":
        """Read what `encode` wrote."""
        fields = json.loads(text)
        return cls(fields["stamp"], fields["movement_id"])

    def encode(self) -> str:
        """Write the cursor as the port hands it around."""
        return json.dumps({"stamp": self.stamp, "movement_id": self.movement_id})


def probe_items(cursor: ProbeCursor | None, settings: PohodaSettings) -> list[RequestItem]:
    """What a probe asks for. The first asks for one order, only to learn Pohoda's time."""
    if cursor is None:
        return [RequestItem(_ORDERS, list_orders([OrderFilter()], settings, Limit(1, 1)))]
    since = look_back(cursor.stamp, settings.overlap_seconds, settings.time_zone)
    orders = list_orders([OrderFilter(since=since)], settings, Limit(1, MAX_ORDERS))
    items = [RequestItem(_ORDERS, orders)]
    if settings.probe_movements:
        items.insert(0, RequestItem(_MOVEMENTS, _list_movements(cursor)))
    return items


def first_probe(answer: Answer) -> Probe:
    """Where to begin."""
    return Probe((), (), ProbeCursor(_stamp(list_in(answer, _ORDERS, "lst:listOrder"))).encode())


def read_probe(answer: Answer, cursor: ProbeCursor, settings: PohodaSettings) -> Probe:
    """What moved; the next cursor goes on behind it."""
    orders = list_in(answer, _ORDERS, "lst:listOrder")
    documents = documents_in(orders, settings)
    movements = list_in(answer, _MOVEMENTS, "lst:listMovement")
    listed = [] if movements is None else list(movements.iterfind(tag("lst:movement")))
    moved = [_card(movement) for movement in listed]
    cards = dict.fromkeys([*(card for card in moved if card is not None), *cards_in(orders)])
    last = max((_id(movement) for movement in listed), default=0)
    next_cursor = ProbeCursor(
        stamp=cursor.stamp if orders is None else _stamp(orders),
        movement_id=max(last, cursor.movement_id or 0) or None,
    )
    return Probe(
        cards=tuple(cards),
        document_ids=tuple(document.document_id for document in documents),
        cursor=next_cursor.encode(),
        incomplete=(len(listed) >= MAX_MOVEMENTS or len(documents) >= MAX_ORDERS or None in moved),
    )


def _list_movements(cursor: ProbeCursor) -> etree._Element:
    """Movements behind the last; before one is known, those dated yesterday or later."""
    request = new("lst:listMovementRequest", version="2.0", movementVersion="2.0")
    add_limit(request, "lst:limit", Limit((cursor.movement_id or 0) + 1, MAX_MOVEMENTS))
    wanted = add(request, "lst:requestMovement")
    if cursor.movement_id is None:
        day = (read_stamp(cursor.stamp) - _ONE_DAY).date()
        add(add(wanted, "ftr:filter"), "ftr:dateFrom", day.isoformat())
    return request


def _card(movement: etree._Element) -> CardKey | None:
    """The card that moved; None where the movement doesn't name it."""
    stock = "mov:movementHeader/mov:stockItem/"
    path = text_at(movement, stock + "typ:storage/typ:ids")
    code = text_at(movement, stock + "typ:stockItem/typ:ids")
    card_id = text_at(movement, stock + "typ:stockItem/typ:id")
    if not code and not card_id:
        return None
    store = next((step.strip() for step in path.split("/") if step.strip()), "")
    return CardKey(store, code, card_id or None)


def _id(movement: etree._Element) -> int:
    text = text_at(movement, "mov:movementHeader/mov:id")
    return int(text) if text.isdecimal() else 0


def _stamp(listed: etree._Element | None) -> str:
    """The time of the answer, checked here so that a bad one never becomes a cursor."""
    text = "" if listed is None else listed.get("dateTimeStamp", "")
    return read_stamp(text).isoformat()
