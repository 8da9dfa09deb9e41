"""How a shop sells: its orders, under its own ids, go to Spojka."""

from collections.abc import Mapping
from decimal import Decimal
from itertools import count

from sandbox.shops.edge import EdgeClient
from sandbox.shops.listing import Listing
from sandbox.shops.shelf import Shelf
from spojka.api.orders.v1 import order_pb2
from spojka.api.orders.v1 import order_service_pb2 as api
from spojka.api.orders.v1.order_service_pb2_grpc import OrderServiceStub
from spojka.values import ZERO, format_decimal

Basket = Mapping[str, int]
"""Pieces by listing."""

CUSTOMER = order_pb2.Customer(
    name="Jiřina Šťastná", email="jirina@example.com", phone="+420 600 000 000"
)
ADDRESS = order_pb2.Address(
    name="Jiřina Šťastná", street="Příčná 12", city="Brno", postal_code="60200", country="CZ"
)


class Till:
    """Takes, amends and cancels the orders of one shop.

    Its errors are those of the calls (RequestError). What is sold leaves the
    shelf before Spojka is told, so that the shop never sells a piece twice.
    """

    def __init__(
        self,
        edge: EdgeClient,
        channel_id: str,
        shelf: Shelf,
        listings: Mapping[str, Listing],
        order_prefix: str,
    ) -> None:
        """Number orders from `order_prefix` with 1 on."""
        self._edge = edge
        self._orders = OrderServiceStub(edge.channel)
        self._channel_id = channel_id
        self._shelf = shelf
        self._listings = listings
        self._numbers = (f"{order_prefix}{number:04}" for number in count(1))

    async def sell(self, basket: Basket, *, variable_symbol: str = "") -> order_pb2.Order:
        """Sell; returns the order as Spojka took it.

        With a variable symbol it is paid by a transfer that bears it, else on
        delivery.
        """
        order = self._order(next(self._numbers), basket)
        if variable_symbol:
            order.payment_method = order_pb2.PAYMENT_METHOD_BANK_TRANSFER
            order.payment_method_name = "Bankovní převod"
            order.references.variable_symbol = variable_symbol
        self._take(basket)
        answer = await self._edge.call(self._orders.PlaceOrder, api.PlaceOrderRequest(order=order))
        return answer.order

    async def amend(self, order: order_pb2.Order, basket: Basket) -> order_pb2.Order:
        """Let the customer change the order to `basket`; further pieces leave the shelf at once."""
        before = {line.listing_id: Decimal(line.quantity) for line in order.lines}
        self._take(
            {
                listing_id: more
                for listing_id, pieces in basket.items()
                if (more := int(pieces - before.get(listing_id, ZERO))) > 0
            }
        )
        request = api.AmendOrderRequest(
            id=order.id,
            expected_revision=order.content_revision,
            order=self._order(order.channel_order_id, basket),
        )
        return (await self._edge.call(self._orders.AmendOrder, request)).order

    async def cancel(self, order: order_pb2.Order, reason: str) -> order_pb2.Order:
        """Cancel the order; the pieces are back when Spojka says so."""
        request = api.CancelOrderRequest(
            id=order.id, expected_revision=order.content_revision, reason=reason
        )
        return (await self._edge.call(self._orders.CancelOrder, request)).order

    async def look_up(self, order: order_pb2.Order) -> order_pb2.Order:
        """The order as it stands now."""
        request = api.GetOrderRequest(id=order.id)
        return (await self._edge.call(self._orders.GetOrder, request)).order

    def _take(self, basket: Basket) -> None:
        for listing_id, pieces in basket.items():
            self._shelf.sell(listing_id, Decimal(pieces))

    def _order(self, number: str, basket: Basket) -> order_pb2.Order:
        return order_pb2.Order(
            channel_id=self._channel_id,
            channel_order_id=number,
            currency="CZK",
            prices_include_vat=True,
            customer=CUSTOMER,
            billing_address=ADDRESS,
            lines=[self._line(listing_id, pieces) for listing_id, pieces in basket.items()],
            shipping_method="PPL",
            payment_method=order_pb2.PAYMENT_METHOD_CASH_ON_DELIVERY,
            payment_method_name="Dobírka",
        )

    def _line(self, listing_id: str, pieces: int) -> order_pb2.OrderLine:
        listing = self._listings[listing_id]
        return order_pb2.OrderLine(
            id=listing_id,
            kind=order_pb2.LINE_KIND_GOODS,
            listing_id=listing_id,
            product_number=listing.product_number,
            ean=listing.ean,
            name=listing.name,
            quantity=str(pieces),
            unit_price=format_decimal(listing.price),
            vat_rate=format_decimal(listing.vat_rate),
        )
