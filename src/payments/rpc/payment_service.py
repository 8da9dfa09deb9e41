"""Payments over gRPC (`spojka.api.payments.v1.PaymentService`)."""

from collections.abc import Callable

from payments.rpc.reads import PaymentReads
from payments.rpc.rules import MatchingRulesCalls
from payments.rpc.writes import PaymentWrites
from spojka.database import Database


class PaymentServicer(PaymentReads, PaymentWrites, MatchingRulesCalls):
    """All calls of the service."""

    def __init__(self, database: Database, nudge: Callable[[], None]) -> None:
        """`nudge` wakes the relay and the recheck after a commit."""
        PaymentReads.__init__(self, database)
        PaymentWrites.__init__(self, database, nudge)
        MatchingRulesCalls.__init__(self, database, nudge)
