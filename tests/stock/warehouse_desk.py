"""A person at the warehouse desk: calls WarehouseService over gRPC, as the edge does for them."""

from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID, uuid4

import grpc
import pytest

from spojka.api.stock.v1 import warehouse_service_pb2 as api
from spojka.api.stock.v1.warehouse_service_pb2_grpc import WarehouseServiceStub
from spojka.database import Database
from spojka.errors import InvalidArgument
from spojka.identity import Identity, Scope
from spojka.outbound import OutboundPolicy
from spojka.rpc.client import open_channel
from spojka.secrets import Seal
from stock.connections.model import load_connection
from stock.connections.service import WarehouseServicer
from stock.imports.resolving import CONNECTION_WORK
from stock.warehouses.pohoda.system import POHODA, PohodaSystem
from stock.warehouses.port import WarehouseClient
from tests.internal_calls import call_as, internal_server
from tests.stock.conftest import Merchant
from tests.stock.warehouse_model import ModelClient, ModelWarehouse

PUBLIC_URL: Final = "http://edge.example"
SETTINGS: Final = {"url": "http://erp.example", "ico": "12345678"}
CREDENTIALS: Final = {"username": "api", "password": "first"}
_SEAL: Final = Seal({"key": b"k" * 32})


@dataclass(frozen=True)
class ModelSystem(PohodaSystem):
    """Asks for what Pohoda asks for; behind all its connections stands one model warehouse."""

    id: str = "model"
    name: str = "Model"
    warehouse: ModelWarehouse = field(default_factory=ModelWarehouse)

    def open(
        self,
        settings: Mapping[str, str],
        credentials: Mapping[str, str],
        outbound: OutboundPolicy,
    ) -> WarehouseClient:
        POHODA.open(settings, credentials, outbound)  # Refuses what Pohoda refuses.
        return ModelClient(self.warehouse)


@dataclass
class Hints:
    """How often the scheduler was woken, and for which tenants the relay was nudged."""

    wakes: int = 0
    commits: list[UUID] = field(default_factory=list)

    def wake(self) -> None:
        self.wakes += 1


@dataclass(frozen=True, slots=True)
class Desk:
    """Calls as one identity. What a call ends with is raised as `spojka.errors` has it."""

    wire: grpc.aio.Channel
    identity: Identity
    database: Database
    warehouse: ModelWarehouse
    hints: Hints

    @property
    def tenant(self) -> UUID:
        return self.identity.tenant

    def as_tenant(self, tenant: UUID | None) -> "Desk":
        return replace(self, identity=replace(self.identity, tenant_id=tenant))

    def as_person(self, name: str) -> "Desk":
        return replace(self, identity=replace(self.identity, actor=name))

    def as_edge(self) -> "Desk":
        """The edge itself, which knows of no tenant yet."""
        return replace(self, identity=Identity(None, Scope.ADMIN, "edge"))

    async def call(self, method: str, **fields: Any) -> Any:
        """Call a method by its name, with the fields of its request."""
        request = getattr(api, f"{method}Request")(**fields)
        return await call_as(self.identity, [WarehouseServiceStub(self.wire)], method, request)

    async def create(self, *, request_id: str = "", **fields: Any) -> api.Connection:
        """Create a connection; of what isn't named it has what it needs."""
        wanted = {"system": "model", "settings": SETTINGS, "credentials": CREDENTIALS, **fields}
        connection = api.Connection(**wanted)
        answer = await self.call("CreateConnection", connection=connection, request_id=request_id)
        created: api.Connection = answer.connection
        return created

    async def get(self, connection_id: str | UUID) -> api.Connection:
        found: api.Connection = (await self.call("GetConnection", id=str(connection_id))).connection
        return found

    async def update(self, connection: api.Connection, **fields: Any) -> api.Connection:
        """Change the fields that are named; the others stay as the connection has them."""
        known = {each.name: value for each, value in connection.ListFields()}
        wanted = api.Connection(**{**known, **fields})
        updated: api.Connection = (
            await self.call("UpdateConnection", connection=wanted)
        ).connection
        return updated

    async def switch(self, connection_id: str | UUID, *, on: bool) -> api.Connection:
        method = "ActivateConnection" if on else "DeactivateConnection"
        switched: api.Connection = (await self.call(method, id=str(connection_id))).connection
        return switched

    async def pages(self, method: str, size: int, **fields: Any) -> list[list[Any]]:
        """All pages of a list, each with what is listed."""
        pages, token = [], ""
        while True:
            page = await self.call(method, page_size=size, page_token=token, **fields)
            _field, listed = page.ListFields()[0]
            pages.append(list(listed))
            token = page.next_page_token
            if not token:
                return pages

    async def connections(self) -> list[api.Connection]:
        return list((await self.call("ListConnections")).connections)

    async def warehouses(self, connection_id: str | UUID) -> list[tuple[str, bool]]:
        """The codes in their order, and which count."""
        answer = await self.call("ListWarehouses", connection_id=str(connection_id))
        return [(each.code, each.included) for each in answer.warehouses]

    async def arrange(self, connection_id: str | UUID, *codes: str) -> Sequence[api.Warehouse]:
        """Set the order of warehouses; one with a minus before its code doesn't count."""
        warehouses = [
            api.Warehouse(code=code.removeprefix("-"), included=not code.startswith("-"))
            for code in codes
        ]
        answer = await self.call(
            "UpdateWarehouses", connection_id=str(connection_id), warehouses=warehouses
        )
        return list(answer.warehouses)

    async def readings(self, connection_id: str | UUID) -> list[api.Reading]:
        answer = await self.call("ListReadings", connection_id=str(connection_id))
        return list(answer.readings)

    async def merchant(self, **fields: Any) -> Merchant:
        """The tenant with a connection that was activated here; nothing is read yet."""
        connection = await self.switch((await self.create(**fields)).id, on=True)
        return Merchant(self.database, self.tenant, UUID(connection.id), self.warehouse)

    async def credentials(self, connection_id: str) -> Mapping[str, str]:
        """The credentials of a connection as they are kept, opened."""
        async with self.database.transaction(self.tenant) as connection:
            row = await load_connection(connection, self.tenant, UUID(connection_id))
        return _SEAL.open(row.sealed, row.place)

    async def due(self) -> set[str]:
        """The tenant's connections that are due, as soon as nobody works on them."""
        async with self.database.infrastructure() as connection:
            cursor = await connection.execute(
                "SELECT subject FROM lease"
                " WHERE tenant_id = %s AND kind = %s AND due_time <= now()",
                [self.tenant, CONNECTION_WORK],
            )
            return {found[0] for found in await cursor.fetchall()}


@asynccontextmanager
async def open_desk(database: Database) -> AsyncIterator[Desk]:
    """The desk of jana, an operator of a new tenant, with a server of its own."""
    hints, model = Hints(), ModelSystem()
    servicer = WarehouseServicer(
        database,
        {system.id: system for system in (POHODA, model)},
        _SEAL,
        OutboundPolicy(),
        PUBLIC_URL,
        hints.wake,
        hints.commits.append,
    )
    server = internal_server()
    server.add(api.DESCRIPTOR.services_by_name["WarehouseService"], servicer)
    await server.start()
    try:
        async with open_channel(f"127.0.0.1:{server.port}") as wire:
            identity = Identity(uuid4(), Scope.OPERATOR, "jana")
            yield Desk(wire, identity, database, model.warehouse, hints)
    finally:
        await server.stop()


async def violated(call: Awaitable[object]) -> list[str]:
    """The fields for which a call is refused."""
    with pytest.raises(InvalidArgument) as refused:
        await call
    return [violation.field for violation in refused.value.violations]
