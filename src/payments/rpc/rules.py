"""The calls about the rules of matching."""

from collections.abc import Callable
from datetime import UTC, datetime

from payments.rules.changing import change_rules
from payments.rules.checks import check_rules
from payments.rules.storage import current_rules
from payments.trying import DAYS_DEFAULT, DAYS_MAX, try_rules
from spojka.api.payments.v1 import payment_service_pb2 as pb
from spojka.database import Database
from spojka.errors import InvalidArgument, Violation
from spojka.rpc.server import Call


class MatchingRulesCalls:
    """Answers them from the database; `nudge` wakes the recheck after a commit."""

    def __init__(self, database: Database, nudge: Callable[[], None]) -> None:
        """Stand on a database that is open when the first call comes."""
        self._database = database
        self._nudge = nudge

    async def get_matching_rules(
        self, _request: pb.GetMatchingRulesRequest, call: Call
    ) -> pb.GetMatchingRulesResponse:
        """The rules that hold."""
        tenant = call.identity.tenant
        async with self._database.transaction(tenant) as connection:
            rules = await current_rules(connection, tenant)
        return pb.GetMatchingRulesResponse(rules=rules)

    async def update_matching_rules(
        self, request: pb.UpdateMatchingRulesRequest, call: Call
    ) -> pb.UpdateMatchingRulesResponse:
        """Set the rules; open payments are looked at again, those that pay an order stay."""
        check_rules(request.rules)
        tenant = call.identity.tenant
        async with self._database.transaction(tenant) as connection:
            rules = await change_rules(connection, tenant, call.identity.actor, request.rules)
        self._nudge()
        return pb.UpdateMatchingRulesResponse(rules=rules)

    async def try_matching_rules(
        self, request: pb.TryMatchingRulesRequest, call: Call
    ) -> pb.TryMatchingRulesResponse:
        """Say what other rules would decide otherwise; writes nothing."""
        check_rules(request.rules)
        if request.days > DAYS_MAX:
            raise InvalidArgument([Violation("days", f"must be at most {DAYS_MAX}")])
        return await try_rules(
            self._database,
            call.identity.tenant,
            request.rules,
            request.days or DAYS_DEFAULT,
            datetime.now(UTC),
        )
