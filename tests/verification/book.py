"""A shop's orders, lived through by the service's own code."""

from decimal import Decimal
from uuid import UUID, uuid4

from orders.import_events import ImportEvents
from orders.payment_events import PaymentEvents
from orders.rpc.channel_service import ChannelServicer
from orders.rpc.order_service import OrderServicer
from spojka.api.common.v1.money_pb2 import Money
from spojka.api.orders.v1 import channel_service_pb2, order_pb2, order_service_pb2
from spojka.api.payments.v1 import events_pb2 as payment_events
from spojka.api.stock.v1 import events_pb2 as stock_events
from spojka.database import Database
from spojka.identity import Identity, Scope
from spojka.rpc.client import open_channel
from spojka.rpc.server import Server
from tests.orders.shop import INTERNAL_TOKEN, Shop, an_order
from tests.payments.scene import received


async def live_with_orders(database: Database) -> UUID:
    """Orders placed, amended, paid, imported, shipped and cancelled; returns the tenant."""
    tenant = uuid4()
    server = Server("127.0.0.1", 0, internal_token=INTERNAL_TOKEN, call_deadline_seconds=30.0)
    channels, orders = channel_service_pb2.DESCRIPTOR, order_service_pb2.DESCRIPTOR
    server.add(channels.services_by_name["ChannelService"], ChannelServicer(database))
    server.add(orders.services_by_name["OrderService"], OrderServicer(database, lambda: None))
    await server.start()
    try:
        async with open_channel(f"127.0.0.1:{server.port}") as wire:
            shop = Shop(wire, Identity(tenant, Scope.OPERATOR, "operator"))
            await shop.create_channel(paid="to be sent", delivered="done")
            await _sell(shop, database)
    finally:
        await server.stop()
    return tenant


async def _sell(shop: Shop, database: Database) -> None:
    paid, part, amended, cancelled, _open = [
        await shop.placed(an_order(f"A-{place}")) for place in range(5)
    ]
    await _pay(database, shop.tenant, paid, Decimal(paid.total))
    await _pay(database, shop.tenant, part, Decimal(100))
    await _import(database, shop.tenant, paid)
    await shop.ship(paid)
    del amended.lines[1]
    amended.total = "399.80"
    await shop.amend(amended)
    await _pay(database, shop.tenant, cancelled, Decimal(50))
    await shop.cancel(await shop.get(cancelled.id), reason="changed their mind")


async def _pay(database: Database, tenant: UUID, order: order_pb2.Order, amount: Decimal) -> None:
    state = order_pb2.PAYMENT_STATE_PARTIAL
    if amount == Decimal(order.total):
        state = order_pb2.PAYMENT_STATE_PAID
    event = payment_events.OrderPaymentChanged(
        tenant_id=str(tenant),
        order_id=order.id,
        revision=1,
        amount_paid=Money(currency="CZK", amount=str(amount)),
        payment_state=state,
    )
    async with database.transaction(tenant) as connection:
        await PaymentEvents().handle(connection, tenant, [received(tenant, event)])


async def _import(database: Database, tenant: UUID, order: order_pb2.Order) -> None:
    report = order_pb2.OrderImport(
        state=order_pb2.IMPORT_STATE_ACKED,
        document_id="7",
        document_number="OBJ7",
        revision=1,
        content_revision=1,
    )
    event = stock_events.OrderImported(tenant_id=str(tenant), order_id=order.id)
    getattr(event, "import").CopyFrom(report)
    async with database.transaction(tenant) as connection:
        await ImportEvents().handle(connection, tenant, [received(tenant, event)])
