"""The keys by which payments and orders find each other, as `payments.matching.keys` makes them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

from payments.matching.keys import SYMBOL_KINDS, Key
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
    )
    INSERT INTO {table} (tenant_id, kind, key, {owner})
    SELECT %(tenant)s, * FROM wanted ORDER BY kind, key, {owner}
    ON CONFLICT DO NOTHING
"""
_ORDERS: Final = _REPLACE.format(table="payable_key", owner="order_id")
_PAYMENTS: Final = _REPLACE.format(table="search_key", owner="payment_id")
_ADD: Final = """
    INSERT INTO search_key (tenant_id, kind, key, payment_id)
    SELECT %(tenant)s, * FROM
        unnest(%(kinds)s::smallint[], %(keys)s::text[], %(owners)s::uuid[])
"""

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


# One look-up for all kinds of symbol and number: the index begins with the key.
_FIND_SYMBOLS: Final = """
    SELECT wanted.key, found.order_id FROM unnest(%(keys)s::text[]) AS wanted (key)
    CROSS JOIN LATERAL (
        SELECT order_id FROM payable_key
        WHERE tenant_id = %(tenant)s AND payable_key.key = wanted.key AND kind = ANY(%(kinds)s)
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


async def find_bearers(
    connection: Connection, tenant: UUID, symbols: Iterable[str], limit: int
) -> Mapping[str, Sequence[UUID]]:
    """The newest orders that bear a symbol as any symbol or number of theirs; nothing is locked.

    At most `limit` for each kind, each once.
    """
    wanted = sorted(set(symbols))
    found: dict[str, dict[UUID, None]] = {}
    for begin in range(0, len(wanted), KEYS_AT_ONCE_MAX):
        cursor = await connection.execute(
            _FIND_SYMBOLS,
            {
                "tenant": tenant,
                "keys": wanted[begin : begin + KEYS_AT_ONCE_MAX],
                "kinds": sorted(SYMBOL_KINDS),
                "limit": limit * len(SYMBOL_KINDS),
            },
            prepare=False,  # As above.
        )
        for key, order_id in await cursor.fetchall():
            found.setdefault(key, {})[order_id] = None
    return {key: list(orders) for key, orders in found.items()}


async def put_order_keys(
    connection: Connection, tenant: UUID, keys: Mapping[UUID, Collection[Key]]
) -> None:
    """Let orders be found by these keys and no others."""
    await _put(connection, tenant, _ORDERS, keys)


async def put_search_keys(
    connection: Connection, tenant: UUID, keys: Mapping[UUID, Collection[Key]]
) -> None:
    """Let payments look for these keys and no others."""
    await _put(connection, tenant, _PAYMENTS, keys)


async def add_search_keys(
    connection: Connection, tenant: UUID, keys: Mapping[UUID, Collection[Key]]
) -> None:
    """Let payments that are new look for these keys."""
    await _put(connection, tenant, _ADD, keys)


async def _put(
    connection: Connection, tenant: UUID, statement: str, keys: Mapping[UUID, Collection[Key]]
) -> None:
    if not keys:
        return
    pairs = [(kind, key, owner) for owner, owned in keys.items() for kind, key in owned]
    await connection.execute(
        statement.encode(),
        {
            "tenant": tenant,
            "kinds": [int(kind) for kind, _, _ in pairs],
            "keys": [key for _, key, _ in pairs],
            "owners": [owner for _, _, owner in pairs],
            "all": sorted(keys),
        },
    )
