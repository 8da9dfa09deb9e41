"""What rules a merchant may set."""

from typing import Any

import pytest

from payments.rules.checks import check_rules
from payments.rules.defaults import default_rules
from spojka.api.common.v1.money_pb2 import Money
from spojka.api.payments.v1 import payment_pb2 as pb
from spojka.api.payments.v1.payment_service_pb2 import MatchingRules
from spojka.errors import InvalidArgument


def test_the_defaults_may_be_set() -> None:
    check_rules(default_rules())


@pytest.mark.parametrize(
    "rules",
    [
        {"criteria": []},
        {"tolerances": [Money(currency="CZK", amount="100"), Money(currency="EUR", amount="0")]},
        {"criteria": [pb.CRITERION_MESSAGE_PATTERN], "message_pattern": r"obj(?:\.|ednavka) (\d+)"},
        {"message_pattern": "(x)"},
        {"reuse_after_days": 3650, "expire_after_days": 3650},
    ],
)
def test_what_may_be_set(rules: dict[str, Any]) -> None:
    check_rules(MatchingRules(**rules))


@pytest.mark.parametrize(
    ("rules", "field", "says"),
    [
        ({"criteria": [0]}, "rules.criteria[0]", "names no criterion"),
        ({"criteria": [2, 1, 2]}, "rules.criteria[2]", "is there twice"),
        (
            {"tolerances": [Money(currency="CZK", amount="1")] * 2},
            "rules.tolerances[1]",
            "CZK is there twice",
        ),
        (
            {"tolerances": [Money(currency="CZK", amount="-1")]},
            "rules.tolerances[0].amount",
            "between 0 and 100",
        ),
        (
            {"tolerances": [Money(currency="EUR", amount="100.01")]},
            "rules.tolerances[0].amount",
            "between 0 and 100",
        ),
        (
            {"criteria": [pb.CRITERION_MESSAGE_PATTERN]},
            "rules.message_pattern",
            "is required while",
        ),
        ({"message_pattern": "(a"}, "rules.message_pattern", r"missing \)"),
        ({"message_pattern": "a"}, "rules.message_pattern", "it has 0"),
        ({"message_pattern": "(a)(b)"}, "rules.message_pattern", "it has 2"),
        # What RE2 leaves out, as it can't be answered in linear time.
        ({"message_pattern": r"(a)\1"}, "rules.message_pattern", "not a regular expression"),
        ({"message_pattern": "(?=a)(b)"}, "rules.message_pattern", "not a regular expression"),
        ({"reuse_after_days": 3651}, "rules.reuse_after_days", "at most 3650"),
        ({"expire_after_days": 3651}, "rules.expire_after_days", "at most 3650"),
    ],
)
def test_what_is_refused(rules: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(InvalidArgument, match=says) as refused:
        check_rules(MatchingRules(**rules))
    assert [violation.field for violation in refused.value.violations] == [field]


def test_every_fault_is_named_at_once() -> None:
    rules = MatchingRules(
        criteria=[pb.CRITERION_UNSPECIFIED], message_pattern="x", reuse_after_days=9999
    )
    with pytest.raises(InvalidArgument) as refused:
        check_rules(rules)
    assert len(refused.value.violations) == 3
