"""WarehouseService: a tenant's connections, their warehouses and their readings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from spojka.api.stock.v1 import warehouse_service_pb2 as api
from spojka.database import Database
from spojka.errors import FailedPrecondition, InvalidArgument, Violation
from spojka.outbound import OutboundPolicy
from spojka.requests import earlier_answer, remember_answer
from spojka.rpc.pagination import decode_uuid_token, encode_token, page_size
from spojka.rpc.server import Call
from spojka.secrets import Seal
from stock.connections import edit
from stock.connections.changing import change, create
from stock.connections.impulses import find_impulse, rotate_token
from stock.connections.messages import connection_message, system_message
from stock.connections.model import ConnectionRow, list_connections, load_connection
from stock.connections.readings import approve, list_readings, reject
from stock.connections.requesting import offer_work, request_reading
from stock.connections.switching import activate, deactivate
from stock.connections.warehouses import list_warehouses, remember_warehouses, set_warehouses
from stock.imports.resolving import offer_resolving
from stock.levels import relevel
from stock.levels.retire import retire_others
from stock.warehouses.errors import WarehouseError
from stock.warehouses.guarded import open_client
from stock.warehouses.port import WarehouseClient, WarehouseSystem


@dataclass(frozen=True, slots=True)
class WarehouseServicer:
    """Answers WarehouseService. `wake` hints the scheduler; `after_commit` the relay."""

    database: Database
    systems: Mapping[str, WarehouseSystem]
    seal: Seal
    outbound: OutboundPolicy
    public_url: str
    wake: Callable[[], None]
    after_commit: Callable[[UUID], None]

    async def list_warehouse_systems(
        self, _request: api.ListWarehouseSystemsRequest, _call: Call
    ) -> api.ListWarehouseSystemsResponse:
        """All systems, by id."""
        return api.ListWarehouseSystemsResponse(
            systems=[system_message(self.systems[name]) for name in sorted(self.systems)]
        )

    async def create_connection(
        self, request: api.CreateConnectionRequest, call: Call
    ) -> api.CreateConnectionResponse:
        """Store a connection, inactive, with its credentials sealed."""
        message, tenant = request.connection, call.identity.tenant
        system = self._system(message.system)
        edit.check_settings(system, message.settings, message.credentials, self.outbound)
        values = edit.columns(message, system)
        async with self.database.transaction(tenant) as connection:
            earlier = await earlier_answer(
                connection, tenant, request.request_id, request, api.CreateConnectionResponse
            )
            if earlier is not None:
                return earlier
            row = await create(connection, tenant, system, values, message.credentials, self.seal)
            answer = api.CreateConnectionResponse(connection=self._message(row))
            await remember_answer(connection, tenant, request.request_id, request, answer)
            return answer

    async def get_connection(
        self, request: api.GetConnectionRequest, call: Call
    ) -> api.GetConnectionResponse:
        """One connection."""
        tenant = call.identity.tenant
        async with self.database.transaction(tenant) as connection:
            row = await load_connection(connection, tenant, UUID(request.id))
        return api.GetConnectionResponse(connection=self._message(row))

    async def list_connections(
        self, request: api.ListConnectionsRequest, call: Call
    ) -> api.ListConnectionsResponse:
        """A page of connections, newest first."""
        tenant = call.identity.tenant
        limit = page_size(request.page_size, default=50, maximum=500)
        after = decode_uuid_token(request.page_token)
        async with self.database.transaction(tenant) as connection:
            rows = await list_connections(connection, tenant, after, limit + 1)
        more = encode_token([str(rows[limit - 1].id)]) if len(rows) > limit else ""
        return api.ListConnectionsResponse(
            connections=[self._message(row) for row in rows[:limit]], next_page_token=more
        )

    async def update_connection(
        self, request: api.UpdateConnectionRequest, call: Call
    ) -> api.UpdateConnectionResponse:
        """Change a connection; its items follow changed rules at once."""
        message, tenant = request.connection, call.identity.tenant
        connection_id = _uuid(message.id)
        async with self.database.transaction(tenant) as connection:
            row = await load_connection(connection, tenant, connection_id, lock=True)
            if message.system != row.system:
                raise InvalidArgument(
                    [Violation("connection.system", f"is {row.system!r} and can't be changed")]
                )
            system = self._system(row.system)
            after = await change(connection, row, message, system, self.seal, self.outbound)
            await offer_work(connection, after)
        await self._relevel(tenant, connection_id)
        self.wake()
        return api.UpdateConnectionResponse(connection=self._message(after))

    async def test_connection(
        self, request: api.TestConnectionRequest, call: Call
    ) -> api.TestConnectionResponse:
        """Ask the warehouse system who it is."""
        tenant = call.identity.tenant
        async with self.database.transaction(tenant) as connection:
            row = await load_connection(connection, tenant, UUID(request.id))
        client = self._open(row)
        try:
            info = await client.test()
        except WarehouseError as error:
            return api.TestConnectionResponse(ok=False, message=error.message, advice=error.advice)
        finally:
            await client.close()
        return api.TestConnectionResponse(ok=True, message=info.summary)

    async def activate_connection(
        self, request: api.ActivateConnectionRequest, call: Call
    ) -> api.ActivateConnectionResponse:
        """Make it the active one; a full reading begins at once."""
        tenant, connection_id = call.identity.tenant, UUID(request.id)
        async with self.database.transaction(tenant) as connection:
            row = await activate(connection, tenant, connection_id)
        await retire_others(
            self.database, tenant, connection_id, partial(self.after_commit, tenant)
        )
        self.wake()
        return api.ActivateConnectionResponse(connection=self._message(row))

    async def deactivate_connection(
        self, request: api.DeactivateConnectionRequest, call: Call
    ) -> api.DeactivateConnectionResponse:
        """Stop readings and imports; levels are frozen, holds kept."""
        tenant, connection_id = call.identity.tenant, UUID(request.id)
        async with self.database.transaction(tenant) as connection:
            row = await deactivate(connection, tenant, connection_id)
        self.wake()
        return api.DeactivateConnectionResponse(connection=self._message(row))

    async def sync_now(self, request: api.SyncNowRequest, call: Call) -> api.SyncNowResponse:
        """Ask for a reading at once."""
        tenant = call.identity.tenant
        kind = "full" if request.full else "incremental"
        await self._request_reading(
            tenant, UUID(request.id), kind, f"asked for by {call.identity.actor}"
        )
        return api.SyncNowResponse()

    async def send_impulse(
        self, request: api.SendImpulseRequest, _call: Call
    ) -> api.SendImpulseResponse:
        """Find the connection of an impulse URL and ask for a reading. Raises NotFound."""
        tenant, connection_id = await find_impulse(self.database, request.token)
        await self._request_reading(tenant, connection_id, "incremental", "impulse")
        return api.SendImpulseResponse()

    async def rotate_impulse_url(
        self, request: api.RotateImpulseUrlRequest, call: Call
    ) -> api.RotateImpulseUrlResponse:
        """Give the connection a new impulse URL."""
        tenant, connection_id = call.identity.tenant, UUID(request.id)
        async with self.database.transaction(tenant) as connection:
            await load_connection(connection, tenant, connection_id, lock=True)
            await rotate_token(connection, tenant, connection_id)
            row = await load_connection(connection, tenant, connection_id)
        return api.RotateImpulseUrlResponse(connection=self._message(row))

    async def list_warehouses(
        self, request: api.ListWarehousesRequest, call: Call
    ) -> api.ListWarehousesResponse:
        """The warehouses of a connection; asked of the system where none was read yet."""
        tenant, connection_id = call.identity.tenant, UUID(request.connection_id)
        async with self.database.transaction(tenant) as connection:
            row = await load_connection(connection, tenant, connection_id)
            warehouses = await list_warehouses(connection, tenant, connection_id)
        if warehouses:
            return api.ListWarehousesResponse(warehouses=warehouses)
        client = self._open(row)
        try:
            found = await client.warehouses()
        except WarehouseError as error:
            raise FailedPrecondition(f"{error.message} {error.advice}") from error
        finally:
            await client.close()
        async with self.database.transaction(tenant) as connection:
            await remember_warehouses(connection, tenant, connection_id, found)
            warehouses = await list_warehouses(connection, tenant, connection_id)
        return api.ListWarehousesResponse(warehouses=warehouses)

    async def update_warehouses(
        self, request: api.UpdateWarehousesRequest, call: Call
    ) -> api.UpdateWarehousesResponse:
        """Set which warehouses count, and their order; items follow at once."""
        tenant, connection_id = call.identity.tenant, UUID(request.connection_id)
        async with self.database.transaction(tenant) as connection:
            row = await load_connection(connection, tenant, connection_id, lock=True)
            await set_warehouses(connection, tenant, connection_id, request.warehouses)
            warehouses = await list_warehouses(connection, tenant, connection_id)
            await relevel.ask(connection, tenant, connection_id, "warehouses changed")
            # An order that found no warehouse may find one now.
            await offer_resolving(connection, tenant)
            await offer_work(connection, row)
        await self._relevel(tenant, connection_id)
        await self._request_reading(tenant, connection_id, "full", "warehouses changed")
        return api.UpdateWarehousesResponse(warehouses=warehouses)

    async def list_readings(
        self, request: api.ListReadingsRequest, call: Call
    ) -> api.ListReadingsResponse:
        """A page of readings, newest first."""
        async with self.database.transaction(call.identity.tenant) as connection:
            return await list_readings(connection, call.identity.tenant, request)

    async def approve_reading(
        self, request: api.ApproveReadingRequest, call: Call
    ) -> api.ApproveReadingResponse:
        """Apply a reading that was held."""
        tenant = call.identity.tenant
        async with self.database.transaction(tenant) as connection:
            reading = await approve(connection, tenant, UUID(request.id), call.identity.actor)
        self.after_commit(tenant)
        return api.ApproveReadingResponse(reading=reading)

    async def reject_reading(
        self, request: api.RejectReadingRequest, call: Call
    ) -> api.RejectReadingResponse:
        """Throw a reading away that was held."""
        tenant = call.identity.tenant
        async with self.database.transaction(tenant) as connection:
            reading = await reject(connection, tenant, UUID(request.id), call.identity.actor)
        return api.RejectReadingResponse(reading=reading)

    async def _relevel(self, tenant: UUID, connection_id: UUID) -> None:
        await relevel.relevel(
            self.database, tenant, connection_id, partial(self.after_commit, tenant)
        )

    def _message(self, row: ConnectionRow) -> api.Connection:
        return connection_message(row, self.public_url)

    def _system(self, name: str) -> WarehouseSystem:
        system = self.systems.get(name)
        if system is None:
            known = ", ".join(sorted(self.systems))
            raise InvalidArgument(
                [Violation("connection.system", f"{name!r} is unknown; known are {known}")]
            )
        return system

    def _open(self, row: ConnectionRow) -> WarehouseClient:
        credentials = self.seal.open(row.sealed, row.place)
        return open_client(self._system(row.system), row.settings, credentials, self.outbound)

    async def _request_reading(
        self, tenant: UUID, connection_id: UUID, kind: str, cause: str
    ) -> None:
        async with self.database.transaction(tenant) as connection:
            asked = await request_reading(connection, tenant, connection_id, kind, cause)
        if asked:
            self.wake()


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise InvalidArgument([Violation("connection.id", "must be a UUID")]) from error
