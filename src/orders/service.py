"""The service `orders`, put together."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from orders import import_events, payment_events
from orders.rpc.channel_service import ChannelServicer
from orders.rpc.order_service import OrderServicer
from spojka.api.orders.v1 import channel_service_pb2, order_service_pb2
from spojka.delivery.consumer import Consumer
from spojka.delivery.handler import Kind, Route
from spojka.rpc.server import Server
from spojka.service import Component, Ground, Service
from spojka.topics import Topic

CONSUMER_GROUP: Final = "orders"


@dataclass(frozen=True, slots=True)
class OrdersService:
    """The order book and the sales channels."""

    name: str = "orders"
    default_port: int = 50052
    consumer_groups: Sequence[str] = (CONSUMER_GROUP,)

    @property
    def migrations(self) -> Traversable:
        """The folder of its migrations."""
        return files("orders") / "migrations"

    def assemble(self, ground: Ground, server: Server) -> Sequence[Component]:
        """Serve both services, and listen to what stock and payments tell of orders."""
        channels, orders = channel_service_pb2.DESCRIPTOR, order_service_pb2.DESCRIPTOR
        server.add(channels.services_by_name["ChannelService"], ChannelServicer(ground.database))
        server.add(
            orders.services_by_name["OrderService"],
            OrderServicer(ground.database, ground.relay.nudge),
        )
        return [consumer(ground)]


def consumer(ground: Ground) -> Consumer:
    """The member of the group that takes reports about orders."""
    return Consumer(
        CONSUMER_GROUP,
        topics=[Topic.IMPORTS, Topic.PAYMENTS],
        routes=[
            Route(import_events.TYPES, import_events.ImportEvents(), Kind.STATE),
            Route(payment_events.TYPES, payment_events.PaymentEvents(), Kind.STATE),
        ],
        database=ground.database,
        settings=ground.settings,
        health=ground.health,
        after_commit=ground.relay.nudge,
    )


SERVICE: Final[Service] = OrdersService()
