"""Payments that a mail may tell of again, and those that a reversal may take back."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from payments.ledger.recognising import KnownMovements, Movement
from payments.messages.notice import Notice
from spojka.api.payments.v1 import payment_pb2
from spojka.asking import Answer, ask
from spojka.database import Connection

SIMILAR_MAX: Final = 50
"""Payments of one likeness that are compared, the newest; more of them on one day are no twins."""
REVERSED_WITHIN: Final = timedelta(days=90)
REVERSED_MAX: Final = 5

_SIMILAR: Final = """
    SELECT found.* FROM unnest(%(connections)s::uuid[], %(likenesses)s::bytea[])
        AS wanted (connection_id, likeness)
    CROSS JOIN LATERAL (
        SELECT connection_id, id, own_account, incoming, amount, currency, reference, likeness,
               balance
        FROM payment WHERE tenant_id = %(tenant)s AND connection_id = wanted.connection_id
            AND likeness = wanted.likeness
        ORDER BY id DESC LIMIT %(limit)s) AS found
    UNION
    SELECT payment.connection_id, id, own_account, incoming, amount, currency, reference,
           payment.likeness, payment.balance
    FROM unnest(%(connections)s::uuid[], %(likenesses)s::bytea[], %(balances)s::text[])
        AS wanted (connection_id, likeness, balance)
    JOIN payment USING (connection_id, likeness, balance)
    WHERE tenant_id = %(tenant)s AND reference = '' AND balance <> ''
    UNION
    SELECT found.* FROM
        unnest(%(connections)s::uuid[], %(accounts)s::text[], %(references)s::text[])
        AS wanted (connection_id, own_account, reference)
    CROSS JOIN LATERAL (
        SELECT connection_id, id, own_account, incoming, amount, currency, reference, likeness,
               balance
        FROM payment WHERE tenant_id = %(tenant)s AND source = %(source)s
            AND connection_id = wanted.connection_id AND own_account = wanted.own_account
            AND reference = wanted.reference AND reference <> ''
        LIMIT %(limit)s) AS found
"""


async def ask_similar_movements(
    connection: Connection, tenant: UUID, notices: Collection[Notice]
) -> Answer[dict[UUID, KnownMovements]]:
    """By connection: known movements that share a likeness or a reference with one of these."""
    return await ask(
        connection,
        _SIMILAR,
        {
            "tenant": tenant,
            "source": payment_pb2.PAYMENT_SOURCE_NOTIFICATION,
            "connections": [notice.connection_id for notice in notices],
            "likenesses": [notice.likeness for notice in notices],
            "balances": [notice.balance for notice in notices],
            "accounts": [notice.movement.own_account for notice in notices],
            "references": [notice.movement.reference for notice in notices],
            "limit": SIMILAR_MAX,
        },
        _by_connection,
        prepare=False,  # A plan kept from when the table was small would read all of it.
    )


def _by_connection(rows: Iterable[Sequence[Any]]) -> dict[UUID, KnownMovements]:
    found: defaultdict[UUID, KnownMovements] = defaultdict(KnownMovements)
    for connection_id, *facts in rows:
        found[connection_id].add(Movement(*facts))
    return found


async def payments_taken_back(
    connection: Connection, tenant: UUID, payment_id: UUID, reversal: Notice
) -> Mapping[UUID, str]:
    """Payments that a reversal may take back, newest first, with their value dates.

    They came to the same connection, with the same amount, and share the
    reference, the variable symbol or the counter account.
    """
    movement = reversal.movement
    cursor = await connection.execute(
        """
        SELECT id, value_date::text FROM payment
        WHERE tenant_id = %(tenant)s AND connection_id = %(connection)s AND incoming
          AND id <> %(own)s AND amount = %(amount)s AND currency = %(currency)s
          AND value_date BETWEEN %(date)s::date - %(within)s AND %(date)s::date
          AND (reference <> '' AND reference = %(reference)s
               OR variable_symbol <> '' AND variable_symbol = %(symbol)s
               OR counter_account <> '' AND counter_account = %(counter)s)
        ORDER BY id DESC LIMIT %(limit)s
        """,
        {
            "tenant": tenant,
            "connection": reversal.connection_id,
            "own": payment_id,
            "amount": reversal.amount,
            "currency": movement.amount.currency,
            "date": movement.value_date,
            "within": REVERSED_WITHIN,
            "reference": movement.reference,
            "symbol": movement.variable_symbol,
            "counter": movement.counter_account,
            "limit": REVERSED_MAX,
        },
    )
    return {row[0]: row[1] for row in await cursor.fetchall()}
