"""Who is believed to call, and what of a caller's words reaches the services: nothing."""

from typing import Any
from uuid import uuid4

import grpc
import psycopg
import pytest
from google.protobuf.message import Message

from spojka.api.accounts.v1 import accounts_service_pb2 as accounts
from spojka.api.accounts.v1.accounts_service_pb2_grpc import ApiKeyServiceStub
from spojka.api.common.v1 import rules_pb2
from spojka.api.mail.v1 import mail_service_pb2 as mails
from spojka.api.mail.v1.mail_service_pb2_grpc import MailServiceStub
from spojka.api.orders.v1 import order_service_pb2 as orders
from spojka.api.orders.v1.order_service_pb2_grpc import OrderServiceStub
from spojka.api.stock.v1 import listing_service_pb2 as listings
from spojka.api.stock.v1.listing_service_pb2_grpc import ListingServiceStub
from spojka.identity import Identity, Scope
from tests.gateway.calling import reason_of, refused
from tests.gateway.echo import Heard
from tests.gateway.house import INTERNAL_TOKEN, House, StartEdge
from tests.waiting import until

HEARD_SECONDS = 10.0
"""Within these a revocation is heard; what is not heard is believed for 30 s."""


async def seen_as(house: House, metadata: tuple[tuple[str, str], ...]) -> Identity:
    """The identity under which a call arrives behind the edge."""
    house.echo.heard.clear()
    await OrderServiceStub(house.channel).ListOrders(orders.ListOrdersRequest(), metadata=metadata)
    return house.echo.heard[0].call.identity


async def test_the_services_see_the_keys_identity(house: House) -> None:
    key = await house.key("alpha", rules_pb2.SCOPE_CHANNEL, "eshop-cz")
    identity = await seen_as(house, house.sent_with(key))
    assert str(identity.tenant_id) == house.tenants["alpha"]
    assert identity.scope is Scope.CHANNEL
    assert identity.channel_id == "eshop-cz"
    assert identity.actor.startswith("key/")


async def test_identity_in_the_metadata_of_a_caller_is_not_believed(house: House) -> None:
    key = await house.key("alpha", rules_pb2.SCOPE_CHANNEL, "eshop-cz")
    honest = await seen_as(house, house.sent_with(key))
    forged = await seen_as(
        house,
        house.sent_with(key, spojka_scope="3", spojka_actor="root", spojka_channel="eshop-sk"),
    )
    assert forged == honest


async def test_the_internal_credential_opens_nothing_at_the_edge(house: House) -> None:
    error = await refused(
        OrderServiceStub(house.channel).ListOrders(
            orders.ListOrdersRequest(),
            metadata=(
                ("authorization", f"Bearer {INTERNAL_TOKEN}"),
                ("spojka-scope", "3"),
                ("spojka-tenant", house.tenants["alpha"]),
            ),
        )
    )
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert not house.echo.heard


async def test_an_api_key_opens_nothing_behind_the_edge(house: House) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{house.backend.port}") as inside:
        error = await refused(
            OrderServiceStub(inside).ListOrders(
                orders.ListOrdersRequest(), metadata=house.sent_with(house.admin)
            )
        )
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_an_operator_does_not_reach_another_tenant(house: House) -> None:
    key = await house.operator("alpha")
    own = await seen_as(house, house.sent_with(key, spojka_tenant="alpha"))
    assert str(own.tenant_id) == house.tenants["alpha"]
    for foreign in ("beta", house.tenants["beta"], "nobody", str(uuid4())):
        house.echo.heard.clear()
        error = await refused(
            OrderServiceStub(house.channel).ListOrders(
                orders.ListOrdersRequest(),
                metadata=house.sent_with(key, spojka_tenant=foreign),
            )
        )
        assert error.code() is grpc.StatusCode.PERMISSION_DENIED
        assert not house.echo.heard


async def test_an_admin_acts_for_the_tenant_that_it_names(house: House) -> None:
    for name in ("beta", house.tenants["beta"]):
        identity = await seen_as(house, house.sent_with(house.admin, spojka_tenant=name))
        assert str(identity.tenant_id) == house.tenants["beta"]
    assert (await seen_as(house, house.sent_with(house.admin))).tenant_id is None
    error = await refused(
        OrderServiceStub(house.channel).ListOrders(
            orders.ListOrdersRequest(),
            metadata=house.sent_with(house.admin, spojka_tenant="nobody"),
        )
    )
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED
    assert "no tenant 'nobody'" in str(error.details())


async def test_a_channels_key_does_not_speak_for_another_channel(house: House) -> None:
    async def resolve(heard: Heard) -> Message:
        request: Any = heard.request
        heard.call.identity.require_channel(request.channel_id)
        return listings.ResolveOfferedResponse()

    house.echo.unary = resolve
    key = await house.key("alpha", rules_pb2.SCOPE_CHANNEL, "eshop-cz")
    stub = ListingServiceStub(house.channel)
    for channel, allowed in (("eshop-cz", True), ("eshop-sk", False)):
        request = listings.ResolveOfferedRequest(channel_id=channel, listing_ids=["1"])
        call = stub.ResolveOffered(request, metadata=house.sent_with(key))
        if allowed:
            await call
        else:
            error = await refused(call)
            assert error.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_what_a_caller_says_twice_counts_once_and_never_for_more(house: House) -> None:
    alpha, beta = await house.operator("alpha"), await house.operator("beta")
    stub = MailServiceStub(house.channel)

    async def tenant_of(*metadata: tuple[str, str]) -> str:
        await stub.ListMails(mails.ListMailsRequest(), metadata=metadata)
        return str(house.echo.heard[-1].call.identity.tenant_id)

    keys = [("authorization", f"Bearer {key}") for key in (alpha, beta)]
    assert await tenant_of(*keys) == house.tenants["beta"]
    both = [("spojka-tenant", name) for name in ("alpha", "beta")]
    admin = ("authorization", f"Bearer {house.admin}")
    assert await tenant_of(admin, *both) == house.tenants["beta"]
    error = await refused(
        stub.ListMails(mails.ListMailsRequest(), metadata=(keys[0], both[0], both[1]))
    )
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED
    assert await tenant_of(admin, both[0], ("spojka-tenant", "")) == "None"
    for name in ("ALPHA", "alp", "%", "alpha,beta", "alpha'--"):
        sent = (("spojka-tenant", name), admin)
        error = await refused(stub.ListMails(mails.ListMailsRequest(), metadata=sent))
        assert error.code() is grpc.StatusCode.PERMISSION_DENIED, name


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer nonsense",
        "Basic spk",
        "Bearer spk_0190a4e2000070008000000000000001_" + "A" * 43,
    ],
)
async def test_without_a_right_key_nothing_is_answered(
    house: House, authorization: str | None
) -> None:
    metadata = () if authorization is None else (("authorization", authorization),)
    error = await refused(
        OrderServiceStub(house.channel).ListOrders(orders.ListOrdersRequest(), metadata=metadata)
    )
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert reason_of(error) == "UNAUTHENTICATED"
    assert not house.echo.heard


async def test_a_known_id_with_a_wrong_secret_is_refused(house: House) -> None:
    key = await house.operator()
    await seen_as(house, house.sent_with(key))
    wrong = key[:-2] + ("AA" if key[-2:] != "AA" else "BB")
    error = await refused(
        OrderServiceStub(house.channel).ListOrders(
            orders.ListOrdersRequest(), metadata=house.sent_with(wrong)
        )
    )
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_a_revoked_key_ends_at_every_edge_at_once(
    house: House, start_edge: StartEdge
) -> None:
    second = await start_edge(house.settings, house.database)
    key = await house.operator()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{second.public.port}") as other:

        async def refused_there() -> bool:
            try:
                await OrderServiceStub(other).ListOrders(
                    orders.ListOrdersRequest(), metadata=house.sent_with(key)
                )
            except grpc.aio.AioRpcError as error:
                return error.code() is grpc.StatusCode.UNAUTHENTICATED
            return False

        await seen_as(house, house.sent_with(key))
        assert not await refused_there()
        listed = await ApiKeyServiceStub(house.channel).ListApiKeys(
            accounts.ListApiKeysRequest(), metadata=house.sent_with(key)
        )
        revoked = await ApiKeyServiceStub(house.channel).RevokeApiKey(
            accounts.RevokeApiKeyRequest(id=listed.api_keys[0].id), metadata=house.sent_with(key)
        )
        assert revoked.api_key.HasField("revoke_time")
        await until(refused_there, "the key is refused", within_seconds=HEARD_SECONDS)


async def test_what_was_revoked_while_nobody_listened_is_found_again(
    house: House, database_url: str
) -> None:
    key = await house.operator()
    await seen_as(house, house.sent_with(key))
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("UPDATE gateway.api_key SET revoke_time = now() WHERE scope = 2")
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE '% direct'"
        )

    async def refused_now() -> bool:
        try:
            await seen_as(house, house.sent_with(key))
        except grpc.aio.AioRpcError as error:
            return error.code() is grpc.StatusCode.UNAUTHENTICATED
        return False

    await until(refused_now, "the key is refused", within_seconds=HEARD_SECONDS)
