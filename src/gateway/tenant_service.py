"""TenantService of the contracts."""

from gateway import tenants
from spojka.api.accounts.v1 import accounts_service_pb2 as accounts
from spojka.database import Database
from spojka.errors import AlreadyExists, InvalidArgument, Violation
from spojka.rpc.pagination import decode_token, encode_token, page_size
from spojka.rpc.server import Call


class TenantServicer:
    """The merchants that use this installation."""

    def __init__(self, database: Database) -> None:
        """Take where tenants are kept."""
        self._database = database

    async def create_tenant(
        self, request: accounts.CreateTenantRequest, _call: Call
    ) -> accounts.CreateTenantResponse:
        """Create a tenant; the same request again is the same tenant."""
        async with self._database.infrastructure() as connection:
            if await tenants.is_tenant_id(connection, request.name):
                raise InvalidArgument([Violation("name", "is another tenant's id")])
            tenant = await tenants.insert_tenant(connection, request.name, request.display_name)
        if tenant is None:
            raise AlreadyExists(f"another tenant is named {request.name!r}: choose another name")
        return accounts.CreateTenantResponse(tenant=tenant)

    async def list_tenants(
        self, request: accounts.ListTenantsRequest, _call: Call
    ) -> accounts.ListTenantsResponse:
        """List tenants by name."""
        limit = page_size(request.page_size, default=100, maximum=1000)
        after = decode_token(request.page_token, 1)
        async with self._database.infrastructure() as connection:
            found = await tenants.list_tenants(
                connection, after=after[0] if after else None, limit=limit + 1
            )
        page = found[:limit]
        token = encode_token([page[-1].name]) if len(found) > limit else ""
        return accounts.ListTenantsResponse(tenants=page, next_page_token=token)
