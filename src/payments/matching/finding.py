"""Which orders each criterion finds, and what a finding is worth."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from payments.matching.criteria import CRITERIA, Search
from payments.matching.fitting import Fit, Standing, fit_of
from payments.matching.keys import Key, order_keys
from payments.matching.names import Strength, names_of
from payments.matching.values import Criterion, Incoming, Payable, Rules

_SYMBOLS: Final = frozenset({Criterion.INVOICE_VARIABLE_SYMBOL, Criterion.ORDER_VARIABLE_SYMBOL})
_NUMBERS: Final = frozenset({Criterion.INVOICE_NUMBER, Criterion.ORDER_NUMBER})


class Hit(NamedTuple):
    """An order that a criterion found."""

    fit: Fit
    strength: Strength
    said: str
    """What named it, for people."""

    @property
    def order(self) -> Payable:
        """The order."""
        return self.fit.order

    @property
    def counts(self) -> bool:
        """Whether it is taken for what the payer meant.

        A bare number in a text may be a date or a house: it counts only where
        the amount agrees. The payer's account names no order at all: it counts
        only for an open one of exactly this amount.
        """
        if self.fit.standing is Standing.RULED_OUT:
            return False
        if self.strength is Strength.PAYER:
            return self.fit.standing is Standing.EXACT
        return self.strength > Strength.BARE or self.fit.amount_agrees


@dataclass(frozen=True, slots=True)
class Run:
    """One criterion's search; hits by the orders' numbers and ids."""

    criterion: Criterion
    searches: Sequence[Search]
    hits: Sequence[Hit]


@dataclass(frozen=True, slots=True)
class Findings:
    """All that the criteria found, in the criteria's order."""

    runs: Sequence[Run]
    symbol_in_field: bool
    """Whether the bank's own field names an order by its symbol or its invoice's."""

    def counting(self) -> Iterator[Hit]:
        """Every hit that counts, run by run."""
        return (hit for run in self.runs for hit in run.hits if hit.counts)

    def decisive(self, run: Run) -> list[Hit]:
        """The hits of a run that may decide in the first pass.

        What the bank's own field names goes before the payer's text. A variable
        symbol that names an order as its symbol, or its invoice's, is that and
        no mistyped number: then the numbers are those of the text.
        """
        counting = [hit for hit in run.hits if hit.counts]
        in_field = [hit for hit in counting if hit.strength is Strength.FIELD]
        if self.symbol_in_field and run.criterion in _SYMBOLS:
            return in_field
        if self.symbol_in_field and run.criterion in _NUMBERS:
            return [hit for hit in counting if hit.strength is not Strength.FIELD]
        return in_field or counting


def find(incoming: Incoming, candidates: Iterable[Payable], rules: Rules) -> Findings:
    """Run every criterion of the rules on the candidates."""
    named = _by_key(candidates)
    names = names_of(incoming)
    fits: dict[str, Fit] = {}
    runs = []
    for criterion in rules.criteria:
        searches = CRITERIA[criterion].searches(names, rules)
        found: dict[str, Hit] = {}
        for search in searches:
            for order in named.get((search.kind, search.key), ()):
                if search.strength is Strength.PAYER and not order.open:
                    continue
                known = found.get(order.id)
                if known is None or known.strength < search.strength:
                    fit = fits.get(order.id) or fit_of(incoming, order, rules)
                    fits[order.id] = fit
                    found[order.id] = Hit(fit, search.strength, search.said)
        runs.append(Run(criterion, searches, sorted(found.values(), key=_place)))
    in_field = any(
        hit.strength is Strength.FIELD and hit.counts
        for run in runs
        if run.criterion in _SYMBOLS
        for hit in run.hits
    )
    return Findings(runs, in_field)


def place_of(order: Payable) -> tuple[str, str]:
    """Where orders stand in every list, in whatever order they came."""
    return (order.number, order.id)


def _place(hit: Hit) -> tuple[str, str]:
    return place_of(hit.order)


def _by_key(candidates: Iterable[Payable]) -> Mapping[Key, Sequence[Payable]]:
    named: dict[Key, list[Payable]] = {}
    for order in {candidate.id: candidate for candidate in candidates}.values():
        for key in order_keys(order):
            named.setdefault(key, []).append(order)
    return named
