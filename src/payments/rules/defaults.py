"""The rules of a tenant that has set none."""

from typing import Final

from spojka.api.payments.v1.payment_pb2 import Criterion
from spojka.api.payments.v1.payment_service_pb2 import MatchingRules

DEFAULT_CRITERIA: Final = (
    Criterion.CRITERION_INVOICE_VARIABLE_SYMBOL,
    Criterion.CRITERION_ORDER_VARIABLE_SYMBOL,
    Criterion.CRITERION_INVOICE_NUMBER,
    Criterion.CRITERION_ORDER_NUMBER,
    Criterion.CRITERION_GATEWAY_REFERENCE,
)
"""In the order of DESIGN §6; the payer's account and the pattern are the merchant's to add."""

DEFAULT_REUSE_AFTER_DAYS: Final = 180
"""A shop that begins its symbols anew does so with the year, not with the quarter."""


def default_rules() -> MatchingRules:
    """Revision 0: no tolerance, nothing expires, text that names one order is enough."""
    return MatchingRules(criteria=DEFAULT_CRITERIA, reuse_after_days=DEFAULT_REUSE_AFTER_DAYS)
