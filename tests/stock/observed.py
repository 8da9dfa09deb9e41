"""A model warehouse under observation: what was true when each request was answered.

The truth at a request is kept under the request's number, so that whatever the
service later believes can be held against what it was told. Things can be made
to happen while a request is under way, and the process can be made to die
there.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from stock.warehouses.port import (
    Acknowledgement,
    Card,
    CardKey,
    CardPage,
    Document,
    OrderDocument,
)
from tests.stock.conftest import Merchant
from tests.stock.warehouse_model import ModelClient, ModelWarehouse

Happening = Callable[[], Awaitable[None]]


class Died(BaseException):
    """The process ends here, as by kill -9."""


@dataclass(frozen=True, slots=True)
class Truth:
    """The warehouse as it was at one moment."""

    cards: dict[str, Card]
    documents: dict[str, Document]


@dataclass
class Observer:
    """What was true at each request's number, and what is to happen at the next requests."""

    merchant: Merchant
    truths: dict[int, Truth] = field(default_factory=dict)
    before: list[Happening] = field(default_factory=list)
    after: list[Happening] = field(default_factory=list)

    def note(self, number: int) -> Truth:
        """Keep the truth of now under a request's number."""
        warehouse = self.merchant.warehouse
        return self.truths.setdefault(
            number, Truth(dict(warehouse.cards), dict(warehouse.documents))
        )

    async def arrive(self) -> None:
        """Let happen what is to happen before the request has its effect."""
        while self.before:
            await self.before.pop(0)()

    async def answer(self) -> None:
        """Let happen what is to happen after the effect, before the answer is heard."""
        while self.after:
            await self.after.pop(0)()

    async def note_request(self) -> None:
        """Keep the truth of now under the number that was drawn last."""
        async with self.merchant.database.transaction(self.merchant.tenant) as connection:
            cursor = await connection.execute(
                "SELECT last FROM request_number WHERE tenant_id = %s", [self.merchant.tenant]
            )
            found = await cursor.fetchone()
        assert found is not None, "a request without a number"
        await self.arrive()
        self.note(found[0])


@dataclass
class ObservedClient(ModelClient):
    """A model client whose every request is observed."""

    warehouse: ModelWarehouse
    observer: Observer

    async def read_full(self, position: str | None, warehouses: Sequence[str]) -> CardPage:
        await self.observer.note_request()
        page = await super().read_full(position, warehouses)
        await self.observer.answer()
        return page

    async def read_changes(
        self, cursor: str, position: str | None, warehouses: Sequence[str]
    ) -> CardPage:
        await self.observer.note_request()
        page = await super().read_changes(cursor, position, warehouses)
        await self.observer.answer()
        return page

    async def read_cards(self, keys: Sequence[CardKey]) -> Sequence[Card]:
        await self.observer.note_request()
        cards = await super().read_cards(keys)
        await self.observer.answer()
        return cards

    async def create_document(self, document: OrderDocument, *, resend: bool) -> Acknowledgement:
        await self.observer.arrive()
        acknowledgement = await super().create_document(document, resend=resend)
        await self.observer.answer()
        return acknowledgement

    async def find_document(self, external_id: str, number: str) -> Document | None:
        await self.observer.note_request()
        document = await super().find_document(external_id, number)
        await self.observer.answer()
        return document

    async def read_documents(self, document_ids: Sequence[str]) -> Sequence[Document]:
        await self.observer.note_request()
        documents = await super().read_documents(document_ids)
        await self.observer.answer()
        return documents

    async def delete_document(self, document_id: str) -> None:
        await self.observer.arrive()
        await super().delete_document(document_id)
        await self.observer.answer()
