"""The merchant's people: they connect the warehouse, look, and decide."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.shops import EdgeClient
from spojka.api.orders.v1 import channel_service_pb2 as channels
from spojka.api.orders.v1.channel_service_pb2_grpc import ChannelServiceStub
from spojka.api.stock.v1 import item_service_pb2 as items
from spojka.api.stock.v1 import listing_service_pb2 as listings
from spojka.api.stock.v1 import warehouse_service_pb2 as api
from spojka.api.stock.v1.item_service_pb2_grpc import ItemServiceStub
from spojka.api.stock.v1.listing_service_pb2_grpc import ListingServiceStub
from spojka.api.stock.v1.warehouse_service_pb2_grpc import WarehouseServiceStub

if TYPE_CHECKING:  # the names of the asynchronous stubs exist for types only
    from spojka.api.stock.v1.item_service_pb2_grpc import ItemServiceAsyncStub
    from spojka.api.stock.v1.warehouse_service_pb2_grpc import WarehouseServiceAsyncStub


@dataclass(frozen=True, slots=True)
class Office:
    """An operator's calls to the edge. They raise RequestError."""

    edge: EdgeClient

    async def create_channel(self, channel_id: str, name: str) -> None:
        """Begin to sell on a channel."""
        channel = channels.Channel(id=channel_id, name=name)
        method = ChannelServiceStub(self.edge.channel).CreateChannel
        await self.edge.call(method, channels.CreateChannelRequest(channel=channel))

    async def create_connection(self, connection: api.Connection) -> api.Connection:
        """Connect a warehouse system, inactive."""
        request = api.CreateConnectionRequest(connection=connection)
        return (await self.edge.call(self._warehouses.CreateConnection, request)).connection

    async def change_credentials(
        self, connection: api.Connection, **credentials: str
    ) -> api.Connection:
        """Change some credentials; all else stays."""
        changed = api.Connection()
        changed.CopyFrom(connection)
        changed.credentials.update(credentials)
        request = api.UpdateConnectionRequest(connection=changed)
        return (await self.edge.call(self._warehouses.UpdateConnection, request)).connection

    async def change_probing(self, connection: api.Connection, seconds: int) -> api.Connection:
        """Look for changes in the warehouse so often; all else stays."""
        changed = api.Connection()
        changed.CopyFrom(connection)
        changed.probe_interval_seconds = seconds
        request = api.UpdateConnectionRequest(connection=changed)
        return (await self.edge.call(self._warehouses.UpdateConnection, request)).connection

    async def test_connection(self, connection_id: str) -> api.TestConnectionResponse:
        """Ask the warehouse system who it is."""
        request = api.TestConnectionRequest(id=connection_id)
        return await self.edge.call(self._warehouses.TestConnection, request)

    async def activate(self, connection_id: str) -> api.Connection:
        """Begin to read and to import orders."""
        request = api.ActivateConnectionRequest(id=connection_id)
        return (await self.edge.call(self._warehouses.ActivateConnection, request)).connection

    async def deactivate(self, connection_id: str) -> None:
        """End it."""
        request = api.DeactivateConnectionRequest(id=connection_id)
        await self.edge.call(self._warehouses.DeactivateConnection, request)

    async def connections(self) -> list[api.Connection]:
        """The tenant's latest connections."""
        request = api.ListConnectionsRequest()
        return list((await self.edge.call(self._warehouses.ListConnections, request)).connections)

    async def connection(self, connection_id: str) -> api.Connection:
        """One connection as it stands."""
        request = api.GetConnectionRequest(id=connection_id)
        return (await self.edge.call(self._warehouses.GetConnection, request)).connection

    async def read_all_now(self, connection_id: str) -> None:
        """Ask for a full reading."""
        request = api.SyncNowRequest(id=connection_id, full=True)
        await self.edge.call(self._warehouses.SyncNow, request)

    async def readings(self, connection_id: str) -> list[api.Reading]:
        """The latest readings, newest first."""
        request = api.ListReadingsRequest(connection_id=connection_id)
        return list((await self.edge.call(self._warehouses.ListReadings, request)).readings)

    async def approve(self, reading: api.Reading) -> None:
        """Apply a reading that was held."""
        request = api.ApproveReadingRequest(id=reading.id)
        await self.edge.call(self._warehouses.ApproveReading, request)

    async def item(self, product_number: str) -> items.Item:
        """One item."""
        request = items.GetItemRequest(product_number=product_number)
        return (await self.edge.call(self._items.GetItem, request)).item

    async def trace(self, product_number: str) -> items.TraceItemResponse:
        """Why an item's numbers are what they are."""
        request = items.TraceItemRequest(id=(await self.item(product_number)).id)
        return await self.edge.call(self._items.TraceItem, request)

    async def tasks(self) -> list[str]:
        """What waits for a person, in sentences."""
        answer = await self.edge.call(self._items.ListStockTasks, items.ListStockTasksRequest())
        return [f"{task.summary}. {task.advice}" for task in answer.tasks]

    async def coverage(self) -> list[listings.ChannelCoverage]:
        """What share of each channel is linked."""
        method = ListingServiceStub(self.edge.channel).GetCoverage
        return list((await self.edge.call(method, listings.GetCoverageRequest())).channels)

    @property
    def _warehouses(self) -> "WarehouseServiceAsyncStub":
        return WarehouseServiceStub(self.edge.channel)

    @property
    def _items(self) -> "ItemServiceAsyncStub":
        return ItemServiceStub(self.edge.channel)
