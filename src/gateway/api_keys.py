"""API keys in the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.rows import TupleRow

from gateway.credential import Credential
from spojka.api.accounts.v1 import accounts_service_pb2 as accounts
from spojka.identity import Scope

MAX_LIVE_KEYS_PER_TENANT: Final = 1000
REVOKED_CHANNEL: Final = "spojka_gateway_key_revoked"
"""The notification channel by which every edge learns that a key ended; the payload is its id."""

_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
_COLUMNS: Final = "id, description, scope, channel_id, create_time, revoke_time"
_Connection = psycopg.AsyncConnection[TupleRow]


@dataclass(frozen=True, slots=True)
class Grant:
    """What a key lets its holder do. `tenant_id` is None for keys of scope ADMIN alone."""

    id: UUID
    tenant_id: UUID | None
    scope: Scope
    channel_id: str | None


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key that is not revoked: the digest of its text and its grant."""

    digest: bytes
    grant: Grant


async def find_live_key(connection: _Connection, key_id: UUID) -> StoredKey | None:
    """The key with this id, unless it is unknown or revoked."""
    cursor = await connection.execute(
        "SELECT digest, tenant_id, scope, channel_id FROM api_key"
        " WHERE id = %s AND revoke_time IS NULL",
        [key_id],
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    digest, tenant_id, scope, channel_id = row
    return StoredKey(digest, Grant(key_id, tenant_id, Scope(scope), channel_id))


async def find_live_ids(connection: _Connection, key_ids: Sequence[UUID]) -> set[UUID]:
    """Those of the keys with these ids that are not revoked."""
    cursor = await connection.execute(
        "SELECT id FROM api_key WHERE id = ANY(%s) AND revoke_time IS NULL", [list(key_ids)]
    )
    return {row[0] for row in await cursor.fetchall()}


async def hold_keys(connection: _Connection, tenant_id: UUID | None) -> None:
    """Let nobody else hold the tenant's keys (those of admins for None) until the commit."""
    await connection.execute(_LOCK, [f"api_key/{tenant_id or ''}"])


async def count_live_keys(connection: _Connection, tenant_id: UUID | None) -> int:
    """How many keys a tenant has that are not revoked; those of admins for None."""
    cursor = await connection.execute(
        "SELECT count(*) FROM api_key"
        " WHERE tenant_id IS NOT DISTINCT FROM %s AND revoke_time IS NULL",
        [tenant_id],
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def insert_key(
    connection: _Connection,
    credential: Credential,
    grant: Grant,
    *,
    description: str,
    created_by: str,
) -> accounts.ApiKey:
    """Store a new key."""
    cursor = await connection.execute(
        f"""
        INSERT INTO api_key (id, tenant_id, scope, channel_id, description, digest, created_by)
        VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING {_COLUMNS}
        """,
        [
            credential.id,
            grant.tenant_id,
            int(grant.scope),
            grant.channel_id,
            description,
            credential.digest,
            created_by,
        ],
    )
    row = await cursor.fetchone()
    assert row is not None
    return _message(row)


async def list_keys(
    connection: _Connection, tenant_id: UUID | None, *, before: UUID | None, limit: int
) -> list[accounts.ApiKey]:
    """A tenant's keys, newest first, below the id `before`; those of admins for None."""
    cursor = await connection.execute(
        f"""
        SELECT {_COLUMNS} FROM api_key
        WHERE tenant_id IS NOT DISTINCT FROM %s AND (%s::uuid IS NULL OR id < %s::uuid)
        ORDER BY id DESC LIMIT %s
        """,
        [tenant_id, before, before, limit],
    )
    return [_message(row) for row in await cursor.fetchall()]


async def revoke_key(
    connection: _Connection, tenant_id: UUID | None, key_id: UUID, *, by: str
) -> accounts.ApiKey | None:
    """End a key and tell every edge at the commit; None where the tenant has no such key."""
    cursor = await connection.execute(
        f"""
        UPDATE api_key SET revoke_time = coalesce(revoke_time, now()),
                           revoked_by = coalesce(revoked_by, %s)
        WHERE id = %s AND tenant_id IS NOT DISTINCT FROM %s
        RETURNING {_COLUMNS}, pg_notify('{REVOKED_CHANNEL}', id::text)
        """,
        [by, key_id, tenant_id],
    )
    row = await cursor.fetchone()
    return _message(row) if row else None


def _message(row: Sequence[Any]) -> accounts.ApiKey:
    key_id, description, scope, channel_id, created, revoked = row[:6]
    message = accounts.ApiKey(
        id=str(key_id), description=description, scope=scope, channel_id=channel_id or ""
    )
    message.create_time.FromDatetime(created)
    if revoked is not None:
        message.revoke_time.FromDatetime(revoked)
    return message
