"""The verdict of a decision, with a reason for every order that was found."""

from payments.matching.explain import fit_text, listed, numbers_text, searched_text
from payments.matching.finding import Findings, Hit, place_of
from payments.matching.fitting import AGREEING, PAYABLE, Standing
from payments.matching.names import Strength
from payments.matching.outcome import Outcome
from payments.matching.values import (
    Allotment,
    Candidate,
    CriterionRun,
    Incoming,
    Rules,
    Suggestion,
    Verdict,
)
from spojka.values import Money


def told(
    incoming: Incoming,
    findings: Findings,
    rules: Rules,
    outcome: Outcome,
    offered: tuple[Suggestion, ...],
) -> Verdict:
    """Put the decision into words."""
    taken = frozenset(fit.order.id for fit in outcome.shares)
    known: dict[tuple[str, str], Candidate] = {}
    for run in findings.runs:
        for hit in run.hits:
            if (hit.order.id, hit.said) not in known:
                sentence = fit_text(incoming, hit.fit, rules, taken=hit.order.id in taken)
                known[hit.order.id, hit.said] = _candidate(hit, sentence, taken, outcome)
    return Verdict(
        outcome.status,
        outcome.summary,
        runs=tuple(
            CriterionRun(
                run.criterion,
                searched_text(run.searches, run.criterion),
                tuple(known[hit.order.id, hit.said] for hit in run.hits),
            )
            for run in findings.runs
        ),
        suggestions=offered,
        allotments=tuple(
            Allotment(fit.order.id, fit.order.number, fit.given) for fit in outcome.shares
        ),
        flags=_flags(findings, taken) if taken else (),
        rules_revision=rules.revision,
    )


def _candidate(hit: Hit, sentence: str, taken: frozenset[str], outcome: Outcome) -> Candidate:
    order = hit.order
    return Candidate(
        order.id,
        order.number,
        Money(order.currency, order.due),
        order.id in taken,
        _reason(hit, sentence, taken, outcome),
    )


def _reason(hit: Hit, sentence: str, taken: frozenset[str], outcome: Outcome) -> str:
    """Named by what, how it stands, and why it was left where that does not say it."""
    found = f"Found by {hit.said}. {sentence}"
    standing = hit.fit.standing
    if hit.order.id in taken or standing is Standing.RULED_OUT:
        return found
    if not hit.counts:
        return f"{found} {_why_not_counted(hit)}"
    if standing not in PAYABLE:
        return found
    if any(order.id == hit.order.id for order in outcome.held):
        return f"{found} Left to a person: only the payer's text names it."
    if taken:
        named = numbers_text([fit.order for fit in outcome.shares])
        return f"{found} Left: the money went to {named}, which goes before it."
    if standing in AGREEING:
        return f"{found} Left: it is not the only order that may be meant."
    return f"{found} Left: only an order that everything names alone is paid in part or too much."


def _why_not_counted(hit: Hit) -> str:
    if hit.strength is Strength.PAYER:
        return "Left: the payer's account counts only for exactly the amount."
    return "Left: a bare number in a text counts only where the amount agrees."


def _flags(findings: Findings, taken: frozenset[str]) -> tuple[str, ...]:
    """Other orders that the payment names, too."""
    others = {
        hit.order.id: hit.order
        for hit in findings.counting()
        if hit.order.id not in taken and hit.strength > Strength.PAYER
    }
    orders = sorted(others.values(), key=place_of)
    if not orders:
        return ()
    names = listed([order.number or order.id for order in orders])
    return (f"The payment also names {names}; check that the right order was paid.",)
