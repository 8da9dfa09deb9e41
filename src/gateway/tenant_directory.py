"""Which tenants there are, for `spojka verify` (a TenantDirectory)."""

from collections.abc import Mapping
from uuid import UUID

from spojka.verification.snapshot import Snapshot


async def tenant_directory(snapshot: Snapshot) -> Mapping[str, UUID]:
    """The ids of all tenants by name."""
    return dict(await snapshot.rows("SELECT name, id FROM tenant ORDER BY name"))
