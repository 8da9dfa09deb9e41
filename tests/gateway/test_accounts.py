"""Tenants and API keys through the public address."""

from uuid import UUID

import grpc
import pytest

from spojka.api.accounts.v1 import accounts_service_pb2 as accounts
from spojka.api.accounts.v1.accounts_service_pb2_grpc import ApiKeyServiceStub, TenantServiceStub
from spojka.api.common.v1 import rules_pb2
from tests.gateway.calling import refused
from tests.gateway.house import House


async def test_a_tenant_is_created_once(house: House) -> None:
    stub = TenantServiceStub(house.channel)
    metadata = house.sent_with(house.admin)
    request = accounts.CreateTenantRequest(name="gamma", display_name="Gamma s.r.o.")
    first = await stub.CreateTenant(request, metadata=metadata)
    again = await stub.CreateTenant(request, metadata=metadata)
    assert first == again
    error = await refused(
        stub.CreateTenant(accounts.CreateTenantRequest(name="gamma"), metadata=metadata)
    )
    assert error.code() is grpc.StatusCode.ALREADY_EXISTS


async def test_tenants_are_listed_by_name_in_pages(house: House) -> None:
    stub = TenantServiceStub(house.channel)
    metadata = house.sent_with(house.admin)
    for number in range(5):
        await stub.CreateTenant(accounts.CreateTenantRequest(name=f"t{number}"), metadata=metadata)
    names, token = [], ""
    for _ in range(4):
        page = await stub.ListTenants(
            accounts.ListTenantsRequest(page_size=2, page_token=token), metadata=metadata
        )
        names += [tenant.name for tenant in page.tenants]
        token = page.next_page_token
    assert names == ["alpha", "beta", "t0", "t1", "t2", "t3", "t4"]
    assert token == ""


async def test_keys_are_listed_newest_first_without_secrets(house: House) -> None:
    operator = await house.operator()
    stub = ApiKeyServiceStub(house.channel)
    metadata = house.sent_with(operator)
    for number in range(3):
        await stub.CreateApiKey(
            accounts.CreateApiKeyRequest(
                scope=rules_pb2.SCOPE_CHANNEL, channel_id="shop", description=f"č. {number}"
            ),
            metadata=metadata,
        )
    first = await stub.ListApiKeys(accounts.ListApiKeysRequest(page_size=3), metadata=metadata)
    rest = await stub.ListApiKeys(
        accounts.ListApiKeysRequest(page_size=3, page_token=first.next_page_token),
        metadata=metadata,
    )
    assert [key.description for key in first.api_keys] == ["č. 2", "č. 1", "č. 0"]
    assert [key.scope for key in rest.api_keys] == [rules_pb2.SCOPE_OPERATOR]
    assert rest.next_page_token == ""


@pytest.mark.parametrize(
    ("scope", "channel", "code"),
    [
        (rules_pb2.SCOPE_ADMIN, "", grpc.StatusCode.PERMISSION_DENIED),
        (rules_pb2.SCOPE_CHANNEL, "", grpc.StatusCode.INVALID_ARGUMENT),
        (rules_pb2.SCOPE_OPERATOR, "shop", grpc.StatusCode.INVALID_ARGUMENT),
        (rules_pb2.SCOPE_UNSPECIFIED, "", grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
async def test_a_key_is_never_wider_than_its_maker_nor_ill_formed(
    house: House, scope: "rules_pb2.Scope.ValueType", channel: str, code: grpc.StatusCode
) -> None:
    error = await refused(
        ApiKeyServiceStub(house.channel).CreateApiKey(
            accounts.CreateApiKeyRequest(scope=scope, channel_id=channel),
            metadata=house.sent_with(await house.operator()),
        )
    )
    assert error.code() is code


async def test_admin_keys_stand_outside_every_tenant(house: House) -> None:
    stub = ApiKeyServiceStub(house.channel)
    request = accounts.CreateApiKeyRequest(scope=rules_pb2.SCOPE_ADMIN)
    made = await stub.CreateApiKey(request, metadata=house.sent_with(house.admin))
    await TenantServiceStub(house.channel).ListTenants(
        accounts.ListTenantsRequest(), metadata=house.sent_with(made.secret)
    )
    error = await refused(
        stub.CreateApiKey(request, metadata=house.sent_with(house.admin, spojka_tenant="alpha"))
    )
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_tenants_keys_are_out_of_anothers_reach(house: House) -> None:
    alpha, beta = await house.operator("alpha"), await house.operator("beta")
    stub = ApiKeyServiceStub(house.channel)
    theirs = await stub.ListApiKeys(accounts.ListApiKeysRequest(), metadata=house.sent_with(beta))
    ours = await stub.ListApiKeys(accounts.ListApiKeysRequest(), metadata=house.sent_with(alpha))
    assert {key.id for key in ours.api_keys}.isdisjoint(key.id for key in theirs.api_keys)
    error = await refused(
        stub.RevokeApiKey(
            accounts.RevokeApiKeyRequest(id=theirs.api_keys[0].id),
            metadata=house.sent_with(alpha),
        )
    )
    assert error.code() is grpc.StatusCode.NOT_FOUND
    await stub.ListApiKeys(accounts.ListApiKeysRequest(), metadata=house.sent_with(beta))


async def test_the_database_itself_keeps_tenants_apart(house: House) -> None:
    await house.operator("alpha")
    await house.operator("beta")
    alpha = UUID(house.tenants["alpha"])
    async with house.database.transaction(alpha) as connection:
        cursor = await connection.execute("SELECT DISTINCT tenant_id FROM api_key")
        assert await cursor.fetchall() == [(alpha,)]
        cursor = await connection.execute(
            "UPDATE api_key SET revoke_time = now() WHERE tenant_id IS DISTINCT FROM %s", [alpha]
        )
        assert cursor.rowcount == 0
