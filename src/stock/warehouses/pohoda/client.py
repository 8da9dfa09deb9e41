"""One connection's way to its Pohoda. Every method makes at most one request."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import IO, Final

from stock.warehouses.errors import Refused, WarehouseError
from stock.warehouses.pohoda.charset import actual_charset, chunks_of
from stock.warehouses.pohoda.envelope import (
    MAX_PARSED_BYTES,
    Answer,
    RequestItem,
    list_in,
    read_pack,
    write_pack,
)
from stock.warehouses.pohoda.names import add, new
from stock.warehouses.pohoda.order_answer import (
    acknowledge,
    confirm_deleted,
    unknown_unless_clear,
)
from stock.warehouses.pohoda.order_list import OrderFilter, documents_in, list_orders
from stock.warehouses.pohoda.order_request import write_order
from stock.warehouses.pohoda.probing import ProbeCursor, first_probe, probe_items, read_probe
from stock.warehouses.pohoda.reading import Position, page_items, stores_by_item
from stock.warehouses.pohoda.settings import PohodaSettings
from stock.warehouses.pohoda.stock_answer import StockAnswer, unreadable_cards
from stock.warehouses.pohoda.stock_request import (
    MAX_FILTER_GROUPS,
    Limit,
    StockFilter,
    list_stock,
)
from stock.warehouses.pohoda.stores import list_stores, stores_in
from stock.warehouses.pohoda.targeted import named_items
from stock.warehouses.pohoda.texts import document_key
from stock.warehouses.pohoda.transport import Exchange, Transport
from stock.warehouses.port import (
    Acknowledgement,
    Card,
    CardKey,
    CardPage,
    Document,
    OrderDocument,
    Probe,
    SystemInfo,
    UnreadableCard,
    WarehouseInfo,
)

# Every store of the connection in one incremental request; a full one reads store by store.
MAX_STORES_AT_ONCE: Final = 100


class PohodaClient:
    """Implements `WarehouseClient`; what its methods may raise is in `stock.warehouses.errors`."""

    def __init__(self, settings: PohodaSettings, transport: Transport) -> None:
        """Keep both; nothing is sent."""
        self._settings = settings
        self._transport = transport

    async def test(self) -> SystemInfo:
        """Ask for stores, one card and one order: proves the rights to each agenda."""
        answer = await self._ask(
            "test",
            [
                *list_stores(),
                RequestItem("stock", list_stock([StockFilter()], Limit(1, 1))),
                RequestItem("orders", list_orders([OrderFilter()], self._settings, Limit(1, 1))),
            ],
        )
        stores = ", ".join(store.code for store in stores_in(answer)) or "none"
        list_in(answer, "stock", "lStk:listStock")
        list_in(answer, "orders", "lst:listOrder")
        return SystemInfo(
            f"Pohoda {answer.program_version}, IČO {answer.company_id}, stores: {stores}"
        )

    async def warehouses(self) -> Sequence[WarehouseInfo]:
        """List the stores (sklady)."""
        return stores_in(await self._ask("stores", list_stores()))

    async def read_full(self, position: str | None, warehouses: Sequence[str]) -> CardPage:
        """One page of one store."""
        return await self._read_page(None, position, warehouses, stores_at_once=1)

    async def read_changes(
        self, cursor: str, position: str | None, warehouses: Sequence[str]
    ) -> CardPage:
        """One page of each store's changed cards."""
        return await self._read_page(cursor, position, warehouses, MAX_STORES_AT_ONCE)

    async def read_cards(self, keys: Sequence[CardKey]) -> Sequence[Card]:
        """The named cards. Raises Unreadable where one of them can't be read."""
        items, stores = named_items(keys, self._settings)
        if not items:
            return []
        cards, unreadable = await self._read_stock("cards", items, StockAnswer(stores))
        if unreadable:
            raise unreadable_cards(unreadable)
        return list({(card.card_id, card.warehouse): card for card in cards}.values())

    async def probe(self, cursor: str | None) -> Probe:
        """Movements and changed orders in one request."""
        if cursor is None:
            return first_probe(await self._ask("probe", probe_items(None, self._settings)))
        decoded = ProbeCursor.decode(cursor)
        answer = await self._ask("probe", probe_items(decoded, self._settings))
        return read_probe(answer, decoded, self._settings)

    async def create_document(self, document: OrderDocument, *, resend: bool) -> Acknowledgement:
        """Import the order.

        The mServer's check against doubles is always on: it costs nothing, and
        a request that was repeated on the way is caught, too. So `resend`
        changes nothing here.
        """
        del resend
        key = document_key(document.external_id)
        body = write_order(document, self._settings)
        answer = await self._change(Exchange(body, key, changes=True, check_duplicity=True))
        return acknowledge(answer, document, key)

    async def find_document(self, external_id: str, number: str) -> Document | None:
        """Look an order up by its external id; Pohoda has no filter for the shop's number.

        Raises Refused where there are several: a person decides which one stays.
        """
        del number
        key = document_key(external_id)
        found = [
            document
            for document in await self._orders("find", [OrderFilter(external_key=key)])
            if document.external_id == key
        ]
        if len(found) > 1:
            numbers = ", ".join(document.number for document in found)
            raise Refused(
                f"The order {external_id} is in Pohoda {len(found)} times: {numbers}.",
                "Delete all but one of them in Pohoda.",
            )
        return replace(found[0], external_id=external_id) if found else None

    async def read_documents(self, document_ids: Sequence[str]) -> Sequence[Document]:
        """Read orders back by id."""
        filters = [OrderFilter(document_id=_checked_id(text)) for text in document_ids]
        if len(filters) > MAX_FILTER_GROUPS:
            raise ValueError(f"{len(filters)} documents named; at most {MAX_FILTER_GROUPS}")
        wanted = set(document_ids)
        found = await self._orders("read", filters) if filters else []
        return [document for document in found if document.document_id in wanted]

    async def delete_document(self, document_id: str) -> None:
        """Delete an order by id."""
        key = f"del-{_checked_id(document_id)}"
        order = new("ord:order", version="2.0")
        delete = add(add(order, "ord:actionType"), "ord:delete")
        record = add(delete, "ftr:filter")
        record.set("agenda", "prijate_objednavky")
        add(record, "ftr:id", document_id)
        body = write_pack(self._settings, key, "Order delete", [RequestItem(key, order)])
        answer = await self._change(Exchange(body, key, changes=True))
        confirm_deleted(answer, document_id, key)

    async def close(self) -> None:
        """Close connections."""
        await self._transport.close()

    async def _read_page(
        self,
        cursor: str | None,
        position: str | None,
        warehouses: Sequence[str],
        stores_at_once: int,
    ) -> CardPage:
        here = (
            Position.decode(position)
            if position
            else Position.start(warehouses or self._settings.stores)
        )
        asked = here.page(stores_at_once)
        stock = StockAnswer(stores_by_item(asked))
        items = page_items(asked, self._settings, cursor)
        cards, unreadable = await self._read_stock("stock", items, stock)
        there = here.after(asked, stock.totals, stock.stamp, self._settings)
        return CardPage(
            cards=cards,
            unreadable=unreadable,
            next_position=there.encode() if there.todo else None,
            cursor=there.started or cursor,
        )

    async def _read_stock(
        self, purpose: str, items: Sequence[RequestItem], stock: StockAnswer
    ) -> tuple[list[Card], list[UnreadableCard]]:
        stock.pack_id = _new_id(purpose)
        document = await self._send(stock.pack_id, purpose, items)
        return await asyncio.to_thread(_read_cards, document, stock)

    async def _orders(self, purpose: str, filters: Sequence[OrderFilter]) -> list[Document]:
        items = [RequestItem("o", list_orders(filters, self._settings))]
        answer = await self._ask(purpose, items)
        return documents_in(list_in(answer, "o", "lst:listOrder"), self._settings)

    async def _ask(self, purpose: str, items: Sequence[RequestItem]) -> Answer:
        pack_id = _new_id(purpose)
        document = await self._send(pack_id, purpose, items)
        return await asyncio.to_thread(_read_answer, document, pack_id)

    async def _send(self, pack_id: str, purpose: str, items: Sequence[RequestItem]) -> IO[bytes]:
        body = write_pack(self._settings, pack_id, purpose, items)
        return await self._transport.send(Exchange(body, pack_id))

    async def _change(self, exchange: Exchange) -> Answer:
        document = await self._transport.send(exchange)
        try:
            return await asyncio.to_thread(_read_answer, document, exchange.instance)
        except WarehouseError as error:
            raise unknown_unless_clear(error) from error


def _new_id(purpose: str) -> str:
    """The id of one request, by which its answer is known."""
    return f"{purpose}-{uuid.uuid4().hex}"


def _read_answer(document: IO[bytes], pack_id: str) -> Answer:
    with document:
        charset = actual_charset(document)
        return read_pack(document.read(MAX_PARSED_BYTES + 1), charset, pack_id)


def _read_cards(document: IO[bytes], stock: StockAnswer) -> tuple[list[Card], list[UnreadableCard]]:
    cards: list[Card] = []
    unreadable: list[UnreadableCard] = []
    with document:
        for card in stock.read(chunks_of(document), actual_charset(document)):
            if isinstance(card, Card):
                cards.append(card)
            else:
                unreadable.append(card)
    return cards, unreadable


def _checked_id(document_id: str) -> str:
    if not document_id.isascii() or not document_id.isdecimal() or int(document_id) < 1:
        raise Refused(f"{document_id!r} is not an id of a document in Pohoda.")
    return document_id
