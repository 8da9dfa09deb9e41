"""A person keeps a payment's money as credit, or lays the payment aside."""

from payments.decisions.effect import Effect, Kind, NewLine, settled
from payments.decisions.refusals import require_money
from payments.decisions.standing import Disposition, Orders, Standing
from payments.matching.values import PaymentStatus
from spojka.errors import FailedPrecondition


def credit(payment: Standing, orders: Orders, actor: str) -> Effect:
    """Keep all that is left as the customer's credit. Raises FailedPrecondition."""
    require_money(payment)
    left = payment.unallocated
    if left <= 0:
        raise FailedPrecondition(
            "nothing of the payment is left to keep as credit; take it back from an order first",
            reason="NOTHING_LEFT",
        )
    lines = (NewLine(None, left),)
    return Effect(
        kind=Kind.CREDIT,
        summary=f"{payment.money(left)} is kept as the customer's credit.",
        after=settled(payment, lines, orders, actor),
        lines=lines,
    )


def discard(payment: Standing, reason: str, actor: str) -> Effect:
    """Lay a payment aside: it waits for nobody, and pays nothing. Raises FailedPrecondition."""
    status = payment.disposition.status
    if status == PaymentStatus.DISCARDED:
        raise FailedPrecondition(
            "the payment was laid aside before; undo that decision to give another reason",
            reason="PAYMENT_DISCARDED",
        )
    if payment.live:
        raise FailedPrecondition(
            f"{payment.money(payment.amount - payment.unallocated)} of the payment is given to "
            "orders or kept as credit; unmatch it or undo the credit first",
            reason="PAYMENT_MATCHED",
        )
    if not payment.incoming and not payment.disposition.needs_person:
        raise FailedPrecondition(
            "this movement is only written down and waits for nobody; there is nothing to lay "
            "aside",
            reason="PAYMENT_PAYS_NOTHING",
        )
    return Effect(
        kind=Kind.DISCARD,
        summary=discard_summary(reason),
        after=Disposition(PaymentStatus.DISCARDED, hold=0, needs_person=False, decided_by=actor),
    )


def discard_summary(reason: str) -> str:
    """The sentence of a payment that was laid aside."""
    return f"Laid aside: {reason}"
