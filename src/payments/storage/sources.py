"""The mails that told of payments."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from spojka.asking import Answer, ask
from spojka.database import Connection

Told = tuple[UUID, int]
"""A mail and the movement in it, counted from 0."""


async def add_sources(connection: Connection, tenant: UUID, told: Mapping[Told, UUID]) -> None:
    """Remember which payment each movement of a mail told of."""
    if not told:
        return
    pairs = sorted(told.items())
    await connection.execute(
        "INSERT INTO payment_source (tenant_id, mail_id, movement, payment_id)"
        " SELECT %s, * FROM unnest(%s::uuid[], %s::integer[], %s::uuid[]) ON CONFLICT DO NOTHING",
        [
            tenant,
            [mail_id for (mail_id, _), _ in pairs],
            [movement for (_, movement), _ in pairs],
            [payment_id for _, payment_id in pairs],
        ],
    )


async def ask_known_sources(
    connection: Connection, tenant: UUID, told: Collection[Told]
) -> Answer[Mapping[Told, UUID]]:
    """Which payment these movements told of, where they were told before."""
    return await ask(
        connection,
        """
        SELECT mail_id, movement, payment_id
        FROM unnest(%s::uuid[], %s::integer[]) AS wanted (mail_id, movement)
        JOIN payment_source USING (mail_id, movement) WHERE tenant_id = %s
        """,
        [[mail_id for mail_id, _ in told], [movement for _, movement in told], tenant],
        lambda rows: {(row[0], row[1]): row[2] for row in rows},
    )


async def mails_of_payments(
    connection: Connection, tenant: UUID, payment_ids: Iterable[UUID]
) -> Mapping[UUID, list[UUID]]:
    """The mails that told of payments, the first one first."""
    cursor = await connection.execute(
        "SELECT payment_id, mail_id FROM payment_source"
        " WHERE tenant_id = %s AND payment_id = ANY(%s) GROUP BY payment_id, mail_id"
        " ORDER BY payment_id, min(time), mail_id",
        [tenant, sorted(payment_ids)],
    )
    found: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for payment_id, mail_id in await cursor.fetchall():
        found[payment_id].append(mail_id)
    return found
