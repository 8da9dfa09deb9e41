"""ApiKeyService of the contracts: a tenant's keys, or, without a tenant, those of admins."""

from contextlib import AbstractAsyncContextManager
from uuid import UUID

from gateway import api_keys
from gateway.api_keys import MAX_LIVE_KEYS_PER_TENANT, Grant
from gateway.credential import new_key
from spojka.api.accounts.v1 import accounts_service_pb2 as accounts
from spojka.database import Connection, Database
from spojka.errors import (
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Violation,
)
from spojka.identity import Identity, Scope
from spojka.rpc.pagination import decode_token, encode_token, page_size
from spojka.rpc.server import Call


class ApiKeyServicer:
    """The keys by which programs call the public address."""

    def __init__(self, database: Database) -> None:
        """Take where keys are kept."""
        self._database = database

    async def create_api_key(
        self, request: accounts.CreateApiKeyRequest, call: Call
    ) -> accounts.CreateApiKeyResponse:
        """Create a key, at most as wide as the caller's."""
        text, credential = new_key()
        grant = _grant(request, call.identity, credential.id)
        async with self._place(call.identity) as connection:
            # Of two at once, the second counts the first's key.
            await api_keys.hold_keys(connection, grant.tenant_id)
            live = await api_keys.count_live_keys(connection, grant.tenant_id)
            if live >= MAX_LIVE_KEYS_PER_TENANT:
                raise FailedPrecondition(
                    f"there are {live} keys already; revoke those that are not used"
                )
            stored = await api_keys.insert_key(
                connection,
                credential,
                grant,
                description=request.description,
                created_by=call.identity.actor,
            )
        return accounts.CreateApiKeyResponse(api_key=stored, secret=text)

    async def list_api_keys(
        self, request: accounts.ListApiKeysRequest, call: Call
    ) -> accounts.ListApiKeysResponse:
        """List keys, newest first, without their secrets."""
        limit = page_size(request.page_size, default=100, maximum=1000)
        before = _key_id(decode_token(request.page_token, 1))
        async with self._place(call.identity) as connection:
            found = await api_keys.list_keys(
                connection, call.identity.tenant_id, before=before, limit=limit + 1
            )
        page = found[:limit]
        token = encode_token([page[-1].id]) if len(found) > limit else ""
        return accounts.ListApiKeysResponse(api_keys=page, next_page_token=token)

    async def revoke_api_key(
        self, request: accounts.RevokeApiKeyRequest, call: Call
    ) -> accounts.RevokeApiKeyResponse:
        """Revoke a key at once."""
        async with self._place(call.identity) as connection:
            revoked = await api_keys.revoke_key(
                connection, call.identity.tenant_id, UUID(request.id), by=call.identity.actor
            )
        if revoked is None:
            raise NotFound(f"there is no API key {request.id}")
        return accounts.RevokeApiKeyResponse(api_key=revoked)

    def _place(self, identity: Identity) -> AbstractAsyncContextManager[Connection]:
        if identity.tenant_id is None:
            return self._database.infrastructure()
        return self._database.transaction(identity.tenant_id)


def _grant(request: accounts.CreateApiKeyRequest, caller: Identity, key_id: UUID) -> Grant:
    scope = Scope(request.scope)
    if scope > caller.scope:
        raise PermissionDenied(
            f"a key of scope {caller.scope.name.lower()} can't create one of scope "
            f"{scope.name.lower()}"
        )
    if (scope is Scope.CHANNEL) != bool(request.channel_id):
        wants = "is required with scope CHANNEL" if scope is Scope.CHANNEL else "is not wanted"
        raise InvalidArgument([Violation("channel_id", wants)])
    if scope is Scope.ADMIN and caller.tenant_id is not None:
        raise InvalidArgument(
            [Violation("scope", "ADMIN belongs to no tenant: leave out spojka-tenant")]
        )
    if scope is not Scope.ADMIN:
        return Grant(key_id, caller.tenant, scope, request.channel_id or None)
    return Grant(key_id, None, scope, None)


def _key_id(token: list[str] | None) -> UUID | None:
    if token is None:
        return None
    try:
        return UUID(token[0])
    except ValueError:
        raise InvalidArgument(
            [Violation("page_token", "is not a token that this method gave")]
        ) from None
