"""A reading in pages: what is still to be asked for, and where the next incremental one starts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stock.warehouses.pohoda.envelope import RequestItem, not_understood
from stock.warehouses.pohoda.server_time import look_back, read_stamp
from stock.warehouses.pohoda.settings import PohodaSettings
from stock.warehouses.pohoda.stock_answer import ListTotals
from stock.warehouses.pohoda.stock_request import Limit, StockFilter, list_stock


@dataclass(frozen=True, slots=True)
class Position:
    """Which stores are still to be read, each from which card id; `started` at Pohoda's time.

    The empty store stands for all of them. The reading's cursor is the time
    of its FIRST page: what changes during the reading is read again.
    """

    todo: tuple[tuple[str, int], ...]
    started: str | None = None

    @classmethod
    def start(cls, stores: Sequence[str]) -> "Position":
        """The beginning of a reading of the stores."""
        return cls(tuple((store, 1) for store in stores or ("",)))

    @classmethod
    def decode(cls, text: str) -> "Position":
        """Read what `encode` wrote."""
        fields = json.loads(text)
        return cls(tuple((store, id_from) for store, id_from in fields["todo"]), fields["started"])

    def encode(self) -> str:
        """Write the position as the port hands it around."""
        return json.dumps({"started": self.started, "todo": self.todo}, ensure_ascii=False)

    def page(self, stores_at_once: int) -> tuple[tuple[str, int], ...]:
        """The stores that the next request asks for."""
        return self.todo[:stores_at_once]

    def after(
        self,
        asked: Sequence[tuple[str, int]],
        totals: Mapping[str, ListTotals],
        stamp: str | None,
        settings: PohodaSettings,
    ) -> "Position":
        """The position after a page: a store that filled its page goes on behind its highest id.

        Raises Unreadable where the answer didn't move on, as it would for ever, or
        where its time can't be a cursor.
        """
        again: list[tuple[str, int]] = []
        for place, (store, id_from) in enumerate(asked):
            got = totals.get(item_id(place), ListTotals())
            if settings.paging == "none" or got.records < settings.page_records:
                continue
            if got.highest_id < id_from:
                raise not_understood(
                    f"a page from card id {id_from} on ends with id {got.highest_id}; set the "
                    "connection's paging to none"
                )
            again.append((store, got.highest_id + 1))
        started = self.started or (read_stamp(stamp).isoformat() if stamp else None)
        return Position((*again, *self.todo[len(asked) :]), started)


def page_items(
    asked: Sequence[tuple[str, int]], settings: PohodaSettings, cursor: str | None
) -> list[RequestItem]:
    """One list request for each store of the page."""
    since = look_back(cursor, settings.overlap_seconds, settings.time_zone) if cursor else ""
    return [
        RequestItem(
            item_id(place),
            list_stock(
                [StockFilter(store=store, since=since)],
                Limit(id_from, settings.page_records) if settings.paging == "id" else None,
            ),
        )
        for place, (store, id_from) in enumerate(asked)
    ]


def stores_by_item(asked: Sequence[tuple[str, int]]) -> dict[str, str]:
    """Which store each item of the request asks for."""
    return {item_id(place): store for place, (store, _) in enumerate(asked)}


def item_id(place: int) -> str:
    """The id of the item at a place of the request."""
    return f"s{place}"
