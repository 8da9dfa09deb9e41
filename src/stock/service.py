"""The composition of the service `stock`."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final
from uuid import UUID

from spojka.api.stock.v1 import item_service_pb2, listing_service_pb2, warehouse_service_pb2
from spojka.delivery.consumer import Consumer
from spojka.delivery.handler import Kind, Route
from spojka.outbound import OutboundPolicy
from spojka.rpc.server import Server
from spojka.secrets import Seal
from spojka.service import Component, Ground
from spojka.topics import Topic
from stock.connections.service import WarehouseServicer
from stock.imports.intake import ORDER_EVENTS, OrderIntake
from stock.imports.resolving import UnsentOrders
from stock.imports.service import ImportServicer
from stock.items.service import ItemServicer
from stock.listings.directory import ChannelDirectory
from stock.listings.feed import ChangeFeed
from stock.listings.service import ListingServicer
from stock.warehouses.registry import SYSTEMS
from stock.worker.janitor import Janitor
from stock.worker.scheduler import Scheduler

ORDERS_GROUP: Final = "stock"


@dataclass(frozen=True, slots=True)
class StockService:
    """Levels, holds, links and the import of orders."""

    name: str = "stock"
    default_port: int = 50051
    consumer_groups: Sequence[str] = (ORDERS_GROUP,)

    @property
    def migrations(self) -> Traversable:
        """The folder of its migrations."""
        return files("stock") / "migrations"

    def assemble(self, ground: Ground, server: Server) -> Sequence[Component]:
        """Put the parts together; what commits nudges the relay and the watchers."""
        settings, database = ground.settings, ground.database
        outbound = OutboundPolicy(allow_private=settings.allow_private_targets)
        seal = Seal(settings.sealing)
        feed = ChangeFeed(database)
        directory = ChannelDirectory(settings.orders_address, settings.required_internal_token())

        def after_commit(tenant_id: UUID) -> None:
            ground.relay.nudge()
            feed.nudge(tenant_id)

        scheduler = Scheduler(database, SYSTEMS, seal, outbound, after_commit, ground.health)
        intake = OrderIntake()

        def after_orders() -> None:
            while intake.touched:
                after_commit(intake.touched.pop())
            scheduler.wake()

        consumer = Consumer(
            ORDERS_GROUP,
            topics=[Topic.ORDERS],
            routes=[Route(frozenset(ORDER_EVENTS), intake, Kind.STATE)],
            database=database,
            settings=settings,
            health=ground.health,
            after_commit=after_orders,
        )
        warehouses = WarehouseServicer(
            database, SYSTEMS, seal, outbound, settings.public_url, scheduler.wake, after_commit
        )
        for descriptor, servicer in (
            (warehouse_service_pb2.DESCRIPTOR.services_by_name["WarehouseService"], warehouses),
            (
                item_service_pb2.DESCRIPTOR.services_by_name["ItemService"],
                ItemServicer(database, after_commit),
            ),
            (
                item_service_pb2.DESCRIPTOR.services_by_name["ImportService"],
                ImportServicer(database, scheduler.wake, after_commit),
            ),
            (
                listing_service_pb2.DESCRIPTOR.services_by_name["ListingService"],
                ListingServicer(database, feed, directory, UnsentOrders()),
            ),
        ):
            server.add(descriptor, servicer)
        janitor = Janitor(database, seal, settings, ground.health)
        return [directory, feed, scheduler, consumer, janitor]


SERVICE: Final = StockService()
