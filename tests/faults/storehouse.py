"""The people of the warehouse, and its own ledger as the judgement reads it."""

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any, Final

import httpx

from sandbox.demo.warehouse import Warehouse
from tests.faults.desk import Accepted
from tests.faults.story import Story

PATIENCE_SECONDS: Final = 120.0
LOOK_SECONDS: Final = 0.1
STORES: Final = ("HLAVNI", "BRNO")
ON_HAND: Final = 400
"""So many of each card that nothing ever sells out: a shortage would hide what is held twice."""


@dataclass(frozen=True, slots=True)
class LedgerDocument:
    """A received order of the ledger; quantities by product number."""

    id: int
    number: str
    order_id: str
    content_revision: int
    is_cancelled: bool
    is_executed: bool
    quantities: dict[str, Decimal]
    delivered: dict[str, Decimal]
    line_ids: dict[str, int]


@dataclass(frozen=True, slots=True)
class Ledger:
    """The company's own record at one moment; what is free by product number."""

    documents: list[LedgerDocument]
    free: dict[str, Decimal]
    orders_created: int


@dataclass(frozen=True, slots=True)
class Storehouse:
    """The stand-in mServer in the hands of its people, who try again while it is away."""

    warehouse: Warehouse
    story: Story

    async def stock(self, products: list[str]) -> None:
        """Put two stores and their cards into the empty company."""
        for store in STORES:
            await self._post("stores", {"name": store})
        cards = [
            {"store": store, "code": product, "name": f"Goods {product}", "count": ON_HAND}
            for store in STORES
            for product in products
        ]
        await self._post("cards", cards)

    async def put_cards(self, cards: list[dict[str, Any]]) -> None:
        """Put cards as they are said to be, all in one step, until it is known to be done."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    await self._post("cards", cards)
                except httpx.TransportError:
                    await asyncio.sleep(LOOK_SECONDS)
                else:
                    return

    async def ledger(self) -> Ledger:
        """Read the ledger."""
        answer = await self._get("ledger?parts=orders,cards,counters")
        free: dict[str, Decimal] = {}
        for card in answer["cards"]:
            number = Decimal(card["count"]) - Decimal(card["reservation"])
            free[card["code"]] = free.get(card["code"], Decimal(0)) + number
        return Ledger(
            [_document(order) for order in answer["orders"]],
            free,
            answer["counters"]["orders_created"],
        )

    async def requests(self) -> list[dict[str, Any]]:
        """Read the journal of the requests that came."""
        answer = await self._get("ledger?parts=requests")
        return list(answer["requests"])

    async def move(self, random: Random, product: str) -> None:
        """Receive or issue some pieces. The ledger says what became of it."""
        delta = random.choice([-3, -2, -1, 1, 2, 5])
        try:
            await self.warehouse.http.post(
                "/sandbox/movements",
                json={"store": random.choice(STORES), "code": product, "delta": delta},
            )
        except httpx.TransportError as error:
            self.story.note(f"nobody can tell whether {product} moved by {delta}: {error!r}")
        else:
            self.story.note(f"{product} moved by {delta}")

    async def deliver(self, accepted: Accepted, *, whole: bool) -> None:
        """Deliver an order once its document stands: all of it, or one piece of one line."""
        document = await self._standing(accepted)
        product = min(document.quantities)
        wanted = dict(document.quantities) if whole else {product: Decimal(1)}
        # Deliveries add up: after a break the ledger is asked what is still to be delivered.
        while True:
            document = await self._standing(accepted)
            missing = {
                str(document.line_ids[product]): str(pieces - document.delivered[product])
                for product, pieces in wanted.items()
                if pieces > document.delivered[product]
            }
            if not missing:
                break
            try:
                await self.warehouse.http.post(
                    f"/sandbox/orders/{document.id}/deliver", json={"lines": missing}
                )
            except httpx.TransportError:
                await asyncio.sleep(LOOK_SECONDS)
        accepted.delivered = wanted
        self.story.note(f"{accepted.number} delivered: {', '.join(wanted)}")

    async def add_fault(self, **fields: Any) -> None:
        """Make something go wrong."""
        await self._post("faults", fields)

    async def clear_faults(self) -> None:
        """Let nothing more go wrong."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    answer = await self.warehouse.http.delete("/sandbox/faults")
                except httpx.TransportError:
                    await asyncio.sleep(LOOK_SECONDS)
                else:
                    answer.raise_for_status()
                    return

    async def until_no_fault_is_left(self) -> None:
        """Wait until everything that was to go wrong has gone wrong."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self._get("faults"):  # noqa: ASYNC110 - another process tells
                await asyncio.sleep(LOOK_SECONDS)

    async def _standing(self, accepted: Accepted) -> LedgerDocument:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                for document in await self._documents():
                    if (document.order_id, document.content_revision) == (
                        accepted.id,
                        accepted.content_revision,
                    ):
                        return document
                await asyncio.sleep(LOOK_SECONDS)

    async def _documents(self) -> list[LedgerDocument]:
        answer = await self._get("ledger?parts=orders")
        return [_document(order) for order in answer["orders"]]

    async def _get(self, path: str) -> Any:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    answer = await self.warehouse.http.get(f"/sandbox/{path}")
                except httpx.TransportError:
                    await asyncio.sleep(LOOK_SECONDS)
                else:
                    answer.raise_for_status()
                    return answer.json()

    async def _post(self, path: str, body: Any) -> None:
        (await self.warehouse.http.post(f"/sandbox/{path}", json=body)).raise_for_status()


def _document(order: dict[str, Any]) -> LedgerDocument:
    external_id = (order["header"]["ext_id"] or {}).get("ids", "")
    order_id, _, revision = external_id.rpartition(".")
    goods = [line for line in order["lines"] if line["card_id"] is not None]
    quantities: dict[str, Decimal] = {}
    delivered: dict[str, Decimal] = {}
    for line in goods:
        code = line["code"]
        quantities[code] = quantities.get(code, Decimal(0)) + Decimal(line["quantity"])
        delivered[code] = delivered.get(code, Decimal(0)) + Decimal(line["delivered"])
    return LedgerDocument(
        order["id"],
        order["number"],
        order_id,
        int(revision or 0),
        order["cancelled_on"] is not None,
        order["is_executed"],
        quantities,
        delivered,
        {line["code"]: line["id"] for line in goods},
    )
