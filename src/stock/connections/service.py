"""WarehouseService: connections made, tested, edited, switched on and off."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

import psycopg

from spojka import leases
from spojka.api.stock.v1 import warehouse_service_pb2 as api
from spojka.database import Connection, Database
from spojka.errors import FailedPrecondition, InvalidArgument, NotFound, Violation
from spojka.outbound import OutboundPolicy
from spojka.outbox import new_id
from spojka.requests import earlier_answer, remember_answer
from spojka.rpc.pagination import decode_uuid_token, encode_token, page_size
from spojka.rpc.server import Call
from spojka.secrets import Seal
from stock.connections import edit
from stock.connections.messages import connection_message, system_message
from stock.connections.model import COLUMNS, ConnectionRow, load_connection
from stock.connections.readings import approve, list_readings, reject
from stock.connections.warehouses import list_warehouses, remember_warehouses, set_warehouses
from stock.imports.resolving import CONNECTION_WORK, offer_resolving
from stock.levels import relevel
from stock.levels.retire import retire_others
from stock.listings.links import link_adrift
from stock.warehouses.errors import WarehouseError
from stock.warehouses.guarded import open_client
from stock.warehouses.port import WarehouseClient, WarehouseSystem

IMPULSE_TOKEN_BYTES = 24


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
            connection_id = new_id()
            sealed = self.seal.seal(
                message.credentials, f"warehouse_connection/{tenant}/{connection_id}"
            )
            values |= {
                "tenant_id": tenant,
                "id": connection_id,
                "system": system.id,
                "state": "inactive",
                "sealing_key": sealed.key_id,
                "credentials": sealed.ciphertext,
                "credential_names": sorted(message.credentials),
                "impulse_token": secrets.token_urlsafe(IMPULSE_TOKEN_BYTES),
            }
            await connection.execute(
                f"INSERT INTO connection ({', '.join(values)})"
                f" VALUES ({', '.join(['%s'] * len(values))})".encode(),
                list(values.values()),
            )
            await _set_impulse(connection, tenant, connection_id, values["impulse_token"])
            row = await load_connection(connection, tenant, connection_id)
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
            cursor = await connection.execute(
                f"SELECT {COLUMNS} FROM connection WHERE tenant_id = %s"
                " AND (%s::uuid IS NULL OR id < %s::uuid) ORDER BY id DESC LIMIT %s",
                [tenant, *([after] * 2), limit + 1],
            )
            rows = [ConnectionRow(*row) for row in await cursor.fetchall()]
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
            credentials = self.seal.open(row.sealed, row.place) | dict(message.credentials)
            edit.check_settings(system, message.settings, credentials, self.outbound)
            sealed = self.seal.seal(credentials, row.place)
            values = edit.columns(message, system) | {
                "sealing_key": sealed.key_id,
                "credentials": sealed.ciphertext,
                "credential_names": sorted(credentials),
                "retry_time": None,
                "failures": 0,
            }
            assignments = ", ".join(f"{name} = %s" for name in values)
            await connection.execute(
                f"UPDATE connection SET {assignments} WHERE tenant_id = %s AND id = %s".encode(),
                [*values.values(), tenant, connection_id],
            )
            await _come_forward(connection, tenant, connection_id)
            after = await load_connection(connection, tenant, connection_id)
            if after.pairing != row.pairing:
                await link_adrift(connection, tenant)
            if after.rule != row.rule:
                await relevel.ask(connection, tenant, connection_id, "rule changed")
            await self._offer_work(connection, after)
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
        try:
            async with self.database.transaction(tenant) as connection:
                row = await load_connection(connection, tenant, connection_id, lock=True)
                if not row.active:
                    await connection.execute(
                        "UPDATE connection SET state = 'starting', retry_time = NULL,"
                        " failures = 0, problem = '' WHERE tenant_id = %s AND id = %s",
                        [tenant, connection_id],
                    )
                    await link_adrift(connection, tenant)
                await offer_resolving(connection, tenant)
                row = await load_connection(connection, tenant, connection_id)
                await self._offer_work(connection, row)
        except psycopg.errors.UniqueViolation as error:
            raise FailedPrecondition(
                "another warehouse connection is active: deactivate it first",
                reason="ANOTHER_CONNECTION_ACTIVE",
            ) from error
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
            await load_connection(connection, tenant, connection_id, lock=True)
            await connection.execute(
                "UPDATE connection SET state = 'inactive' WHERE tenant_id = %s AND id = %s",
                [tenant, connection_id],
            )
            row = await load_connection(connection, tenant, connection_id)
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
        async with self.database.infrastructure() as connection:
            cursor = await connection.execute(
                "SELECT tenant_id, connection_id FROM impulse WHERE token = %s", [request.token]
            )
            found = await cursor.fetchone()
        if found is None:
            raise NotFound("there is no such impulse URL")
        tenant, connection_id = found
        await self._request_reading(tenant, connection_id, "incremental", "impulse")
        return api.SendImpulseResponse()

    async def rotate_impulse_url(
        self, request: api.RotateImpulseUrlRequest, call: Call
    ) -> api.RotateImpulseUrlResponse:
        """Give the connection a new impulse URL."""
        tenant, connection_id = call.identity.tenant, UUID(request.id)
        token = secrets.token_urlsafe(IMPULSE_TOKEN_BYTES)
        async with self.database.transaction(tenant) as connection:
            await load_connection(connection, tenant, connection_id, lock=True)
            await connection.execute(
                "UPDATE connection SET impulse_token = %s WHERE tenant_id = %s AND id = %s",
                [token, tenant, connection_id],
            )
            await _set_impulse(connection, tenant, connection_id, token)
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
            await self._offer_work(connection, row)
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
            row = await load_connection(connection, tenant, connection_id, lock=True)
            if not row.active:
                return
            await connection.execute(
                """
                UPDATE connection SET requested_cause = %s, retry_time = NULL,
                    requested_reading = CASE WHEN requested_reading = 'full' THEN 'full' ELSE %s END
                WHERE tenant_id = %s AND id = %s
                """,
                [cause, kind, tenant, connection_id],
            )
            await self._offer_work(connection, row)
        self.wake()

    async def _offer_work(self, connection: Connection, row: ConnectionRow) -> None:
        if row.active:
            await leases.offer(
                connection, CONNECTION_WORK, str(row.id), row.tenant_id, timedelta(0)
            )


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise InvalidArgument([Violation("connection.id", "must be a UUID")]) from error


async def _come_forward(connection: Connection, tenant: UUID, connection_id: UUID) -> None:
    # A shorter interval counts from now, not from when the longer one has run out.
    await connection.execute(
        """
        UPDATE connection
        SET next_probe_time = least(next_probe_time, now() + make_interval(secs => probe_seconds)),
            next_reading_time =
                least(next_reading_time, now() + make_interval(secs => reading_seconds))
        WHERE tenant_id = %s AND id = %s
        """,
        [tenant, connection_id],
    )


async def _set_impulse(
    connection: Connection, tenant: UUID, connection_id: UUID, token: str
) -> None:
    await connection.execute(
        "DELETE FROM impulse WHERE tenant_id = %s AND connection_id = %s", [tenant, connection_id]
    )
    await connection.execute(
        "INSERT INTO impulse (token, tenant_id, connection_id) VALUES (%s, %s, %s)",
        [token, tenant, connection_id],
    )
