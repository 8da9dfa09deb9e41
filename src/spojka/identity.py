"""Who is calling: the tenant, the scope and the actor of a request."""

from dataclasses import dataclass
from enum import IntEnum
from uuid import UUID

from spojka.api.common.v1 import rules_pb2
from spojka.errors import PermissionDenied


class Scope(IntEnum):
    """What a key may do; each includes the ones before it."""

    CHANNEL = rules_pb2.SCOPE_CHANNEL
    OPERATOR = rules_pb2.SCOPE_OPERATOR
    ADMIN = rules_pb2.SCOPE_ADMIN


@dataclass(frozen=True, slots=True)
class Identity:
    """The authenticated caller of one request.

    `tenant_id` is None only for calls that stand outside every tenant.
    `channel_id` is set with scope CHANNEL and restricts the caller to it.
    `actor` is for history: an API key, a person or a service.
    """

    tenant_id: UUID | None
    scope: Scope
    actor: str
    channel_id: str | None = None

    @property
    def tenant(self) -> UUID:
        """The tenant; raises PermissionDenied where the call names none."""
        if self.tenant_id is None:
            raise PermissionDenied(
                "this call needs a tenant: name one with the spojka-tenant metadata"
            )
        return self.tenant_id

    def require_channel(self, channel_id: str) -> None:
        """Raise PermissionDenied unless the caller may speak for this channel."""
        if self.channel_id is not None and self.channel_id != channel_id:
            raise PermissionDenied(
                f"this key is for channel {self.channel_id!r}, not for {channel_id!r}"
            )
