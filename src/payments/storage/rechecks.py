"""Payments that are to be looked at again after the commit.

An order that is new or changed is noted itself, and the payments that look for
it are found after its commit, once whoever was matching by then has committed,
too (`payments.storage.turns.matching_ended`): of a payment and an order that
come at the same time, in transactions that can't see each other, none is missed.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from spojka.database import Connection

PAYMENTS_OF_ONE_ORDER_MAX: Final = 10_000
"""Payments that are looked at again for one order's sake, the newest."""


@dataclass(frozen=True, slots=True)
class Recheck:
    """One thing to be looked at again, claimed."""

    tenant_id: UUID
    of_order: bool
    subject_id: UUID
    due_time: datetime
    """When it is due again; tells this claim from whatever was noted after it."""


async def note_payments(connection: Connection, tenant: UUID, ids: Collection[UUID]) -> None:
    """Look at payments again once the running transaction is committed."""
    await _note(connection, tenant, ids, of_order=False)


async def note_orders(connection: Connection, tenant: UUID, ids: Collection[UUID]) -> None:
    """Look again at the payments that look for these orders, once this transaction is committed."""
    await _note(connection, tenant, ids, of_order=True)


async def note_open_payments(connection: Connection, tenant: UUID) -> int:
    """Look again at every payment that automation may still decide about; returns how many.

    For after the rules changed: payments that pay an order stay as they are.
    """
    cursor = await connection.execute(
        """
        INSERT INTO recheck (tenant_id, of_order, subject_id)
        SELECT tenant_id, false, id FROM payment
        WHERE tenant_id = %s AND needs_person AND hold = 0 AND decided_by = '' AND incoming
        ORDER BY id
        ON CONFLICT (tenant_id, of_order, subject_id) DO UPDATE SET due_time = now(), attempts = 0
        """,
        [tenant],
    )
    return cursor.rowcount


async def _note(
    connection: Connection, tenant: UUID, ids: Collection[UUID], *, of_order: bool
) -> None:
    if not ids:
        return
    # Sorted, so that two who note the same wait for each other instead of deadlocking.
    await connection.execute(
        """
        INSERT INTO recheck (tenant_id, of_order, subject_id)
        SELECT %s, %s, unnest(%s::uuid[])
        ON CONFLICT (tenant_id, of_order, subject_id) DO UPDATE SET due_time = now(), attempts = 0
        """,
        [tenant, of_order, sorted(set(ids))],
    )


async def claim(connection: Connection, until_given_up: timedelta, limit: int) -> list[Recheck]:
    """Take up to `limit` due ones of all tenants, the longest due first.

    They stay in the list, due again after `until_given_up`: that is for a
    worker that dies. To be called outside of any transaction, so that nobody
    who notes something waits for the work.
    """
    cursor = await connection.execute(
        """
        UPDATE recheck SET due_time = now() + %s
        WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM recheck WHERE due_time <= now()
            ORDER BY due_time LIMIT %s FOR UPDATE SKIP LOCKED))
        RETURNING tenant_id, of_order, subject_id, due_time
        """,
        [until_given_up, limit],
    )
    return [Recheck(*row) for row in await cursor.fetchall()]


async def forget(connection: Connection, done: Sequence[Recheck]) -> None:
    """Take claimed ones out of the list, but for those that were noted anew meanwhile."""
    await connection.execute(
        """
        DELETE FROM recheck
        USING unnest(%s::uuid[], %s::boolean[], %s::uuid[], %s::timestamptz[])
            AS done (tenant, of_order, subject, due_time)
        WHERE recheck.tenant_id = done.tenant AND recheck.of_order = done.of_order
          AND recheck.subject_id = done.subject AND recheck.due_time = done.due_time
        """,
        [
            [each.tenant_id for each in done],
            [each.of_order for each in done],
            [each.subject_id for each in done],
            [each.due_time for each in done],
        ],
    )


async def put_off(
    connection: Connection,
    tenant: UUID,
    payment_ids: Collection[UUID],
    first: timedelta,
    longest: timedelta,
) -> None:
    """Look at payments again later, each time twice as late."""
    await connection.execute(
        """
        INSERT INTO recheck (tenant_id, of_order, subject_id, due_time, attempts)
        SELECT %(tenant)s, false, unnest(%(ids)s::uuid[]), now() + %(first)s, 1
        ON CONFLICT (tenant_id, of_order, subject_id) DO UPDATE
        SET attempts = recheck.attempts + 1,
            due_time = now() + least(%(first)s * power(2, least(recheck.attempts, 20)), %(longest)s)
        """,
        {"tenant": tenant, "ids": sorted(payment_ids), "first": first, "longest": longest},
    )


async def failing(connection: Connection) -> int:
    """How many payments failed at their last look, of all tenants."""
    cursor = await connection.execute(
        "SELECT count(*) FROM (SELECT FROM recheck WHERE attempts > 0 LIMIT 1000) AS failing"
    )
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


# The tenant is asked for, not given: of one that is given and that PostgreSQL's statistics do not
# know, it takes all rows for none, and would begin each order with all payments.
_LOOKING: Final = """
        SELECT found.payment_id FROM unnest(%(orders)s::uuid[]) AS wanted (order_id)
        CROSS JOIN LATERAL (
            SELECT search_key.payment_id FROM payable_key
            JOIN search_key USING (tenant_id, kind, key)
            JOIN payment ON payment.tenant_id = search_key.tenant_id
                AND payment.id = search_key.payment_id
            WHERE payable_key.tenant_id = (SELECT %(tenant)s::uuid)
              AND payable_key.order_id = wanted.order_id
              AND hold = 0
              AND (NOT %(only_open)s OR needs_person AND decided_by = '')
            ORDER BY search_key.payment_id DESC LIMIT %(limit)s
        ) AS found
        UNION
        SELECT payment_id FROM allocation
        WHERE tenant_id = (SELECT %(tenant)s::uuid) AND order_id = ANY(%(orders)s)
"""
_NOTE_LOOKING: Final = f"""
    INSERT INTO recheck (tenant_id, of_order, subject_id)
    SELECT %(tenant)s, false, payment_id FROM ({_LOOKING}) AS looking
    WHERE payment_id <> ALL(%(known)s) ORDER BY payment_id
    ON CONFLICT (tenant_id, of_order, subject_id) DO UPDATE SET due_time = now(), attempts = 0
"""


async def payments_looking_for(
    connection: Connection, tenant: UUID, order_ids: Collection[UUID]
) -> set[UUID]:
    """Payments that look for one of these orders, or pay one; the newest so many for each."""
    if not order_ids:
        return set()
    cursor = await connection.execute(
        _LOOKING,
        _looking(tenant, order_ids, only_open=False),
        prepare=False,  # A plan kept from when the tables were small would read all of them.
    )
    return {row[0] for row in await cursor.fetchall()}


async def note_payments_looking_for(
    connection: Connection, tenant: UUID, order_ids: Collection[UUID], but: Collection[UUID]
) -> None:
    """Look again at payments that pay these orders, or are open and look for them.

    Those of `but` were looked at just now.
    """
    if order_ids:
        values = {**_looking(tenant, order_ids, only_open=True), "known": sorted(but)}
        await connection.execute(_NOTE_LOOKING.encode(), values, prepare=False)  # As above.


def _looking(tenant: UUID, order_ids: Collection[UUID], *, only_open: bool) -> dict[str, Any]:
    """`only_open`: of those that look for an order, the ones that automation may decide about."""
    return {
        "tenant": tenant,
        "orders": sorted(order_ids),
        "only_open": only_open,
        "limit": PAYMENTS_OF_ONE_ORDER_MAX,
    }
