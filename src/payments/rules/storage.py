"""Every revision of a tenant's rules; the newest holds."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from payments.rules.defaults import default_rules
from spojka.api.payments.v1.payment_service_pb2 import MatchingRules
from spojka.asking import Answer, ask
from spojka.database import Connection

_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


async def current_rules(connection: Connection, tenant: UUID) -> MatchingRules:
    """The rules that hold, with their revision; the defaults, revision 0, where none were set."""
    return await (await ask_rules(connection, tenant))


async def ask_rules(connection: Connection, tenant: UUID) -> Answer[MatchingRules]:
    """As `current_rules`, to share a round trip."""
    return await ask(
        connection,
        "SELECT revision, value FROM matching_rules WHERE tenant_id = %s"
        " ORDER BY revision DESC LIMIT 1",
        [tenant],
        _rules,
    )


def _rules(rows: Sequence[Sequence[Any]]) -> MatchingRules:
    if not rows:
        return default_rules()
    ((revision, value),) = rows
    rules = MatchingRules.FromString(value)
    rules.revision = revision
    return rules


async def set_rules(
    connection: Connection, tenant: UUID, actor: str, wanted: MatchingRules
) -> tuple[MatchingRules, bool]:
    """Make these the rules; returns them with their revision, and whether they are new.

    Rules that hold already get no new revision. Holds the tenant's rules until
    the transaction ends, so that two writers count on from each other.
    """
    await connection.execute(_LOCK, [f"{tenant}/matching_rules"])
    current = await current_rules(connection, tenant)
    rules = MatchingRules()
    rules.CopyFrom(wanted)
    rules.revision = current.revision
    if rules == current:
        return current, False
    rules.revision = current.revision + 1
    await connection.execute(
        "INSERT INTO matching_rules (tenant_id, revision, value, actor) VALUES (%s, %s, %s, %s)",
        [tenant, rules.revision, rules.SerializeToString(), actor],
    )
    return rules, True
