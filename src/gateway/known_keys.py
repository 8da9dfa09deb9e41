"""Finds what a key grants: from the cache, else from the database."""

import asyncio
from typing import Final
from uuid import UUID

from gateway import api_keys, tenants
from gateway.api_keys import Grant, StoredKey
from gateway.credential import parse_key
from gateway.expiring import ExpiringCache
from spojka.database import Database

MAX_CACHED_KEYS: Final = 10_000
MAX_CACHED_TENANTS: Final = 1_000
CACHE_TTL_SECONDS: Final = 30.0
"""How long a revoked key may live on where the notification of its end was lost."""
MAX_LOOKUPS_AT_ONCE: Final = 4
"""So that a flood of unknown keys leaves connections for everybody else."""


class KnownKeys:
    """The keys and tenants that this edge has seen lately."""

    def __init__(self, database: Database) -> None:
        """Begin with none."""
        self._database = database
        self._lookups = asyncio.Semaphore(MAX_LOOKUPS_AT_ONCE)
        self._keys: ExpiringCache[UUID, StoredKey] = ExpiringCache(
            max_entries=MAX_CACHED_KEYS, ttl_seconds=CACHE_TTL_SECONDS
        )
        self._tenants: ExpiringCache[str, UUID] = ExpiringCache(
            max_entries=MAX_CACHED_TENANTS, ttl_seconds=CACHE_TTL_SECONDS
        )

    async def grant_of(self, text: str) -> Grant | None:
        """What the key in `text` grants; None where it is malformed, unknown, wrong or revoked.

        Raises Unavailable while the database is away.
        """
        credential = parse_key(text)
        if credential is None:
            return None
        stored = self._keys.get(credential.id) or await self._look_up_key(credential.id)
        if stored is None or not credential.proves(stored.digest):
            return None
        return stored.grant

    async def tenant_id(self, id_or_name: str) -> UUID | None:
        """The tenant of this id or name. Raises Unavailable while the database is away."""
        known = self._tenants.get(id_or_name)
        if known is not None:
            return known
        generation = self._tenants.generation
        async with self._lookups, self._database.infrastructure() as connection:
            found = await tenants.find_tenant_id(connection, id_or_name)
        if found is not None:
            self._tenants.put(id_or_name, found, generation)
        return found

    def forget(self, key_id: UUID) -> None:
        """Believe the database, not the cache, when this key comes next."""
        self._keys.forget(key_id)

    def forget_all(self) -> None:
        """The same for every key."""
        self._keys.forget_all()

    async def _look_up_key(self, key_id: UUID) -> StoredKey | None:
        async with self._lookups:
            # Another call with the same key may have found it while this one waited.
            known = self._keys.get(key_id)
            if known is not None:
                return known
            generation = self._keys.generation
            async with self._database.infrastructure() as connection:
                stored = await api_keys.find_live_key(connection, key_id)
            if stored is not None:
                self._keys.put(key_id, stored, generation)
            return stored
