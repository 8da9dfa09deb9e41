"""Services as an operator runs them, each a process, and a client of their edge."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

import grpc

from bench.processes import free_port, running
from bench.stage import INTERNAL_TOKEN, SEALING_KEYS, Stage
from gateway.bootstrap import create_admin_key
from spojka.api.accounts.v1 import accounts_service_pb2 as accounts
from spojka.api.accounts.v1.accounts_service_pb2_grpc import TenantServiceStub
from spojka.service import registered_services

EDGE: Final = "gateway"
Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Installation:
    """A channel to the edge, and what an operator of a new tenant says on each call."""

    channel: grpc.aio.Channel
    tenant: str
    operator: Metadata


@asynccontextmanager
async def installed(
    stage: Stage, services: Sequence[str], settings: Mapping[str, str] | None = None
) -> AsyncIterator[Installation]:
    """Run the edge and these services, with further settings by their variables' names."""
    known = registered_services()
    groups = [group for name in services for group in known[name].consumer_groups]
    await stage.ensure_topics(*services, groups=groups)
    ports = {name: free_port() for name in services}
    public = free_port()
    shared = {
        "SPOJKA_KAFKA_BOOTSTRAP": stage.settings.required_bootstrap(),
        "SPOJKA_TOPIC_PREFIX": stage.settings.topic_prefix,
        "SPOJKA_INTERNAL_TOKEN": INTERNAL_TOKEN,
        "SPOJKA_SEALING_KEYS": SEALING_KEYS,
        "SPOJKA_MAIL_DOMAIN": stage.settings.mail_domain,
        "SPOJKA_LOG_LEVEL": "error",
        **{f"SPOJKA_{name.upper()}_ADDRESS": f"127.0.0.1:{port}" for name, port in ports.items()},
        **(settings or {}),
    }
    edge = {"SPOJKA_EDGE_GRPC_PORT": str(public), "SPOJKA_EDGE_HTTP_PORT": str(free_port())}
    own = {name: ({"SPOJKA_SERVICE_PORT": str(port)}, port) for name, port in ports.items()}
    async with AsyncExitStack() as stack:
        for name, (environment, port) in {**own, EDGE: (edge, public)}.items():
            variables = shared | environment | {"SPOJKA_DATABASE_URL": stage.service_url(name)}
            await stack.enter_async_context(
                running("spojka", ["serve", name], variables, port=port)
            )
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{public}"))
        yield await _opened(channel, await create_admin_key(stage.superuser_url))


async def _opened(channel: grpc.aio.Channel, admin: str) -> Installation:
    as_admin = (("authorization", f"Bearer {admin}"),)
    made: accounts.CreateTenantResponse = await TenantServiceStub(channel).CreateTenant(
        accounts.CreateTenantRequest(name="bench"), metadata=as_admin
    )
    return Installation(channel, made.tenant.id, (*as_admin, ("spojka-tenant", made.tenant.id)))
