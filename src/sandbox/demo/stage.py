"""What the story is played on, and what every chapter asks of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import httpx

from sandbox.banks import Street
from sandbox.demo.expectations import eventually
from sandbox.demo.figures import Figures
from sandbox.demo.narrator import Narrator
from sandbox.demo.office import Office
from sandbox.demo.treasury import Treasury
from sandbox.demo.warehouse import Card, Warehouse
from sandbox.shops import GrpcShop, KafkaShop
from spojka.api.stock.v1 import warehouse_service_pb2 as api
from spojka.values import ZERO, parse_decimal


@dataclass(frozen=True, slots=True)
class Product:
    """One item of the story: what both shops sell under the same product number."""

    code: str
    name: str
    cards: Sequence[Card]

    @property
    def at_market(self) -> str:
        """Its listing on the marketplace, which has ids of its own."""
        return market_id(self.code)

    @property
    def free(self) -> Decimal:
        """What the warehouse had free of it over all stores when the story began."""
        return sum((card.free for card in self.cards), ZERO)


@dataclass(slots=True)
class Stage:
    """The partners, the shops, and the items that the story is about."""

    narrator: Narrator
    warehouse: Warehouse
    office: Office
    eshop: GrpcShop
    market: KafkaShop
    tenant: str
    sold: Product
    """The item that is ordered, delivered and cancelled."""
    moved: Product
    """The item that the warehouse receives more of."""
    connection: api.Connection
    banks: Street
    treasury: Treasury

    async def figures(self, product: Product) -> Figures:
        """The item's numbers now, everywhere."""
        trace = await self.office.trace(product.code)
        return Figures(
            on_hand=sum((parse_decimal(level.on_hand) for level in trace.levels), ZERO),
            reserved=sum((parse_decimal(level.reserved) for level in trace.levels), ZERO),
            held=sum((parse_decimal(hold.live) for hold in trace.holds), ZERO),
            available=parse_decimal(trace.item.available),
            eshop=self.eshop.shelf.shown(product.code),
            market=self.market.shelf.shown(product.at_market),
        )

    async def until_figures(self, moment: str, product: Product, expected: Figures) -> None:
        """Wait until the item's numbers are these everywhere; print them. Raises Unexpected."""

        async def look() -> Figures:
            return await self.figures(product)

        figures = await eventually(look, expected.__eq__, str(expected))
        self.narrator.figures(moment, figures)

    async def expected_shelf(self) -> Mapping[str, int]:
        """What a shop must show of each product number: the ledger's own sum, in whole pieces."""
        free: dict[str, Decimal] = {}
        for card in await self.warehouse.cards():
            if card.has_stock:
                free[card.code] = free.get(card.code, ZERO) + card.free
        return {code: int(max(number, ZERO)) for code, number in free.items()}

    async def send_impulse(self) -> None:
        """Hint that something changed, as the merchant's own system would. Raises HTTPError."""
        async with httpx.AsyncClient(trust_env=False) as http:
            (await http.post(self.connection.impulse_url)).raise_for_status()


def market_id(code: str) -> str:
    """The marketplace's own id of the listing of a product number."""
    return f"M-{code}"
