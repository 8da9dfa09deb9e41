"""Work that one process at a time may do, shared over many processes by PostgreSQL.

A lease has a due time, and, while somebody does the work, a holder and an
expiry. Its token grows with each holder: what a holder writes is guarded by
`still_held`, so that one who was stopped past the expiry changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from spojka.database import Connection


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that this process holds."""

    kind: str
    subject: str
    tenant_id: UUID
    token: int


async def offer(
    connection: Connection,
    kind: str,
    subject: str,
    tenant_id: UUID,
    delay: timedelta = timedelta(0),
) -> None:
    """Make work known, due after `delay`; work that is known becomes due no later than that."""
    await connection.execute(
        """
        INSERT INTO lease (kind, subject, tenant_id, due_time) VALUES (%s, %s, %s, now() + %s)
        ON CONFLICT (kind, subject) DO UPDATE SET due_time = excluded.due_time
            WHERE lease.due_time > excluded.due_time
        """,
        [kind, subject, tenant_id, delay],
    )


async def withdraw(connection: Connection, kind: str, subject: str) -> None:
    """Forget work; whoever does it finds its lease gone."""
    await connection.execute("DELETE FROM lease WHERE kind = %s AND subject = %s", [kind, subject])


async def claim(
    connection: Connection, kind: str, holder: str, ttl: timedelta, limit: int
) -> list[Lease]:
    """Take up to `limit` leases that are due and that nobody holds, the longest due first."""
    cursor = await connection.execute(
        """
        UPDATE lease SET holder = %s, token = token + 1, expiry_time = now() + %s,
                         due_time = 'infinity'
        WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM lease
            WHERE kind = %s AND (expiry_time < now() OR expiry_time IS NULL AND due_time <= now())
            ORDER BY due_time LIMIT %s FOR UPDATE SKIP LOCKED
        ))
        RETURNING subject, tenant_id, token
        """,
        [holder, ttl, kind, limit],
    )
    return [
        Lease(kind, subject, tenant, token) for subject, tenant, token in await cursor.fetchall()
    ]


async def renew(connection: Connection, leases: Sequence[Lease], ttl: timedelta) -> set[str]:
    """Hold on to leases; returns the subjects that are still ours."""
    cursor = await connection.execute(
        """
        UPDATE lease SET expiry_time = now() + %s
        FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS held (kind, subject, token)
        WHERE (lease.kind, lease.subject, lease.token) = (held.kind, held.subject, held.token)
        RETURNING lease.subject
        """,
        [
            ttl,
            [lease.kind for lease in leases],
            [lease.subject for lease in leases],
            [lease.token for lease in leases],
        ],
    )
    return {row[0] for row in await cursor.fetchall()}


async def still_held(connection: Connection, lease: Lease) -> bool:
    """Whether the lease is ours, and stays so until the running transaction ends."""
    cursor = await connection.execute(
        "SELECT 1 FROM lease WHERE kind = %s AND subject = %s AND token = %s FOR SHARE",
        [lease.kind, lease.subject, lease.token],
    )
    return await cursor.fetchone() is not None


async def release(connection: Connection, lease: Lease, delay: timedelta) -> None:
    """Give a lease back, due again after `delay`, or sooner where it was offered meanwhile."""
    # While it was held, `due_time` was infinite unless it was offered anew.
    await connection.execute(
        """
        UPDATE lease SET holder = NULL, expiry_time = NULL, due_time = least(due_time, now() + %s)
        WHERE kind = %s AND subject = %s AND token = %s
        """,
        [delay, lease.kind, lease.subject, lease.token],
    )
