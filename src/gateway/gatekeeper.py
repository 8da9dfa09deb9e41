"""Decides who may call what: API key → identity, method → least scope."""

from typing import Final
from uuid import UUID

from google.protobuf.descriptor import MethodDescriptor

from gateway.api_keys import Grant
from gateway.known_keys import KnownKeys
from spojka.api.common.v1 import rules_pb2
from spojka.errors import PermissionDenied, Unauthenticated
from spojka.identity import Identity, Scope
from spojka.rpc.server import Metadata, text_of

TENANT: Final = "spojka-tenant"
"""The metadata by which a caller says for which tenant an admin key acts."""

_BEARER: Final = "Bearer "
_ACTOR: Final = "key/"


def least_scope(method: MethodDescriptor) -> Scope | None:
    """The least scope that may call a method (its option in the contracts); None for nobody."""
    value = method.GetOptions().Extensions[rules_pb2.scope]
    return Scope(value) if value else None


def key_id(identity: Identity) -> UUID:
    """The key by which a call was admitted."""
    return UUID(identity.actor.removeprefix(_ACTOR))


class Gatekeeper:
    """Admits the calls of the public address."""

    def __init__(self, keys: KnownKeys) -> None:
        """Take the keys to believe."""
        self._keys = keys

    async def admit(self, metadata: Metadata, least: Scope | None) -> Identity:
        """The identity by which a call goes on; nothing else of `metadata` does.

        Raises Unauthenticated without a valid key, PermissionDenied where the
        key's scope or tenant is not enough, Unavailable while keys can't be
        looked up.
        """
        grant = await self._grant(text_of(metadata.get("authorization")))
        if least is None:
            raise PermissionDenied("this method can't be called through the public address")
        if grant.scope < least:
            raise PermissionDenied(
                f"this method wants a key of scope {least.name.lower()}; "
                f"yours is of scope {grant.scope.name.lower()}"
            )
        tenant_id = await self._tenant(grant, text_of(metadata.get(TENANT)))
        return Identity(tenant_id, grant.scope, f"{_ACTOR}{grant.id}", grant.channel_id)

    async def _grant(self, authorization: str) -> Grant:
        if not authorization.startswith(_BEARER):
            raise Unauthenticated(
                "an API key is missing: send it as the metadata 'authorization: Bearer spk_…'"
            )
        grant = await self._keys.grant_of(authorization[len(_BEARER) :].strip())
        if grant is None:
            raise Unauthenticated("this API key is not known, or it was revoked")
        return grant

    async def _tenant(self, grant: Grant, wanted: str) -> UUID | None:
        if not wanted or wanted == str(grant.tenant_id):
            return grant.tenant_id
        found = await self._keys.tenant_id(wanted)
        if grant.scope is Scope.ADMIN:
            if found is None:
                raise PermissionDenied(f"there is no tenant {wanted!r}: see 'spojka tenant list'")
            return found
        if found != grant.tenant_id:
            raise PermissionDenied(f"this key is not a key of the tenant {wanted!r}")
        return found
