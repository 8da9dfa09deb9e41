"""The rules that channels' offers follow: each channel's own, and its connections' terms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from spojka.api.stock.v1 import listing_service_pb2 as api
from spojka.database import Connection
from spojka.errors import InvalidArgument, Violation
from spojka.values import ZERO, format_decimal, parse_decimal
from stock.connections.model import active_connection
from stock.domain.availability import Aggregation
from stock.listings.offers import PERCENT_MAX, OfferRule, Terms

_UPDATE: Final = """
    INSERT INTO offer_rule (tenant_id, channel_id, warehouses, buffer, percent, maximum, fractions)
    VALUES (%s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (tenant_id, channel_id) DO UPDATE
    SET warehouses = excluded.warehouses, buffer = excluded.buffer, percent = excluded.percent,
        maximum = excluded.maximum, fractions = excluded.fractions, xid = pg_current_xact_id()
    WHERE (offer_rule.warehouses, offer_rule.buffer, offer_rule.percent, offer_rule.maximum,
           offer_rule.fractions)
          IS DISTINCT FROM (excluded.warehouses, excluded.buffer, excluded.percent,
                            excluded.maximum, excluded.fractions)
"""


@dataclass(frozen=True, slots=True)
class Offering:
    """All that turns an item's stock into a channel's offer."""

    rule: OfferRule
    terms: Mapping[UUID, Terms]


async def load_offering(connection: Connection, tenant_id: UUID, channel_id: str) -> Offering:
    """The rule in force for a channel, and the terms of the tenant's connections."""
    rule = await load_offer_rule(connection, tenant_id, channel_id)
    cursor = await connection.execute(
        "SELECT id, aggregation, buffer, state FROM connection WHERE tenant_id = %s", [tenant_id]
    )
    rows = await cursor.fetchall()
    active = {row[0] for row in rows if row[3] == "active"}
    return Offering(
        rule,
        {
            connection_id: Terms(
                Aggregation(aggregation), buffer, current=not active - {connection_id}
            )
            for connection_id, aggregation, buffer, _state in rows
        },
    )


async def load_offer_rule(connection: Connection, tenant_id: UUID, channel_id: str) -> OfferRule:
    """A channel's rule; one that keeps nothing back where none was set."""
    cursor = await connection.execute(
        "SELECT warehouses, buffer, percent, maximum, fractions FROM offer_rule"
        " WHERE tenant_id = %s AND channel_id = %s",
        [tenant_id, channel_id],
    )
    row = await cursor.fetchone()
    if row is None:
        return OfferRule()
    warehouses, buffer, percent, maximum, fractions = row
    return OfferRule(frozenset(warehouses), buffer, percent, maximum, fractions)


async def update_offer_rule(
    connection: Connection, tenant_id: UUID, message: api.OfferRule
) -> OfferRule:
    """Set a channel's rule. Raises InvalidArgument naming each field that is wrong."""
    await _check(connection, tenant_id, message)
    rule = OfferRule(
        frozenset(message.warehouses),
        parse_decimal(message.buffer) if message.buffer else ZERO,
        message.percent or PERCENT_MAX,
        parse_decimal(message.maximum) if message.maximum else None,
        message.fractions,
    )
    await connection.execute(
        _UPDATE,
        [
            tenant_id,
            message.channel_id,
            sorted(rule.warehouses),
            rule.buffer,
            rule.percent,
            rule.maximum,
            rule.fractions,
        ],
    )
    return rule


def offer_rule_message(channel_id: str, rule: OfferRule) -> api.OfferRule:
    """The rule as the contract writes it."""
    return api.OfferRule(
        channel_id=channel_id,
        warehouses=sorted(rule.warehouses),
        buffer=format_decimal(rule.buffer),
        percent=rule.percent,
        maximum=_optional(rule.maximum),
        fractions=rule.fractions,
    )


def _optional(value: Decimal | None) -> str:
    return "" if value is None else format_decimal(value)


async def _check(connection: Connection, tenant_id: UUID, message: api.OfferRule) -> None:
    violations = []
    if message.percent > PERCENT_MAX:
        violations.append(Violation("offer_rule.percent", "must be 1 to 100, or 0 for 100"))
    known = await _warehouse_codes(connection, tenant_id)
    for place, code in enumerate(message.warehouses):
        if code not in known:
            violations.append(
                Violation(
                    f"offer_rule.warehouses[{place}]",
                    f"{code!r} is not a warehouse of the connection"
                    + (f"; it has {', '.join(sorted(known))}" if known else "; it has none yet"),
                )
            )
    if violations:
        raise InvalidArgument(violations)


async def _warehouse_codes(connection: Connection, tenant_id: UUID) -> Sequence[str]:
    warehouse = await active_connection(connection, tenant_id)
    if warehouse is None:
        return []
    cursor = await connection.execute(
        "SELECT code FROM warehouse WHERE tenant_id = %s AND connection_id = %s",
        [tenant_id, warehouse.id],
    )
    return [row[0] for row in await cursor.fetchall()]
