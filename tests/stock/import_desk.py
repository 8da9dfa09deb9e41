"""What tests of things that come together share: people's word on imports, odd clients, a check."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

import grpc

from spojka.api.orders.v1 import order_pb2
from spojka.api.stock.v1 import item_service_pb2 as api
from spojka.api.stock.v1.item_service_pb2_grpc import ImportServiceStub
from spojka.database import Database
from spojka.identity import Identity, Scope
from spojka.rpc.client import open_channel
from spojka.verification.model import Checked
from spojka.verification.snapshot import Snapshot
from stock.imports.service import ImportServicer
from stock.verification.verification import VERIFICATION
from stock.warehouses.errors import OutcomeUnknown, Refused
from stock.warehouses.port import (
    Acknowledgement,
    Card,
    CardPage,
    Document,
    OrderDocument,
    UnreadableCard,
    WarehouseInfo,
)
from tests.internal_calls import call_as, internal_server
from tests.stock.conftest import Merchant
from tests.stock.observed import ObservedClient
from tests.stock.scene import Scene

CARDS: Final = 12
"""Enough that all of them at nothing are a mass change, which waits for a person."""


@dataclass(frozen=True, slots=True)
class ImportDesk:
    """A person's word on imports, as the edge passes it on."""

    wire: grpc.aio.Channel

    async def call(
        self, merchant: Merchant, method: str, order: order_pb2.Order, **fields: Any
    ) -> api.Import:
        request = getattr(api, f"{method}Request")(order_id=order.id, **fields)
        identity = Identity(merchant.tenant, Scope.OPERATOR, "jana")
        answer = await call_as(identity, [ImportServiceStub(self.wire)], method, request)
        told: api.Import = getattr(answer, "import")
        return told


@asynccontextmanager
async def open_import_desk(database: Database) -> AsyncIterator[ImportDesk]:
    """The desk, with a server of its own; nobody is woken by what is said there."""
    servicer = ImportServicer(database, lambda: None, lambda _tenant: None)
    server = internal_server()
    server.add(api.DESCRIPTOR.services_by_name["ImportService"], servicer)
    await server.start()
    try:
        async with open_channel(f"127.0.0.1:{server.port}") as wire:
            yield ImportDesk(wire)
    finally:
        await server.stop()


@dataclass
class PartlyReadable(ObservedClient):
    """Answers in which some cards can't be read; of those in `nameless` not even the id."""

    unreadable: set[str] = field(default_factory=set)
    nameless: set[str] = field(default_factory=set)

    def _page(
        self, cards: Iterable[Card], position: str | None, warehouses: Sequence[str]
    ) -> CardPage:
        page = super()._page(cards, position, warehouses)
        bad = self.unreadable | self.nameless
        return replace(
            page,
            cards=[card for card in page.cards if card.card_id not in bad],
            unreadable=[
                UnreadableCard(
                    None if card.card_id in self.nameless else card.card_id,
                    f"the card {card.product_number} says no quantity",
                    f"<stock>{card.product_number}</stock>",
                )
                for card in page.cards
                if card.card_id in bad
            ],
        )


@dataclass
class StrictAboutIds(ObservedClient):
    """Refuses to read anything where one of the ids named is none, as Pohoda's client does."""

    async def read_documents(self, document_ids: Sequence[str]) -> Sequence[Document]:
        for document_id in document_ids:
            if not document_id.startswith("D"):
                raise Refused(f"{document_id!r} is not an id of a document")
        return await super().read_documents(document_ids)


@dataclass
class LateRequests(ObservedClient):
    """Requests to create take effect only when they are let through; nobody hears of it."""

    under_way: list[OrderDocument] = field(default_factory=list)

    async def create_document(self, document: OrderDocument, *, resend: bool) -> Acknowledgement:
        del resend
        self.under_way.append(document)
        raise OutcomeUnknown("no answer yet")


@dataclass
class WatchedWarehouses(ObservedClient):
    """Things can also happen while the warehouses are asked for, as a reading is begun."""

    async def warehouses(self) -> Sequence[WarehouseInfo]:
        found = await super().warehouses()
        await self.observer.answer()
        return found


MakeClient = Callable[..., ObservedClient]


async def scene_with(merchant: Merchant, client: MakeClient, **options: Any) -> Scene:
    """A scene whose worker asks through this client. What is due is not done yet."""
    scene = Scene(merchant)
    scene.worker = await merchant.worker()
    scene.worker.client = client(merchant.warehouse, scene.observer, **options)
    await scene.worker._recover()
    return scene


def break_off(scene: Scene) -> Callable[[], Awaitable[None]]:
    """What makes the request that is about to be made fail."""

    async def happening() -> None:
        scene.merchant.warehouse.refuse_connections = 1

    return happening


async def findings(merchant: Merchant) -> list[str]:
    """What `spojka verify` finds wrong with what is stored of the tenant's stock."""
    async with merchant.database.transaction(merchant.tenant) as connection:
        return [
            str(finding)
            async for finding in VERIFICATION.books(Snapshot(connection), merchant.tenant)
            if not isinstance(finding, Checked)
        ]


async def readings(merchant: Merchant) -> list[tuple[str, str]]:
    """Kind and state of each reading, oldest first."""
    async with merchant.database.transaction(merchant.tenant) as connection:
        cursor = await connection.execute(
            "SELECT kind, state FROM reading WHERE tenant_id = %s ORDER BY id", [merchant.tenant]
        )
        return [tuple(row) for row in await cursor.fetchall()]
