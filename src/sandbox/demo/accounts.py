"""What the installation's admin does: tenants and keys, and former demos put to rest."""

from typing import Final

from sandbox.demo.office import Office
from sandbox.shops import EdgeClient
from spojka.api.accounts.v1 import accounts_service_pb2 as api
from spojka.api.accounts.v1.accounts_service_pb2_grpc import ApiKeyServiceStub, TenantServiceStub
from spojka.api.common.v1 import rules_pb2
from spojka.api.stock.v1 import warehouse_service_pb2 as warehouses

TENANT_PREFIX: Final = "demo-"
FORMER_TENANTS_MAX: Final = 1000


async def create_tenant(admin: EdgeClient, name: str, display_name: str) -> api.Tenant:
    """Make the merchant of this run. Raises RequestError."""
    request = api.CreateTenantRequest(name=name, display_name=display_name)
    return (await admin.call(TenantServiceStub(admin.channel).CreateTenant, request)).tenant


async def operator_key(admin: EdgeClient) -> str:
    """Make a key for the tenant's people. Raises RequestError."""
    return await _key(admin, "the demo's people", rules_pb2.SCOPE_OPERATOR)


async def channel_key(operator: EdgeClient, channel_id: str) -> str:
    """Make a key that speaks for one channel only. Raises RequestError."""
    return await _key(operator, f"the shop {channel_id}", rules_pb2.SCOPE_CHANNEL, channel_id)


async def retire_former(admin: EdgeClient) -> int:
    """Switch off the connections that former demos left behind; returns how many.

    Their warehouse is gone, and this run's may listen at the same address.
    """
    request = api.ListTenantsRequest(page_size=FORMER_TENANTS_MAX)
    answer = await admin.call(TenantServiceStub(admin.channel).ListTenants, request)
    retired = 0
    for tenant in answer.tenants:
        if not tenant.name.startswith(TENANT_PREFIX):
            continue
        office = Office(admin.acting_as(admin.key, tenant.name))
        for connection in await office.connections():
            if connection.state != warehouses.CONNECTION_STATE_INACTIVE:
                await office.deactivate(connection.id)
                retired += 1
    return retired


async def _key(
    edge: EdgeClient, description: str, scope: "rules_pb2.Scope.ValueType", channel_id: str = ""
) -> str:
    request = api.CreateApiKeyRequest(description=description, scope=scope, channel_id=channel_id)
    return (await edge.call(ApiKeyServiceStub(edge.channel).CreateApiKey, request)).secret
