"""A person confirms a payment that waits, so that it may take part in matching."""

from dataclasses import replace

from payments.decisions.effect import Effect, Kind
from payments.decisions.standing import Disposition, Standing
from payments.matching.values import PaymentStatus
from spojka.errors import FailedPrecondition


def confirm(payment: Standing, *, sender: str, others: int, more: bool) -> Effect:
    """Let a payment go that waits for a person.

    `sender` names the sender that is confirmed with it, empty where the payment
    waits for another reason; `others` of that sender's payments go with it, and
    there are `more` that still wait, as one decision lets only so many go.
    Raises FailedPrecondition.
    """
    if not payment.disposition.hold:
        raise FailedPrecondition("the payment waits for no confirmation", reason="PAYMENT_NOT_HELD")
    parts = ["Confirmed."]
    if sender:
        parts = [f"Confirmed, and with it the sender {sender}."]
        if others:
            parts.append(f"{others} other {_payments(others)} that waited for this may be matched.")
        if more:
            parts.append("More of them still wait: confirm one of those, too.")
    return Effect(Kind.CONFIRM, " ".join(parts), _let_go(payment.disposition))


def release(payment: Standing, *, sender: str, actor: str) -> Effect:
    """Let a payment go whose sender was confirmed with another payment."""
    summary = f"Waits no more: {actor} confirmed the sender {sender}."
    return Effect(Kind.RELEASE, summary, _let_go(payment.disposition))


def _let_go(held: Disposition) -> Disposition:
    # Open for matching: it needs a person until Spojka has decided about it.
    return replace(held, status=PaymentStatus.UNMATCHED, hold=0, needs_person=True)


def _payments(count: int) -> str:
    return "payment" if count == 1 else "payments"
