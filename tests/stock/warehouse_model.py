"""A warehouse system in memory behind the port: serial, honest, and inspectable.

It stands for any system in tests of the core; each partner's own behaviour is
tested against its sandbox.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from stock.warehouses.errors import OutcomeUnknown, Refused, Unavailable
from stock.warehouses.port import (
    Acknowledgement,
    Card,
    CardKey,
    CardKind,
    CardPage,
    Document,
    DocumentLine,
    LineKind,
    OrderDocument,
    OrderLine,
    Probe,
    SystemInfo,
    WarehouseInfo,
)

ZERO = Decimal(0)


@dataclass
class ModelWarehouse:
    """The truth of the warehouse system. Cards by id; documents by id."""

    cards: dict[str, Card] = field(default_factory=dict)
    documents: dict[str, Document] = field(default_factory=dict)
    imports: list[str] = field(default_factory=list)
    lose_answers: int = 0
    lose_requests: int = 0
    refuse_connections: int = 0
    reserves: bool = True
    page_size: int = 100
    requests: list[str] = field(default_factory=list)
    states: list[dict[str, Card]] = field(default_factory=list)
    next_probe: Probe = field(default_factory=lambda: Probe((), (), "cursor"))

    def put(
        self,
        number: str,
        warehouse: str = "MAIN",
        on_hand: str = "10",
        *,
        ean: str | None = None,
        kind: CardKind = CardKind.GOODS,
    ) -> Card:
        """Add a card."""
        card = Card(
            card_id=str(max(map(int, self.cards), default=0) + 1),
            warehouse=warehouse,
            product_number=number,
            ean=ean,
            name=f"Item {number}",
            unit="ks",
            kind=kind,
            on_hand=Decimal(on_hand),
            reserved=ZERO,
            ordered=ZERO,
        )
        self.cards[card.card_id] = card
        return card

    def card(self, number: str, warehouse: str = "MAIN") -> Card:
        """The card of a product in a warehouse."""
        return next(
            card
            for card in self.cards.values()
            if card.product_number == number and card.warehouse == warehouse
        )

    def move(self, number: str, delta: str, warehouse: str = "MAIN") -> None:
        """Receive or issue goods."""
        card = self.card(number, warehouse)
        self.cards[card.card_id] = replace(card, on_hand=card.on_hand + Decimal(delta))

    def empty(self) -> None:
        """Leave nothing of any card."""
        for card_id, card in self.cards.items():
            self.cards[card_id] = replace(card, on_hand=ZERO)

    def deliver(self, document_id: str, line: int, quantity: str) -> None:
        """Deliver part of a document's line."""
        document = self.documents[document_id]
        found = document.lines[line]
        part = min(Decimal(quantity), found.quantity - found.delivered)
        lines = list(document.lines)
        lines[line] = replace(found, delivered=found.delivered + part)
        self._count(document, -1)
        after = replace(document, lines=tuple(lines), linked=True)
        if all(entry.delivered >= entry.quantity for entry in lines):
            after = replace(after, executed=True)
        self.documents[document_id] = after
        self._count(after, 1)
        self.move(found.product_number or "", str(-part), found.warehouse or "")

    def execute(self, document_id: str) -> None:
        """Mark a document as settled."""
        self._change(document_id, executed=True)

    def unreserve(self, document_id: str) -> None:
        """Take a document's reservation away."""
        self._change(document_id, reserved=False)

    def reserve(self, document_id: str) -> None:
        """Give a document its reservation back."""
        self._change(document_id, reserved=True)

    def cancel(self, document_id: str) -> None:
        """Cancel a document by hand."""
        self._change(document_id, cancelled=True)

    def delete(self, document_id: str) -> None:
        """Delete a document by hand."""
        self._count(self.documents.pop(document_id), -1)

    def open_documents(self) -> list[str]:
        """The ids of documents that are neither settled nor cancelled."""
        return [
            key
            for key, document in self.documents.items()
            if not document.executed and not document.cancelled
        ]

    def _change(self, document_id: str, **changes: Any) -> None:
        document = self.documents[document_id]
        self._count(document, -1)
        after = replace(document, **changes)
        self.documents[document_id] = after
        self._count(after, 1)

    def _count(self, document: Document, sign: int) -> None:
        if document.executed or document.cancelled:
            return
        for line in document.lines:
            if not line.product_number:
                continue
            card = self.card(line.product_number, line.warehouse or "")
            rest = sign * (line.quantity - line.delivered)
            self.cards[card.card_id] = replace(
                card,
                ordered=card.ordered + rest,
                reserved=card.reserved + (rest if document.reserved else 0),
            )

    def place_of(self, line: OrderLine) -> str | None:
        """The warehouse that a line is of; None where no card has its number there."""
        return next(
            (
                card.warehouse
                for card in self.cards.values()
                if card.product_number == line.product_number
                and line.warehouse in {"", card.warehouse}
            ),
            None,
        )

    def create(self, order: OrderDocument) -> Document:
        """Make a document of an order."""
        document = Document(
            document_id=f"D{len(self.imports) + 1}",
            number=f"26{len(self.imports) + 1:04}",
            external_id=order.external_id,
            reserved=order.reserve and self.reserves,
            executed=False,
            cancelled=False,
            linked=False,
            lines=tuple(
                DocumentLine(line.product_number, self.place_of(line), line.quantity, ZERO)
                for line in order.lines
                if line.kind is LineKind.GOODS
            ),
        )
        self.imports.append(order.external_id)
        self.documents[document.document_id] = document
        self._count(document, 1)
        return document


@dataclass
class ModelClient:
    """The client of a model warehouse."""

    warehouse: ModelWarehouse

    async def test(self) -> SystemInfo:
        return SystemInfo("a model")

    async def warehouses(self) -> Sequence[WarehouseInfo]:
        self._arrive("warehouses")
        codes = sorted({card.warehouse for card in self.warehouse.cards.values()})
        return [WarehouseInfo(code, code) for code in codes]

    async def read_full(self, position: str | None, warehouses: Sequence[str]) -> CardPage:
        self._arrive("read_full")
        return self._page(self.warehouse.cards.values(), position, warehouses)

    async def read_changes(
        self, cursor: str, position: str | None, warehouses: Sequence[str]
    ) -> CardPage:
        self._arrive("read_changes")
        before = self.warehouse.states[int(cursor)]
        changed = [
            card for card in self.warehouse.cards.values() if before.get(card.card_id) != card
        ]
        return self._page(changed, position, warehouses)

    def _page(
        self, cards: Iterable[Card], position: str | None, warehouses: Sequence[str]
    ) -> CardPage:
        wanted = sorted(
            (card for card in cards if card.warehouse in warehouses),
            key=lambda card: int(card.card_id),
        )
        page = [card for card in wanted if int(card.card_id) > int(position or 0)]
        cursor = None
        if position is None:
            # What changes while the reading is under way is read again by the next one.
            self.warehouse.states.append(dict(self.warehouse.cards))
            cursor = str(len(self.warehouse.states) - 1)
        more = len(page) > self.warehouse.page_size
        page = page[: self.warehouse.page_size]
        return CardPage(page, next_position=page[-1].card_id if more else None, cursor=cursor)

    async def read_cards(self, keys: Sequence[CardKey]) -> Sequence[Card]:
        self._arrive("read_cards")
        wanted = {(key.warehouse, key.product_number) for key in keys}
        return [
            card
            for card in self.warehouse.cards.values()
            if (card.warehouse, card.product_number) in wanted
        ]

    async def probe(self, _cursor: str | None) -> Probe:
        self._arrive("probe")
        told, self.warehouse.next_probe = self.warehouse.next_probe, Probe((), (), "cursor")
        return told

    async def create_document(self, document: OrderDocument, *, resend: bool) -> Acknowledgement:
        self._arrive("create")
        for line in document.lines:
            if line.kind is LineKind.GOODS and self.warehouse.place_of(line) is None:
                raise Refused("unknown product", "mend it", (line.line_id,))
        self._carry_out()
        same = self._find(document.external_id)
        made = same if same is not None and resend else self.warehouse.create(document)
        self._answer()
        return Acknowledgement(made.document_id, made.number)

    async def find_document(self, external_id: str, _number: str) -> Document | None:
        self._arrive("find_document")
        return self._find(external_id)

    def _find(self, external_id: str) -> Document | None:
        return next(
            (
                document
                for document in self.warehouse.documents.values()
                if document.external_id == external_id
            ),
            None,
        )

    async def read_documents(self, document_ids: Sequence[str]) -> Sequence[Document]:
        self._arrive("read_documents")
        return [
            self.warehouse.documents[key] for key in document_ids if key in self.warehouse.documents
        ]

    async def delete_document(self, document_id: str) -> None:
        self._arrive("delete")
        self._carry_out()
        if document_id in self.warehouse.documents:
            if self.warehouse.documents[document_id].linked:
                raise Refused("another document hangs on it", "delete that one first")
            self.warehouse.delete(document_id)
        self._answer()

    async def close(self) -> None:
        return None

    def _arrive(self, what: str) -> None:
        if self.warehouse.refuse_connections:
            self.warehouse.refuse_connections -= 1
            raise Unavailable("refused", "start it")
        self.warehouse.requests.append(what)

    def _carry_out(self) -> None:
        if self.warehouse.lose_requests:
            self.warehouse.lose_requests -= 1
            raise OutcomeUnknown("the request was lost")

    def _answer(self) -> None:
        if self.warehouse.lose_answers:
            self.warehouse.lose_answers -= 1
            raise OutcomeUnknown("the answer was lost")
