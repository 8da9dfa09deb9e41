"""A caller of the orders service, and the orders that it sends."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import grpc

from spojka.api.orders.v1 import channel_service_pb2, order_pb2, order_service_pb2
from spojka.api.orders.v1.channel_service_pb2_grpc import ChannelServiceStub
from spojka.api.orders.v1.order_service_pb2_grpc import OrderServiceStub
from spojka.identity import Identity, Scope
from tests.internal_calls import call_as

ESHOP = "eshop-cz"


@dataclass(frozen=True, slots=True)
class Shop:
    """Calls as one identity. What a call ends with is raised as `spojka.errors` has it."""

    wire: grpc.aio.Channel
    identity: Identity

    def as_tenant(self, tenant: UUID) -> "Shop":
        return Shop(self.wire, replace(self.identity, tenant_id=tenant))

    def as_channel(self, channel_id: str) -> "Shop":
        narrow = replace(self.identity, scope=Scope.CHANNEL, channel_id=channel_id)
        return Shop(self.wire, narrow)

    @property
    def tenant(self) -> UUID:
        return self.identity.tenant

    async def call(self, method: str, request: Any) -> Any:
        """Call a method of either service by its name."""
        stubs = (OrderServiceStub(self.wire), ChannelServiceStub(self.wire))
        return await call_as(self.identity, stubs, method, request)

    async def create_channel(
        self, channel_id: str = ESHOP, **rule: Any
    ) -> channel_service_pb2.Channel:
        channel = channel_service_pb2.Channel(
            id=channel_id,
            name=channel_id.upper(),
            status_rule=channel_service_pb2.StatusRule(**rule) if rule else None,
        )
        request = channel_service_pb2.CreateChannelRequest(channel=channel)
        created: channel_service_pb2.Channel = (await self.call("CreateChannel", request)).channel
        return created

    async def place(self, order: order_pb2.Order) -> order_service_pb2.PlaceOrderResponse:
        request = order_service_pb2.PlaceOrderRequest(order=order)
        response: order_service_pb2.PlaceOrderResponse = await self.call("PlaceOrder", request)
        return response

    async def placed(self, order: order_pb2.Order) -> order_pb2.Order:
        return (await self.place(order)).order

    async def place_many(
        self, *orders: order_pb2.Order
    ) -> list[order_service_pb2.PlaceOrderResult]:
        request = order_service_pb2.PlaceOrdersRequest(orders=orders)
        return list((await self.call("PlaceOrders", request)).results)

    async def get(self, order_id: str) -> order_pb2.Order:
        request = order_service_pb2.GetOrderRequest(id=order_id)
        order: order_pb2.Order = (await self.call("GetOrder", request)).order
        return order

    async def amend(
        self, order: order_pb2.Order, *, expected: int | None = None
    ) -> order_pb2.Order:
        request = order_service_pb2.AmendOrderRequest(
            id=order.id,
            expected_revision=order.content_revision if expected is None else expected,
            order=order,
        )
        amended: order_pb2.Order = (await self.call("AmendOrder", request)).order
        return amended

    async def cancel(
        self, order: order_pb2.Order, *, expected: int | None = None, reason: str = ""
    ) -> order_pb2.Order:
        request = order_service_pb2.CancelOrderRequest(
            id=order.id,
            expected_revision=order.content_revision if expected is None else expected,
            reason=reason,
        )
        cancelled: order_pb2.Order = (await self.call("CancelOrder", request)).order
        return cancelled

    async def ship(self, order: order_pb2.Order, **lines: str) -> order_pb2.Order:
        """Mark lines, named as `line_1="2"`, or the whole order as shipped."""
        request = order_service_pb2.MarkShippedRequest(id=order.id)
        for name, quantity in lines.items():
            request.lines.add(line_id=name.removeprefix("line_"), quantity=quantity)
        shipped: order_pb2.Order = (await self.call("MarkShipped", request)).order
        return shipped

    async def history(self, order: order_pb2.Order) -> list[str]:
        request = order_service_pb2.ListOrderHistoryRequest(id=order.id)
        entries = (await self.call("ListOrderHistory", request)).entries
        return [entry.summary for entry in entries]

    async def task_kinds(self, order: order_pb2.Order) -> list[str]:
        request = order_service_pb2.ListOrderTasksRequest(order_id=order.id)
        return [task.kind for task in (await self.call("ListOrderTasks", request)).tasks]


def an_order(channel_order_id: str = "A-1", **fields: Any) -> order_pb2.Order:
    """An order of 2 × 199.90 and carriage of 99, 498.80 in all."""
    order = order_pb2.Order(
        channel_id=ESHOP,
        channel_order_id=channel_order_id,
        currency="CZK",
        prices_include_vat=True,
        customer=order_pb2.Customer(name="Jan Novák", email="jan@example.cz"),
        billing_address=order_pb2.Address(
            name="Jan Novák", street="Dlouhá 1", city="Praha", postal_code="11000", country="CZ"
        ),
        lines=[
            order_pb2.OrderLine(
                product_number="KLADIVO-1",
                name="Kladivo tesařské",
                quantity="2",
                unit_price="199.90",
                vat_rate="21",
            ),
            order_pb2.OrderLine(
                kind=order_pb2.LINE_KIND_SHIPPING,
                name="Zásilkovna",
                quantity="1",
                unit_price="99",
                vat_rate="21",
            ),
        ],
        payment_method=order_pb2.PAYMENT_METHOD_BANK_TRANSFER,
    )
    order.MergeFrom(order_pb2.Order(**fields))
    return order


def a_large_order(channel_order_id: str) -> order_pb2.Order:
    """An order of some 450 KB, near the largest that is taken."""
    order = an_order(channel_order_id)
    for _ in range(398):
        order.lines.add(
            product_number="漢" * 64,
            listing_id="漢" * 50,
            name="漢" * 255,
            quantity="1",
            unit_price="1",
        )
    return order
