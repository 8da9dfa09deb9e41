"""What rules a merchant may set."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

import re2

from payments.matching.criteria import PATTERN_MEMORY_BYTES_MAX
from spojka.api.common.v1.money_pb2 import Money
from spojka.api.payments.v1.payment_pb2 import Criterion
from spojka.api.payments.v1.payment_service_pb2 import MatchingRules
from spojka.errors import InvalidArgument, Violation
from spojka.values import format_decimal

TOLERANCE_MAX: Final = Decimal(100)
"""In units of any currency: a rounding or a bank's fee, never a part of the price."""
DAYS_MAX: Final = 3650


def check_rules(rules: MatchingRules, path: str = "rules") -> None:
    """Raise InvalidArgument with every fault of the rules; `path` names them in the request."""
    found = [
        Violation(f"{path}.{field}", description)
        for field, description in (
            *_criteria_faults(rules.criteria),
            *_tolerance_faults(rules.tolerances),
            *_pattern_faults(rules),
            *_days_faults(rules),
        )
    ]
    if found:
        raise InvalidArgument(found)


def _criteria_faults(criteria: Sequence[Criterion.ValueType]) -> Iterator[tuple[str, str]]:
    known = set(Criterion.values()) - {Criterion.CRITERION_UNSPECIFIED}
    for place, criterion in enumerate(criteria):
        if criterion not in known:
            yield f"criteria[{place}]", "names no criterion; leave it out"
        elif criterion in criteria[:place]:
            name = Criterion.Name(criterion)
            yield f"criteria[{place}]", f"{name} is there twice; keep it at one place"


def _tolerance_faults(tolerances: Sequence[Money]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for place, tolerance in enumerate(tolerances):
        amount = Decimal(tolerance.amount)
        if tolerance.currency in seen:
            yield f"tolerances[{place}]", f"{tolerance.currency} is there twice; keep one"
        seen.add(tolerance.currency)
        if not 0 <= amount <= TOLERANCE_MAX:
            limits = f"must be between 0 and {format_decimal(TOLERANCE_MAX)}"
            yield f"tolerances[{place}].amount", limits


def _pattern_faults(rules: MatchingRules) -> Iterator[tuple[str, str]]:
    if not rules.message_pattern:
        if Criterion.CRITERION_MESSAGE_PATTERN in rules.criteria:
            wants = "is required while CRITERION_MESSAGE_PATTERN is among the criteria"
            yield "message_pattern", wants
        return
    options = re2.Options()
    options.log_errors = False
    options.max_mem = PATTERN_MEMORY_BYTES_MAX
    try:
        groups = re2.compile(rules.message_pattern, options).groups
    except re2.error as error:
        yield "message_pattern", f"is not a regular expression of RE2: {_reason(error)}"
        return
    if groups != 1:
        wants = "must have exactly one group in parentheses, around what names the order"
        yield "message_pattern", f"{wants}; it has {groups}. (?:…) groups without capturing"


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else error
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)


def _days_faults(rules: MatchingRules) -> Iterator[tuple[str, str]]:
    for field in ("reuse_after_days", "expire_after_days"):
        if getattr(rules, field) > DAYS_MAX:
            yield field, f"must be at most {DAYS_MAX} (ten years)"
