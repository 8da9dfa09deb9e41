"""Calls to a service of which one instance stands still."""

from collections.abc import AsyncIterator

import grpc
import pytest

from spojka.api.accounts.v1 import accounts_service_pb2 as accounts
from spojka.api.accounts.v1.accounts_service_pb2_grpc import TenantServiceStub
from spojka.identity import Identity, Scope
from spojka.rpc.client import open_channel
from spojka.rpc.server import Server
from tests.gateway.echo import Echo
from tests.internal_calls import call_as, internal_server
from tests.line import Line
from tests.waiting import until

ADMIN = Identity(None, Scope.ADMIN, "edge")
SERVICE = accounts.DESCRIPTOR.services_by_name["TenantService"]
CALLS = 8


@pytest.fixture
async def instances() -> AsyncIterator[tuple[tuple[Server, Echo], ...]]:
    found = tuple((internal_server(), Echo()) for _ in range(2))
    for server, echo in found:
        server.add(SERVICE, echo.servicer(SERVICE))
        await server.start()
    yield found
    for server, _ in found:
        await server.stop()


async def test_calls_to_an_instance_that_stands_still_are_made_by_another(
    instances: tuple[tuple[Server, Echo], ...],
) -> None:
    """Within the deadline of each, whether it was on its way already or came later."""
    (well, heard_well), (still, heard_still) = instances
    line = Line("127.0.0.1", still.port)
    await line.lay()
    async with open_channel(f"127.0.0.1:{well.port},127.0.0.1:{line.port}") as channel:

        async def both_hear() -> bool:
            await call(channel)
            return bool(heard_well.heard and heard_still.heard)

        await until(both_hear, "both instances are called")
        heard_well.heard.clear()
        line.hush()
        for _ in range(CALLS):
            await call(channel)
    assert len(heard_well.heard) == CALLS
    await line.cut()


async def call(channel: grpc.aio.Channel) -> None:
    request = accounts.ListTenantsRequest()
    await call_as(ADMIN, [TenantServiceStub(channel)], "ListTenants", request)
