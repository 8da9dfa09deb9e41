"""BankConnectionService: connections made, edited and switched off, their addresses rotated."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from mail_ingest.connections.addresses import add_address, end_addresses, working_addresses
from mail_ingest.connections.edit import columns
from mail_ingest.connections.messages import connection_message
from mail_ingest.connections.model import BankConnectionRow, list_connections, load_connection
from spojka.api.payments.v1 import connection_service_pb2 as api
from spojka.database import Connection, Database
from spojka.errors import AlreadyExists, InvalidArgument, Violation
from spojka.outbox import new_id
from spojka.requests import earlier_answer, remember_answer
from spojka.rpc.pagination import decode_uuid_token, encode_token, page_size
from spojka.rpc.server import Call
from spojka.secrets import Seal

GRACE_HOURS_MAX: Final = 2160
"""90 days: longer than any bank's form takes to be changed."""


@dataclass(frozen=True, slots=True)
class BankConnectionServicer:
    """Answers BankConnectionService; addresses are at `domain`."""

    database: Database
    seal: Seal
    domain: str

    async def create_bank_connection(
        self, request: api.CreateBankConnectionRequest, call: Call
    ) -> api.CreateBankConnectionResponse:
        """Store a connection and make its address. Raises AlreadyExists for the same account."""
        tenant, values = call.identity.tenant, columns(request.connection)
        async with self.database.transaction(tenant) as connection:
            earlier = await earlier_answer(
                connection, tenant, request.request_id, request, api.CreateBankConnectionResponse
            )
            if earlier is not None:
                connection_id = UUID(earlier.connection.id)
            else:
                connection_id = await self._insert(connection, tenant, values)
                # The address is a secret: what is kept for a repetition does not have it.
                kept = api.CreateBankConnectionResponse(
                    connection=api.BankConnection(id=str(connection_id))
                )
                await remember_answer(connection, tenant, request.request_id, request, kept)
            row = await load_connection(connection, tenant, connection_id)
            return api.CreateBankConnectionResponse(
                connection=(await self._messages(connection, [row]))[0]
            )

    async def get_bank_connection(
        self, request: api.GetBankConnectionRequest, call: Call
    ) -> api.GetBankConnectionResponse:
        """One connection."""
        tenant = call.identity.tenant
        async with self.database.transaction(tenant) as connection:
            row = await load_connection(connection, tenant, UUID(request.id))
            return api.GetBankConnectionResponse(
                connection=(await self._messages(connection, [row]))[0]
            )

    async def list_bank_connections(
        self, request: api.ListBankConnectionsRequest, call: Call
    ) -> api.ListBankConnectionsResponse:
        """A page of connections, newest first."""
        tenant = call.identity.tenant
        limit = page_size(request.page_size, default=50, maximum=500)
        after = decode_uuid_token(request.page_token)
        async with self.database.transaction(tenant) as connection:
            rows = await list_connections(connection, tenant, after, limit + 1)
            messages = await self._messages(connection, rows[:limit])
        more = len(rows) > limit
        return api.ListBankConnectionsResponse(
            connections=messages,
            next_page_token=encode_token([messages[-1].id]) if more else "",
        )

    async def update_bank_connection(
        self, request: api.UpdateBankConnectionRequest, call: Call
    ) -> api.UpdateBankConnectionResponse:
        """Change a connection, wholly. Raises AlreadyExists where another has the new account."""
        tenant, connection_id = call.identity.tenant, _uuid(request.connection.id)
        values = columns(request.connection)
        async with self.database.transaction(tenant) as connection:
            await load_connection(connection, tenant, connection_id, lock=True)
            await _refuse_same_account(connection, tenant, values, connection_id)
            assignments = ", ".join(f"{name} = %s" for name in values)
            await connection.execute(
                f"UPDATE connection SET {assignments} WHERE tenant_id = %s AND id = %s".encode(),
                [*values.values(), tenant, connection_id],
            )
            row = await load_connection(connection, tenant, connection_id)
            return api.UpdateBankConnectionResponse(
                connection=(await self._messages(connection, [row]))[0]
            )

    async def rotate_address(
        self, request: api.RotateAddressRequest, call: Call
    ) -> api.RotateAddressResponse:
        """Give a connection a new address; with no grace, every earlier one ends at once."""
        if request.grace_hours > GRACE_HOURS_MAX:
            raise InvalidArgument([Violation("grace_hours", f"must be at most {GRACE_HOURS_MAX}")])
        tenant, connection_id = call.identity.tenant, UUID(request.id)
        grace = timedelta(hours=request.grace_hours)
        async with self.database.transaction(tenant) as connection:
            await load_connection(connection, tenant, connection_id, lock=True)
            await end_addresses(connection, tenant, connection_id, grace)
            address_id = await add_address(connection, self.seal, tenant, connection_id)
            await connection.execute(
                "UPDATE connection SET address_id = %s WHERE tenant_id = %s AND id = %s",
                [address_id, tenant, connection_id],
            )
            row = await load_connection(connection, tenant, connection_id)
            return api.RotateAddressResponse(
                connection=(await self._messages(connection, [row]))[0]
            )

    async def _insert(self, connection: Connection, tenant: UUID, values: dict[str, Any]) -> UUID:
        await _refuse_same_account(connection, tenant, values, None)
        connection_id = new_id()
        address_id = await add_address(connection, self.seal, tenant, connection_id)
        values = values | {"tenant_id": tenant, "id": connection_id, "address_id": address_id}
        await connection.execute(
            f"INSERT INTO connection ({', '.join(values)})"
            f" VALUES ({', '.join(['%s'] * len(values))})".encode(),
            list(values.values()),
        )
        return connection_id

    async def _messages(
        self, connection: Connection, rows: list[BankConnectionRow]
    ) -> list[api.BankConnection]:
        if not rows:
            return []
        addresses = await working_addresses(
            connection, self.seal, rows[0].tenant_id, [row.id for row in rows]
        )
        return [connection_message(row, addresses.get(row.id, ()), self.domain) for row in rows]


async def _refuse_same_account(
    connection: Connection, tenant: UUID, values: dict[str, Any], itself: UUID | None
) -> None:
    # Held until the transaction ends, so that of two at once the second sees the first.
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
        [f"{tenant}/bank connection/{values['account_key']}/{values['currency']}"],
    )
    cursor = await connection.execute(
        "SELECT id, name FROM connection WHERE tenant_id = %s AND account_key = %s"
        " AND currency = %s AND id IS DISTINCT FROM %s",
        [tenant, values["account_key"], values["currency"], itself],
    )
    row = await cursor.fetchone()
    if row is not None:
        raise AlreadyExists(
            f"the bank connection {row[1]!r} ({row[0]}) has the account"
            f" {values['account_key']} in {values['currency']}: update that one instead",
            metadata={"bank_connection_id": str(row[0])},
        )


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise InvalidArgument([Violation("connection.id", "must be a UUID")]) from error
