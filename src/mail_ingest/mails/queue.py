"""The mails that are to be judged: taken, given back, done.

Whoever takes a mail moves its due time ahead, so that another takes it when
this one is killed. Every taking has a number; what comes of it counts only
while the number is the newest.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from spojka.database import Connection, Database

# An array is made once; what stands behind IN may be asked again, and then gives more than
# its limit.
_CLAIM: Final = """
    UPDATE mail_queue SET due_time = now() + %s, claims = claims + 1, broken = broken + 1
    WHERE mail_id = ANY(ARRAY(
        SELECT mail_id FROM mail_queue WHERE due_time <= now()
        ORDER BY due_time LIMIT %s FOR UPDATE SKIP LOCKED))
    RETURNING tenant_id, mail_id, claims, broken
"""
VISIBILITY: Final = timedelta(seconds=30)
"""Above the longest judging: DNS has a deadline of 15 s, and bytes are bounded. Who is later than
that has worked in vain; mails of a process that was killed are judged after it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A mail that this process has taken.

    `broken` counts the takings in a row of which nothing came, this one included.
    """

    tenant_id: UUID
    mail_id: UUID
    number: int
    broken: int


async def claim(database: Database, limit: int) -> list[Claim]:
    """Take up to `limit` mails that are due, the longest due first. Raises Unavailable."""
    async with database.autocommit() as connection:
        cursor = await connection.execute(_CLAIM, [VISIBILITY, limit])
        return [Claim(*row) for row in await cursor.fetchall()]


async def count_alone(database: Database, claim: Claim) -> int | None:
    """Count that the mail is judged alone from now on; returns how often in a row it was.

    None where the claim is no longer ours. Raises Unavailable.
    """
    async with database.autocommit() as connection:
        cursor = await connection.execute(
            "UPDATE mail_queue SET due_time = now() + %s, alone = alone + 1"
            " WHERE mail_id = %s AND claims = %s RETURNING alone",
            [VISIBILITY, claim.mail_id, claim.number],
        )
        row = await cursor.fetchone()
    return row[0] if row else None


async def finish(connection: Connection, tenant_id: UUID, claims: Collection[Claim]) -> set[UUID]:
    """Take a tenant's mails out of the queue; returns those whose claims are still ours."""
    if not claims:
        return set()
    cursor = await connection.execute(
        """
        DELETE FROM mail_queue USING unnest(%s::uuid[], %s::bigint[]) AS done (mail_id, claims)
        WHERE mail_queue.mail_id = done.mail_id AND mail_queue.claims = done.claims
          AND tenant_id = %s
        RETURNING mail_queue.mail_id
        """,
        [[claim.mail_id for claim in claims], [claim.number for claim in claims], tenant_id],
        prepare=False,  # A plan kept from when the table was small would read all of it.
    )
    return {row[0] for row in await cursor.fetchall()}


async def postpone(connection: Connection, claim: Claim, delay: timedelta, *, judged: bool) -> bool:
    """Give the mail back, due after `delay`; False where the claim is no longer ours.

    `judged` says that something came of it, though it is to be judged again.
    """
    cursor = await connection.execute(
        """
        UPDATE mail_queue SET due_time = now() + %(delay)s,
            broken = CASE WHEN %(judged)s THEN 0 ELSE broken END,
            alone = CASE WHEN %(judged)s THEN 0 ELSE alone END
        WHERE mail_id = %(mail)s AND tenant_id = %(tenant)s AND claims = %(number)s
        """,
        {
            "delay": delay,
            "judged": judged,
            "mail": claim.mail_id,
            "tenant": claim.tenant_id,
            "number": claim.number,
        },
    )
    return bool(cursor.rowcount)


async def withdraw(connection: Connection, tenant_id: UUID, mail_id: UUID) -> None:
    """Take a mail out of the queue whoever has it: it was judged outside of it."""
    await connection.execute(
        "DELETE FROM mail_queue WHERE mail_id = %s AND tenant_id = %s", [mail_id, tenant_id]
    )
