"""The matcher: never the first row, never the wrong currency, never against a person."""

from typing import Final

from proof.mutants.mutant import Edit, Mutant, mutant

_COVERAGE: Final = "src/payments/matching/coverage.py"
_DECIDING: Final = "src/payments/matching/deciding.py"
_FINDING: Final = "src/payments/matching/finding.py"
_FITTING: Final = "src/payments/matching/fitting.py"


def _mistake(name: str) -> str:
    return f"payments/matching/test_mistakes.py::test_mistake[{name}]"


MUTANTS: Final[tuple[Mutant, ...]] = (
    mutant(
        "match-currency",
        "the currency guard of the matcher",
        Edit(_FITTING, "if order.currency != incoming.amount.currency:", "if False:"),
        test=_mistake("another currency of the same figure"),
        red=r"MATCHED",
    ),
    mutant(
        "match-never-the-first",
        "the refusal to choose among several orders that fit",
        Edit(
            _DECIDING,
            "sole = fitting[0] if len(fitting) == 1 else None",
            "sole = fitting[0] if fitting else None",
        ),
        test=_mistake("two that fit: never the first"),
        red=r"MATCHED",
    ),
    mutant(
        "match-closed-stops",
        "the halt at an order that is paid or cancelled already",
        Edit(
            _DECIDING,
            "        if closed:\n            return _stopped",
            "        if False:\n            return _stopped",
        ),
        test=_mistake("paid twice, and never attached to another order of the same amount"),
        red=r"MATCHED",
    ),
    mutant(
        "match-part-of-one-order",
        "the rule that a part or an excess is taken only where all names one order",
        Edit(
            _DECIDING,
            "    if len(fits) != 1:\n        return None\n    fit = next",
            "    if not fits:\n        return None\n    fit = next",
        ),
        test=_mistake("a part, where the text names another order"),
        red=r"PARTIAL",
    ),
    mutant(
        "match-split-exact",
        "the rule that one payment pays several orders only where the sum is exact",
        Edit(_DECIDING, "ZERO) != incoming.amount.amount:", "ZERO) > incoming.amount.amount:"),
        test=_mistake("one payment for two orders, more than both owe"),
        red=r"MATCHED",
    ),
    mutant(
        "match-split-each-named",
        "the rule that each order of a split has a name of its own",
        Edit(_DECIDING, " or not _each_named(findings, fits):", ":"),
        test=_mistake("one symbol of two orders names neither, even where the sum is exact"),
        red=r"MATCHED",
    ),
    mutant(
        "match-ruled-out",
        "a person's word that a payment is never for an order",
        Edit(_FITTING, "if order.id in incoming.never:", "if False:"),
        test=_mistake("ruled out by a person"),
        red=r"MATCHED",
    ),
    mutant(
        "match-not-awaited",
        "the rule that an order paid on delivery attracts no transfer",
        Edit(_FITTING, "if order.method in AWAITING_NO_TRANSFER:", "if False:"),
        test=_mistake("no transfer is awaited: CASH_ON_DELIVERY"),
        red=r"MATCHED",
    ),
    mutant(
        "match-too-early",
        "the rule that money does not come before its order",
        Edit(_FITTING, "if incoming.value_date < order.order_date:", "if False:"),
        test=_mistake("before the order"),
        red=r"MATCHED",
    ),
    mutant(
        "match-bare-number",
        "the rule that a bare number in a text counts only where the amount agrees",
        Edit(
            _FINDING,
            "return self.strength > Strength.BARE or self.fit.amount_agrees",
            "return True",
        ),
        test=_mistake("a bare number does not count where the amount differs"),
        red=r"PARTIAL|OVERPAID",
    ),
    mutant(
        "match-no-more-than-due",
        "the limit of what an order gets to what it owes",
        Edit(_FITTING, "given = min(amount, due)", "given = amount"),
        test=_mistake("too much within the tolerance gives no more than is due"),
        red=r"1250\.50",
    ),
    mutant(
        "match-tolerance-small",
        "the limit of a tolerance to a small part of the total",
        Edit(
            _COVERAGE,
            "return min(tolerance, total * TOLERATED_PERCENT_MAX / 100)",
            "return tolerance",
        ),
        test=_mistake("no tolerance makes a cheap order paid by a fraction"),
        red=r"MATCHED",
    ),
    mutant(
        "match-order-of-candidates",
        "the order of candidates by number: they stand as they came",
        Edit(_FINDING, "sorted(found.values(), key=_place)", "list(found.values())"),
        test="payments/matching/test_properties.py::"
        "test_the_order_in_which_candidates_come_changes_nothing",
        red=r"assert Verdict",
    ),
    mutant(
        "match-contradicted",
        "the rule that an order of the payer's does not win over one that the payment names",
        Edit(_DECIDING, " and not _contradicted(sole, findings):", ":"),
        test="payments/matching/test_criteria.py::TestCounterAccount::"
        "test_it_does_not_win_over_an_order_that_the_payment_names",
        red=r"MATCHED",
    ),
)
