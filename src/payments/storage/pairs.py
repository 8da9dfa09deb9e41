"""Pairs that a person ruled out, senders that a person confirmed, and accounts that paid before."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from payments.storage.origin import Origin
from spojka.asking import Answer, ask
from spojka.database import Connection

Payer = tuple[str, str]
"""A counter account and the key of a customer whose order was paid from it."""


async def ask_ruled_out_orders(
    connection: Connection, tenant: UUID, payment_ids: Iterable[UUID]
) -> Answer[Mapping[UUID, frozenset[UUID]]]:
    """The orders that are ruled out for payments."""
    return await ask(
        connection,
        "SELECT payment_id, order_id FROM never_pair WHERE tenant_id = %s AND payment_id = ANY(%s)",
        [tenant, sorted(payment_ids)],
        _grouped,
    )


async def rule_out(
    connection: Connection,
    tenant: UUID,
    payment_id: UUID,
    order_ids: Collection[UUID],
    decision_id: UUID,
) -> None:
    """Rule orders out for a payment; those ruled out already stay so."""
    await connection.execute(
        "INSERT INTO never_pair (tenant_id, payment_id, order_id, decision_id)"
        " SELECT %s, %s, unnest(%s::uuid[]), %s ON CONFLICT DO NOTHING",
        [tenant, payment_id, sorted(order_ids), decision_id],
    )


async def allow(
    connection: Connection, tenant: UUID, payment_id: UUID, order_ids: Collection[UUID]
) -> None:
    """Let orders be paid by a payment again."""
    await connection.execute(
        "DELETE FROM never_pair WHERE tenant_id = %s AND payment_id = %s AND order_id = ANY(%s)",
        [tenant, payment_id, sorted(order_ids)],
    )


async def confirm_sender(
    connection: Connection, tenant: UUID, origin: Origin, decision_id: UUID
) -> None:
    """Remember that a person confirmed a sender."""
    await connection.execute(
        "INSERT INTO confirmed_sender (tenant_id, address_id, bank, sender_domain, decision_id)"
        " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        [tenant, origin.address_id, origin.bank, origin.sender_domain, decision_id],
    )


async def forget_sender(connection: Connection, tenant: UUID, decision_id: UUID) -> None:
    """Take back the confirmation that a decision made."""
    await connection.execute(
        "DELETE FROM confirmed_sender WHERE tenant_id = %s AND decision_id = %s",
        [tenant, decision_id],
    )


async def ask_confirmed_senders(
    connection: Connection, tenant: UUID, origins: Collection[Origin]
) -> Answer[set[Origin]]:
    """Those of these senders that a person confirmed."""
    wanted = [origin for origin in origins if origin.address_id is not None]
    return await ask(
        connection,
        """
        SELECT address_id, bank, sender_domain
        FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS wanted (address_id, bank, sender_domain)
        JOIN confirmed_sender USING (address_id, bank, sender_domain) WHERE tenant_id = %s
        """,
        [
            [origin.address_id for origin in wanted],
            [origin.bank for origin in wanted],
            [origin.sender_domain for origin in wanted],
            tenant,
        ],
        lambda rows: {Origin(*row) for row in rows},
    )


async def ask_known_customers(
    connection: Connection, tenant: UUID, counter_accounts: Collection[str], limit: int
) -> Answer[Mapping[str, frozenset[str]]]:
    """Whose orders were paid from each account before, at most `limit` customers an account."""
    return await ask(
        connection,
        """
        SELECT wanted.counter_account, found.customer_key
        FROM unnest(%s::text[]) AS wanted (counter_account)
        CROSS JOIN LATERAL (
            SELECT customer_key FROM payer
            WHERE tenant_id = %s AND payer.counter_account = wanted.counter_account AND times > 0
            ORDER BY customer_key LIMIT %s) AS found
        """,
        [sorted({account for account in counter_accounts if account}), tenant, limit],
        _grouped,
    )


async def count_payers(connection: Connection, tenant: UUID, times: Mapping[Payer, int]) -> None:
    """Add to how often each account paid for each customer; what is taken back is negative."""
    counted = sorted((payer, number) for payer, number in times.items() if number)
    if not counted:
        return
    await connection.execute(
        """
        INSERT INTO payer (tenant_id, counter_account, customer_key, times)
        SELECT %s, * FROM unnest(%s::text[], %s::text[], %s::integer[])
        ON CONFLICT (tenant_id, counter_account, customer_key)
            DO UPDATE SET times = payer.times + excluded.times
        """,
        [
            tenant,
            [account for (account, _), _ in counted],
            [customer for (_, customer), _ in counted],
            [number for _, number in counted],
        ],
    )


def _grouped(rows: Iterable[Sequence[Any]]) -> dict[Any, frozenset[Any]]:
    """Pairs by their first members."""
    found: defaultdict[Any, set[Any]] = defaultdict(set)
    for first, second in rows:
        found[first].add(second)
    return {first: frozenset(seconds) for first, seconds in found.items()}
