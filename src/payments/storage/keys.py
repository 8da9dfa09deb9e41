"""The keys by which payments and orders find each other, as `payments.matching.keys` makes them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

from payments.matching.keys import Key
from payments.matching.values import Criterion
from spojka.database import Connection

KEYS_AT_ONCE_MAX: Final = 20_000
"""Keys looked up by one statement."""

_REPLACE: Final = """
    WITH wanted AS (
        SELECT * FROM unnest(%(kinds)s::smallint[], %(keys)s::text[], %(owners)s::uuid[])
            AS wanted (kind, key, {owner})
    ),
    gone AS (
        DELETE FROM {table}
        WHERE tenant_id = %(tenant)s AND {owner} = ANY(%(all)s)
          AND NOT EXISTS (SELECT FROM wanted WHERE wanted.kind = {table}.kind
                          AND wanted.key = {table}.key AND wanted.{owner} = {table}.{owner})
        RETURNING {owner}
    ),
    new AS (
        INSERT INTO {table} (tenant_id, kind, key, {owner})
        SELECT %(tenant)s, * FROM wanted ORDER BY kind, key, {owner}
        ON CONFLICT DO NOTHING RETURNING {owner}
    )
    SELECT {owner} FROM gone UNION SELECT {owner} FROM new
"""
_ORDERS: Final = _REPLACE.format(table="payable_key", owner="order_id")
_PAYMENTS: Final = _REPLACE.format(table="search_key", owner="payment_id")

# Found by the index on the key and cut at once, however many orders there are:
# a customer's closed orders pay nobody, so that only the open ones are looked at.
# Each by its own index look-up: an EXISTS could become a table of all open orders.
_FIND: Final = """
    SELECT wanted.kind, wanted.key, found.order_id
    FROM unnest(%(kinds)s::smallint[], %(keys)s::text[]) AS wanted (kind, key)
    CROSS JOIN LATERAL (
        SELECT order_id FROM payable_key
        WHERE tenant_id = %(tenant)s AND payable_key.kind = wanted.kind
          AND payable_key.key = wanted.key
          AND (wanted.kind <> %(customer)s OR (
                SELECT close_time IS NULL FROM payable
                WHERE payable.tenant_id = payable_key.tenant_id
                  AND payable.order_id = payable_key.order_id))
        ORDER BY order_id DESC LIMIT %(limit)s
    ) AS found
"""


async def find_orders(
    connection: Connection, tenant: UUID, keys: Iterable[Key], limit: int
) -> Mapping[Key, Sequence[UUID]]:
    """The newest orders of each key, at most `limit`, newest first; nothing is locked."""
    wanted = sorted(set(keys))
    found: dict[Key, list[UUID]] = {}
    for begin in range(0, len(wanted), KEYS_AT_ONCE_MAX):
        part = wanted[begin : begin + KEYS_AT_ONCE_MAX]
        cursor = await connection.execute(
            _FIND,
            {
                "tenant": tenant,
                "kinds": [int(kind) for kind, _ in part],
                "keys": [key for _, key in part],
                "customer": int(Criterion.COUNTER_ACCOUNT),
                "limit": limit,
            },
            prepare=False,  # A plan kept from when the table was small would read all of it.
        )
        for kind, key, order_id in await cursor.fetchall():
            found.setdefault((Criterion(kind), key), []).append(order_id)
    return found


async def put_order_keys(
    connection: Connection, tenant: UUID, keys: Mapping[UUID, Collection[Key]]
) -> set[UUID]:
    """Let orders be found by these keys and no others; returns those whose keys changed."""
    return await _put(connection, tenant, _ORDERS, keys)


async def put_search_keys(
    connection: Connection, tenant: UUID, keys: Mapping[UUID, Collection[Key]]
) -> set[UUID]:
    """Let payments look for these keys and no others; returns those whose keys changed."""
    return await _put(connection, tenant, _PAYMENTS, keys)


async def _put(
    connection: Connection, tenant: UUID, statement: str, keys: Mapping[UUID, Collection[Key]]
) -> set[UUID]:
    if not keys:
        return set()
    pairs = [(kind, key, owner) for owner, owned in keys.items() for kind, key in owned]
    cursor = await connection.execute(
        statement.encode(),
        {
            "tenant": tenant,
            "kinds": [int(kind) for kind, _, _ in pairs],
            "keys": [key for _, key, _ in pairs],
            "owners": [owner for _, _, owner in pairs],
            "all": sorted(keys),
        },
    )
    return {row[0] for row in await cursor.fetchall()}
