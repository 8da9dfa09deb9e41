"""The status rules that hold for channels, and the memory of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from orders.domain.status import StatusRule
from spojka.database import Connection, Database

CHANNELS_REMEMBERED_MAX: Final = 10_000
TENANT_RULE: Final = ""
"""What stands in place of a channel's id in the row of the tenant's own rule."""


@dataclass(frozen=True, slots=True)
class ChannelRule:
    """The rule that holds for a channel, and the version of the channel that it belongs to."""

    version: int
    rule: StatusRule


async def read_rules(
    connection: Connection, tenant: UUID, channel_ids: Iterable[str]
) -> dict[str, ChannelRule]:
    """The rules of those channels that exist: their own, else the tenant's, else none."""
    cursor = await connection.execute(
        """
        SELECT channel.id, version, placed, paid, paid_unless, delivered, cancelled
        FROM channel LEFT JOIN LATERAL (
            SELECT * FROM status_rule
            WHERE status_rule.tenant_id = channel.tenant_id AND channel_id IN (channel.id, %s)
            ORDER BY channel_id DESC LIMIT 1
        ) AS rule ON true
        WHERE channel.tenant_id = %s AND channel.id = ANY(%s)
        """,
        [TENANT_RULE, tenant, sorted(set(channel_ids))],
    )
    return {
        row[0]: ChannelRule(
            row[1],
            StatusRule(row[2], row[3], tuple(row[4]), row[5], row[6])
            if row[2] is not None
            else StatusRule(),
        )
        for row in await cursor.fetchall()
    }


class RuleMemory:
    """Rules remembered without end: the statement that writes proves their version.

    Channels are never deleted, so that a remembered one is there; a rule that
    changed meanwhile shows by the version, and is forgotten and read again.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._rules: dict[tuple[UUID, str], ChannelRule] = {}

    async def of(
        self, database: Database, tenant: UUID, channel_ids: Iterable[str]
    ) -> Mapping[str, ChannelRule]:
        """The rules of those channels that exist; reads what is not remembered."""
        wanted = set(channel_ids)
        known = {
            channel_id: rule
            for channel_id in wanted
            if (rule := self._rules.get((tenant, channel_id))) is not None
        }
        missing = wanted - known.keys()
        if missing:
            async with database.transaction(tenant) as connection:
                read = await read_rules(connection, tenant, missing)
            if len(self._rules) + len(read) > CHANNELS_REMEMBERED_MAX:
                self._rules.clear()
            self._rules.update({(tenant, channel_id): rule for channel_id, rule in read.items()})
            known |= read
        return known

    def forget(self, tenant: UUID, channel_ids: Iterable[str]) -> None:
        """Read these again the next time."""
        for channel_id in channel_ids:
            self._rules.pop((tenant, channel_id), None)
