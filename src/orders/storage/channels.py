"""Channels and status rules as they are kept."""

from datetime import datetime
from typing import Final
from uuid import UUID

from orders.domain.status import StatusRule
from orders.messages.rule import rule_message
from orders.storage.rules import TENANT_RULE
from spojka.api.orders.v1.channel_service_pb2 import Channel
from spojka.database import Connection
from spojka.errors import AlreadyExists, NotFound
from spojka.times import timestamp

_CHANNEL: Final = """
    SELECT channel.id, name, create_time, placed, paid, paid_unless, delivered, cancelled
    FROM channel LEFT JOIN status_rule
        ON status_rule.tenant_id = channel.tenant_id AND channel_id = channel.id
    WHERE channel.tenant_id = %s
"""


async def create_channel(
    connection: Connection, tenant: UUID, channel_id: str, name: str, rule: StatusRule | None
) -> Channel:
    """Create a channel; the same again returns it. Raises AlreadyExists where it is another."""
    await _hold_rules(connection, tenant)
    cursor = await connection.execute(
        "INSERT INTO channel (tenant_id, id, name) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        [tenant, channel_id, name],
    )
    if cursor.rowcount == 0:
        channel = await find_channel(connection, tenant, channel_id)
        own = rule_message(rule) if rule is not None else None
        same_rule = (channel.status_rule if channel.HasField("status_rule") else None) == own
        if channel.name != name or not same_rule:
            raise AlreadyExists(
                f"there is a channel {channel_id!r} with another name or status rule; change it "
                "with UpdateChannel"
            )
        return channel
    if rule is not None:
        await _put_rule(connection, tenant, channel_id, rule)
    return await find_channel(connection, tenant, channel_id)


async def update_channel(
    connection: Connection, tenant: UUID, channel_id: str, name: str, rule: StatusRule | None
) -> Channel:
    """Give a channel its name and its rule, or with None the tenant's. Raises NotFound."""
    await _hold_rules(connection, tenant)
    await connection.execute(
        "UPDATE channel SET name = %s, version = version + 1 WHERE tenant_id = %s AND id = %s",
        [name, tenant, channel_id],
    )
    channel = await find_channel(connection, tenant, channel_id)
    if rule is not None:
        await _put_rule(connection, tenant, channel_id, rule)
    elif channel.HasField("status_rule"):
        await connection.execute(
            "DELETE FROM status_rule WHERE tenant_id = %s AND channel_id = %s",
            [tenant, channel_id],
        )
    return await find_channel(connection, tenant, channel_id)


async def find_channel(connection: Connection, tenant: UUID, channel_id: str) -> Channel:
    """One channel. Raises NotFound."""
    cursor = await connection.execute(_CHANNEL + " AND channel.id = %s", [tenant, channel_id])
    row = await cursor.fetchone()
    if row is None:
        raise no_channel(channel_id)
    return _message(row)


def no_channel(channel_id: str) -> NotFound:
    """There is no such channel, and what to do about it."""
    return NotFound(
        f"there is no channel {channel_id!r}; create it first with CreateChannel",
        reason="CHANNEL_NOT_FOUND",
    )


async def list_channels(
    connection: Connection, tenant: UUID, after: str, limit: int
) -> list[Channel]:
    """Channels by id, beginning after the id `after`."""
    cursor = await connection.execute(
        _CHANNEL + " AND channel.id > %s ORDER BY channel.id LIMIT %s", [tenant, after, limit]
    )
    return [_message(row) for row in await cursor.fetchall()]


async def tenant_rule(connection: Connection, tenant: UUID) -> StatusRule:
    """The tenant's own rule; where none was set, one that changes nothing."""
    cursor = await connection.execute(
        """
        SELECT placed, paid, paid_unless, delivered, cancelled FROM status_rule
        WHERE tenant_id = %s AND channel_id = %s
        """,
        [tenant, TENANT_RULE],
    )
    row = await cursor.fetchone()
    return _rule(row) if row is not None else StatusRule()


async def set_tenant_rule(connection: Connection, tenant: UUID, rule: StatusRule) -> None:
    """Set the tenant's own rule, which holds for every channel without one."""
    await _hold_rules(connection, tenant)
    await _put_rule(connection, tenant, TENANT_RULE, rule)
    await connection.execute(
        "UPDATE channel SET version = version + 1 WHERE tenant_id = %s", [tenant]
    )


async def _hold_rules(connection: Connection, tenant: UUID) -> None:
    # A channel created beside a new tenant's rule must get a version after it.
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{tenant}/status_rule"]
    )


async def _put_rule(
    connection: Connection, tenant: UUID, channel_id: str, rule: StatusRule
) -> None:
    await connection.execute(
        """
        INSERT INTO status_rule
            (tenant_id, channel_id, placed, paid, paid_unless, delivered, cancelled)
        VALUES (%s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (tenant_id, channel_id) DO UPDATE
        SET (placed, paid, paid_unless, delivered, cancelled)
            = (excluded.placed, excluded.paid, excluded.paid_unless, excluded.delivered,
               excluded.cancelled)
        """,
        [
            tenant,
            channel_id,
            rule.placed,
            rule.paid,
            list(rule.paid_unless),
            rule.delivered,
            rule.cancelled,
        ],
    )


def _rule(row: tuple[object, ...]) -> StatusRule:
    placed, paid, paid_unless, delivered, cancelled = row
    assert isinstance(paid_unless, list)
    return StatusRule(str(placed), str(paid), tuple(paid_unless), str(delivered), str(cancelled))


def _message(row: tuple[object, ...]) -> Channel:
    channel_id, name, created, *rule = row
    message = Channel(id=str(channel_id), name=str(name))
    assert isinstance(created, datetime)
    message.create_time.CopyFrom(timestamp(created))
    if rule[0] is not None:
        message.status_rule.CopyFrom(rule_message(_rule(tuple(rule))))
    return message
