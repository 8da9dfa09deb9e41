"""The stand-in mServer as its people and bad luck handle it, and its own ledger."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import httpx

from sandbox.shops import Listing

TIMEOUT_SECONDS: Final = 20.0
KINDS_WITHOUT_STOCK: Final = frozenset({"text", "service"})


@dataclass(frozen=True, slots=True)
class Card:
    """A stock card of the ledger."""

    id: int
    store: str
    code: str
    ean: str
    name: str
    kind: str
    price: Decimal
    count: Decimal
    reservation: Decimal

    @property
    def free(self) -> Decimal:
        """What is on hand and not reserved."""
        return self.count - self.reservation

    @property
    def has_stock(self) -> bool:
        """Whether it is kept in the store at all."""
        return self.kind not in KINDS_WITHOUT_STOCK

    def listing(self) -> Listing:
        """The listing of a shop that sells it under its product number."""
        return Listing(
            id=self.code,
            name=self.name,
            price=self.price,
            product_number=self.code,
            ean=self.ean,
        )


@dataclass(frozen=True, slots=True)
class Document:
    """A received order of the ledger."""

    id: int
    number: str
    external_id: str
    is_open: bool
    is_reserved: bool
    lines: dict[int, Decimal]
    """Ordered quantity by line id."""


@dataclass(frozen=True, slots=True)
class Warehouse:
    """The control interface of the stand-in. Its calls raise httpx.HTTPError."""

    http: httpx.AsyncClient
    url: str

    async def cards(self) -> list[Card]:
        """All cards."""
        return [
            Card(
                id=card["id"],
                store=card["store"],
                code=card["code"],
                ean=card["ean"] or "",
                name=card["name"],
                kind=card["kind"],
                price=Decimal(card["selling_price"]),
                count=Decimal(card["count"]),
                reservation=Decimal(card["reservation"]),
            )
            for card in await self._ledger("cards")
        ]

    async def documents(self) -> list[Document]:
        """All received orders that were not deleted."""
        return [
            Document(
                id=order["id"],
                number=order["number"],
                external_id=(order["header"]["ext_id"] or {}).get("ids", ""),
                is_open=order["is_open"],
                is_reserved=order["is_reserved"],
                lines={line["id"]: Decimal(line["quantity"]) for line in order["lines"]},
            )
            for order in await self._ledger("orders")
        ]

    async def orders_created(self) -> int:
        """How many orders were ever made, also those that were deleted since."""
        count: int = (await self._ledger("counters"))["orders_created"]
        return count

    async def requests(self, kind: str = "") -> list[dict[str, Any]]:
        """The requests that came, oldest first; of one kind where it is named."""
        entries: list[dict[str, Any]] = await self._ledger("requests")
        return [entry for entry in entries if not kind or kind in entry["kinds"]]

    async def add_fault(self, **fields: Any) -> None:
        """Make something go wrong."""
        await self._do("POST", "faults", fields)

    async def deliver(self, document: Document, quantities: dict[int, Decimal]) -> None:
        """Deliver these quantities of the document's lines."""
        lines = {str(line_id): str(quantity) for line_id, quantity in quantities.items()}
        await self._do("POST", f"orders/{document.id}/deliver", {"lines": lines})

    async def execute(self, document: Document) -> None:
        """Mark the document as settled though not all was delivered."""
        await self._do("POST", f"orders/{document.id}/execute")

    async def move(self, card: Card, delta: int, note: str) -> None:
        """Make a receipt of a card, or an issue where `delta` is negative."""
        movement = {"store": card.store, "code": card.code, "delta": delta, "note": note}
        await self._do("POST", "movements", movement)

    async def delete(self, card: Card) -> None:
        """Delete a card that no order names."""
        await self._do("DELETE", f"cards/{card.id}")

    async def _ledger(self, part: str) -> Any:
        answer = await self._do("GET", f"ledger?parts={part}")
        return answer[part]

    async def _do(self, method: str, path: str, body: Any = None) -> Any:
        response = await self.http.request(method, f"/sandbox/{path}", json=body)
        response.raise_for_status()
        return response.json()


@asynccontextmanager
async def controlled(url: str) -> AsyncIterator[Warehouse]:
    """Take the controls of a stand-in for the time of a block."""
    async with httpx.AsyncClient(base_url=url, timeout=TIMEOUT_SECONDS, trust_env=False) as http:
        yield Warehouse(http, url)
