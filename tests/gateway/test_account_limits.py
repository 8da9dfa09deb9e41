"""Names that no tenant may have, and how many keys one may."""

import asyncio
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import grpc

from gateway import api_keys
from gateway.api_keys import MAX_LIVE_KEYS_PER_TENANT
from spojka.api.accounts.v1 import accounts_service_pb2 as accounts
from spojka.api.accounts.v1.accounts_service_pb2_grpc import ApiKeyServiceStub, TenantServiceStub
from spojka.api.common.v1 import rules_pb2
from tests.gateway.calling import refused
from tests.gateway.house import House
from tests.orders.locks import until_waiting

Key: TypeAlias = accounts.ApiKey
Metadata: TypeAlias = tuple[tuple[str, str], ...]


async def create(
    house: House, metadata: Metadata, scope: Any = rules_pb2.SCOPE_OPERATOR, **fields: str
) -> Any:
    request = accounts.CreateApiKeyRequest(scope=scope, **fields)
    return await ApiKeyServiceStub(house.channel).CreateApiKey(request, metadata=metadata)


async def make_tenant(house: House, name: str, display_name: str = "") -> accounts.Tenant:
    request = accounts.CreateTenantRequest(name=name, display_name=display_name)
    answer = await TenantServiceStub(house.channel).CreateTenant(
        request, metadata=house.sent_with(house.admin)
    )
    tenant: accounts.Tenant = answer.tenant
    return tenant


async def revoke(house: House, metadata: Metadata, key_id: str) -> Key:
    answer = await ApiKeyServiceStub(house.channel).RevokeApiKey(
        accounts.RevokeApiKeyRequest(id=key_id), metadata=metadata
    )
    key: Key = answer.api_key
    return key


async def test_the_limit_of_keys_holds_for_many_who_make_keys_at_once(house: House) -> None:
    sent = house.sent_with(house.admin, spojka_tenant="alpha")
    alpha = UUID(house.tenants["alpha"])
    async with house.database.infrastructure() as connection:
        await connection.execute(
            "INSERT INTO api_key (id, tenant_id, scope, digest, created_by)"
            " SELECT gen_random_uuid(), %s, 2, sha256(n::text::bytea), 'test'"
            " FROM generate_series(2, %s) AS n",
            [alpha, MAX_LIVE_KEYS_PER_TENANT],
        )
    async with house.database.infrastructure() as connection:
        await api_keys.hold_keys(connection, alpha)
        calls = [asyncio.ensure_future(create(house, sent)) for _ in range(6)]
        await until_waiting(connection, len(calls))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    made = [answer for answer in answers if not isinstance(answer, BaseException)]
    over = [answer for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
    assert (len(made), len(over)) == (1, 5)
    assert {error.code() for error in over} == {grpc.StatusCode.FAILED_PRECONDITION}
    # A revoked one makes room, and other tenants have room of their own.
    await create(house, house.sent_with(house.admin, spojka_tenant="beta"))
    await revoke(house, sent, made[0].api_key.id)
    await create(house, sent)


async def test_no_tenant_has_a_name_that_is_anothers_id(house: House) -> None:
    """Whoever named it would reach the other one."""
    alpha = UUID(house.tenants["alpha"])
    for name in (str(alpha), alpha.hex):
        error = await refused(make_tenant(house, name))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert (error.details() or "").startswith("name: ")


async def test_a_tenant_whose_name_looks_like_an_id_is_found_by_it(house: House) -> None:
    for name in (str(uuid4()), uuid4().hex):
        tenant = await make_tenant(house, name)
        made = await create(house, house.sent_with(house.admin, spojka_tenant=name))
        listed = await ApiKeyServiceStub(house.channel).ListApiKeys(
            accounts.ListApiKeysRequest(),
            metadata=house.sent_with(house.admin, spojka_tenant=tenant.id),
        )
        assert made.api_key.id in [key.id for key in listed.api_keys]
