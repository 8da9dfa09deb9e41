"""What becomes of a payment: decided by the payment, the orders and the rules alone."""

from collections.abc import Iterable, Sequence
from typing import Final

from payments.matching.explain import CRITERION_NAMES, fit_text, money_text, numbers_text
from payments.matching.finding import Findings, Hit, Run, find, place_of
from payments.matching.fitting import CLOSED, PAYABLE, Fit, Standing
from payments.matching.names import Strength
from payments.matching.outcome import Outcome
from payments.matching.suggesting import suggestions
from payments.matching.telling import told
from payments.matching.values import Incoming, Payable, PaymentStatus, Rules, Verdict
from spojka.values import ZERO

CANDIDATES_MAX: Final = 200
"""Orders that one payment may name. Whoever reads candidates needs to read one more and no further:
a payment that names more is ambiguous."""
SPLIT_ORDERS_MAX: Final = 20

_STATUS_BY_STANDING: Final = {
    Standing.EXACT: PaymentStatus.MATCHED,
    Standing.TOLERATED: PaymentStatus.MATCHED,
    Standing.UNDER: PaymentStatus.PARTIAL,
    Standing.OVER: PaymentStatus.OVERPAID,
}


def decide(incoming: Incoming, candidates: Iterable[Payable], rules: Rules) -> Verdict:
    """Decide about incoming money of which nothing is given to an order yet.

    `candidates` are the orders that share a key with the payment (`payment_keys`,
    and for the suggestions `payer_keys` and `near_symbols`), each once, in any order; further
    ones change nothing. Raises ValueError on an amount that is not above zero.
    """
    if incoming.amount.amount <= 0:
        raise ValueError(f"an incoming payment can't be of {money_text(incoming.amount)}")
    orders = list(candidates)
    findings = find(incoming, orders, rules)
    outcome = (
        _too_many(findings)
        or _first_pass(incoming, findings, rules)
        or _split(incoming, findings, rules)
        or _second_pass(incoming, findings, rules)
        or _left(incoming, findings, rules)
    )
    offered = () if outcome.shares else suggestions(incoming, orders, findings, outcome)
    return told(incoming, findings, rules, outcome, offered)


def _too_many(findings: Findings) -> Outcome | None:
    found = {hit.order.id for run in findings.runs for hit in run.hits}
    if len(found) <= CANDIDATES_MAX:
        return None
    summary = f"What the payment names fits more than {CANDIDATES_MAX} orders; choose by hand."
    return Outcome(PaymentStatus.AMBIGUOUS, summary)


def _first_pass(incoming: Incoming, findings: Findings, rules: Rules) -> Outcome | None:
    """The first criterion that leaves exactly one open order of the fitting amount.

    A hit on a closed order stops it, unless it was closed so long ago that its
    symbol may serve a new order, of exactly this amount. Where an earlier
    criterion left several that fit, a later one may only choose among them.
    """
    rivals: set[str] = set()
    for run in findings.runs:
        hits = findings.decisive(run)
        fitting = _fitting(hits)
        sole = fitting[0] if len(fitting) == 1 else None
        exact = sole is not None and sole.fit.standing is Standing.EXACT
        closed = [
            hit
            for hit in hits
            if hit.fit.standing in CLOSED and (hit.fit.stands_in_the_way or not exact)
        ]
        if closed:
            return _stopped(incoming, run, closed, rules)
        if sole is None:
            rivals.update(hit.order.id for hit in fitting)
        elif (not rivals or sole.order.id in rivals) and not _contradicted(sole, findings):
            return _taken(incoming, findings, rules, sole.fit, run)
    return None


def _fitting(hits: Sequence[Hit]) -> list[Hit]:
    """The open orders that the amount fits: the exact ones, else those within tolerance."""
    exact = [hit for hit in hits if hit.fit.standing is Standing.EXACT]
    return exact or [hit for hit in hits if hit.fit.standing is Standing.TOLERATED]


def _contradicted(sole: Hit, findings: Findings) -> bool:
    """Whether an order of the payer's is about to win over one that the payment names."""
    return sole.strength is Strength.PAYER and any(
        hit.strength > Strength.PAYER and hit.order.id != sole.order.id
        for hit in findings.counting()
    )


def _stopped(incoming: Incoming, run: Run, closed: Sequence[Hit], rules: Rules) -> Outcome:
    paid = [hit for hit in closed if hit.fit.standing is Standing.PAID]
    status = PaymentStatus.DUPLICATE if paid else PaymentStatus.LATE
    reason = fit_text(incoming, (paid or closed)[0].fit, rules)
    return Outcome(status, f"{reason} A person decides.", decided_by=run.criterion)


def _taken(
    incoming: Incoming, findings: Findings, rules: Rules, fit: Fit, run: Run | None
) -> Outcome:
    """The order gets the money, unless the rules want a person for what only a text names."""
    if rules.text_needs_person and _only_text_names([fit], findings):
        return _for_a_person([fit])
    by = "" if run is None else f" Found by the {CRITERION_NAMES[run.criterion]}."
    return Outcome(
        _STATUS_BY_STANDING[fit.standing],
        f"{fit_text(incoming, fit, rules, taken=True)}{by}",
        (fit,),
        None if run is None else run.criterion,
    )


def _split(incoming: Incoming, findings: Findings, rules: Rules) -> Outcome | None:
    """Several orders, where the payer named each and owes exactly the amount for all of them."""
    named = [hit for run in findings.runs for hit in run.hits if _names(hit)]
    marked = [hit for hit in named if hit.strength > Strength.BARE]
    for hits in (marked, named):
        fits = sorted({hit.order.id: hit.fit for hit in hits}.values(), key=_place)
        if not 2 <= len(fits) <= SPLIT_ORDERS_MAX:  # noqa: PLR2004 - one is no split
            continue
        if any(fit.standing not in PAYABLE for fit in fits) or not _each_named(findings, fits):
            continue
        if sum((fit.order.due for fit in fits), ZERO) != incoming.amount.amount:
            continue
        if rules.text_needs_person and _only_text_names(fits, findings):
            return _for_a_person(fits)
        orders = [fit.order for fit in fits]
        paid = money_text(incoming.amount)
        summary = f"The payer named {numbers_text(orders)}, which owe exactly {paid} together."
        return Outcome(PaymentStatus.MATCHED, summary, tuple(fits))
    return None


def _names(hit: Hit) -> bool:
    return hit.strength > Strength.PAYER and hit.fit.standing is not Standing.RULED_OUT


def _each_named(findings: Findings, fits: Sequence[Fit]) -> bool:
    """Whether each order has a name of its own: one symbol of two orders names neither."""
    bearers: dict[str, set[str]] = {}
    for run in findings.runs:
        for hit in run.hits:
            if _names(hit):
                bearers.setdefault(hit.said, set()).add(hit.order.id)
    alone = {next(iter(orders)) for orders in bearers.values() if len(orders) == 1}
    return all(fit.order.id in alone for fit in fits)


def _second_pass(incoming: Incoming, findings: Findings, rules: Rules) -> Outcome | None:
    """A part, or more than is owed: only where everything found names one order."""
    fits = {hit.order.id: hit.fit for hit in findings.counting()}
    if len(fits) != 1:
        return None
    fit = next(iter(fits.values()))
    return _taken(incoming, findings, rules, fit, None) if fit.standing in PAYABLE else None


def _only_text_names(fits: Sequence[Fit], findings: Findings) -> bool:
    """Whether some of these orders is named by the payer's text alone."""
    strengths: dict[str, set[Strength]] = {}
    for hit in findings.counting():
        strengths.setdefault(hit.order.id, set()).add(hit.strength)
    in_text = {Strength.BARE, Strength.TEXT}
    return any(strengths.get(fit.order.id, in_text) <= in_text for fit in fits)


def _for_a_person(fits: Sequence[Fit]) -> Outcome:
    orders = [fit.order for fit in fits]
    summary = (
        f"Only the payer's text names {numbers_text(orders)}, and the rules want a person for that."
    )
    return Outcome(PaymentStatus.UNMATCHED, summary, held=tuple(orders))


def _left(incoming: Incoming, findings: Findings, rules: Rules) -> Outcome:
    """What no pass took."""
    fits = {hit.order.id: hit.fit for hit in findings.counting()}
    if not fits:
        return Outcome(PaymentStatus.UNMATCHED, _nothing_found(findings))
    if len(fits) == 1:
        reason = fit_text(incoming, next(iter(fits.values())), rules)
        return Outcome(PaymentStatus.UNMATCHED, f"{reason} A person decides.")
    orders = sorted((fit.order for fit in fits.values()), key=place_of)
    summary = (
        f"The payment of {money_text(incoming.amount)} may mean {numbers_text(orders)}; "
        "nothing says which one."
    )
    return Outcome(PaymentStatus.AMBIGUOUS, summary)


def _nothing_found(findings: Findings) -> str:
    if any(run.hits for run in findings.runs):
        return "No order that the payment may mean fits it; see what was found."
    if any(run.searches for run in findings.runs):
        return "No order bears any symbol, number or reference that the payment names."
    return "The payment names no order: it has no symbol, number or reference."


def _place(fit: Fit) -> tuple[str, str]:
    return place_of(fit.order)
