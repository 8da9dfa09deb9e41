"""What the tests of the edge share: a whole edge with a service behind it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import grpc

from gateway.service import Edge
from spojka.api.accounts.v1 import accounts_service_pb2 as accounts
from spojka.api.accounts.v1.accounts_service_pb2_grpc import ApiKeyServiceStub
from spojka.api.common.v1 import rules_pb2
from spojka.database import Database
from spojka.rpc.server import Server
from spojka.settings import Settings
from tests.gateway.echo import Echo

INTERNAL_TOKEN = "known inside the house only"


@dataclass(frozen=True, slots=True)
class House:
    """An edge, the service behind it, and a key of each scope."""

    settings: Settings
    edge: Edge
    database: Database
    echo: Echo
    backend: Server
    channel: grpc.aio.Channel
    admin: str
    tenants: dict[str, str] = field(default_factory=dict)

    def sent_with(self, key: str, **more: str) -> tuple[tuple[str, str], ...]:
        """The metadata of a call with a key."""
        extra = ((name.replace("_", "-"), value) for name, value in more.items())
        return (("authorization", f"Bearer {key}"), *extra)

    async def key(self, tenant: str, scope: "rules_pb2.Scope.ValueType", channel: str = "") -> str:
        """A new key of a tenant."""
        created = await ApiKeyServiceStub(self.channel).CreateApiKey(
            accounts.CreateApiKeyRequest(scope=scope, channel_id=channel),
            metadata=self.sent_with(self.admin, spojka_tenant=tenant),
        )
        return created.secret

    async def operator(self, tenant: str = "alpha") -> str:
        """A new key of scope OPERATOR."""
        return await self.key(tenant, rules_pb2.SCOPE_OPERATOR)


StartEdge = Callable[..., Awaitable[Edge]]
