"""What two sets of rules decide about the same payments against the same orders: pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from payments.ledger.paid import paid_by
from payments.matching.deciding import decide
from payments.matching.values import Incoming, Rules, Verdict
from payments.storage.orders import OrderRow
from payments.storage.payments import PaymentRow


@dataclass(frozen=True, slots=True)
class Trial:
    """A payment to be decided about again, as if it had given nothing to any order yet."""

    payment: PaymentRow
    incoming: Incoming


@dataclass(frozen=True, slots=True)
class Side:
    """One set of rules, and the orders that each payment may mean under them."""

    rules: Rules
    candidates: Mapping[UUID, Sequence[UUID]]


@dataclass(frozen=True, slots=True)
class Difference:
    """A payment that the two sides decide about otherwise."""

    trial: Trial
    now: Verdict
    then: Verdict


def compare(
    trials: Sequence[Trial], orders: Mapping[UUID, OrderRow], now: Side, then: Side, time: datetime
) -> list[Difference]:
    """The payments, in the order given, that are decided otherwise: in their state or their orders.

    `trials` are in the order in which the payments came. One that pays orders
    already is decided about as if just these were without its money. The others
    take from each other's orders, as they would if the rules were set.
    """
    before, after = (_verdicts(trials, orders, side, time) for side in (now, then))
    return [
        Difference(trial, was, becomes)
        for trial, was, becomes in zip(trials, before, after, strict=True)
        if _outcome(was) != _outcome(becomes)
    ]


def _verdicts(
    trials: Sequence[Trial], orders: Mapping[UUID, OrderRow], side: Side, time: datetime
) -> list[Verdict]:
    current = dict(orders)
    verdicts: dict[UUID, Verdict] = {}
    waiting = [trial for trial in trials if not trial.payment.standing.given]
    while waiting:
        taken = _take(waiting, current, side, time, verdicts)
        # Those that named an order which another took then are looked at again, as always.
        waiting = [
            trial
            for trial in waiting
            if not verdicts[trial.payment.id].allotments
            and not taken.isdisjoint(side.candidates[trial.payment.id])
        ]
    for trial in trials:
        if trial.payment.standing.given:
            verdicts[trial.payment.id] = _again(trial, orders, side, time)
    return [verdicts[trial.payment.id] for trial in trials]


def _take(
    trials: Sequence[Trial],
    current: dict[UUID, OrderRow],
    side: Side,
    time: datetime,
    verdicts: dict[UUID, Verdict],
) -> set[UUID]:
    """Decide one after another, each seeing what those before it took; returns the orders taken."""
    taken: set[UUID] = set()
    for trial in trials:
        found = [current[key] for key in side.candidates[trial.payment.id] if key in current]
        verdict = decide(trial.incoming, [row.payable for row in found], side.rules)
        verdicts[trial.payment.id] = verdict
        for part in verdict.allotments:
            order_id = UUID(part.order_id)
            current[order_id] = paid_by(current[order_id], part.amount, side.rules, time)
            taken.add(order_id)
    return taken


def _again(trial: Trial, orders: Mapping[UUID, OrderRow], side: Side, time: datetime) -> Verdict:
    """Decide about a payment as if it had given nothing yet."""
    given = trial.payment.standing.given
    found = [
        paid_by(orders[key], -given[key], side.rules, time)
        if key in given and orders[key].payable.currency == trial.payment.standing.currency
        else orders[key]
        # Its own orders are looked at, too: closed by its money, they may not have been found.
        for key in sorted({*side.candidates[trial.payment.id], *given})
        if key in orders
    ]
    return decide(trial.incoming, [row.payable for row in found], side.rules)


def _outcome(verdict: Verdict) -> object:
    return verdict.status, {(part.order_id, part.amount) for part in verdict.allotments}
