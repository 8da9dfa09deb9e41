"""A payment's verdict in words, for `spojka payment why`."""

from collections.abc import Iterator

from spojka.api.payments.v1 import payment_pb2
from spojka.cli.enums import short_name


def explanation(payment: payment_pb2.Payment) -> Iterator[str]:
    """The lines that say what became of a payment, and why."""
    amount, verdict = payment.amount, payment.verdict
    direction = "came in" if payment.incoming else "went out"
    by = payment.counterparty_name or payment.counter_account or "an unnamed account"
    symbol = f", VS {payment.variable_symbol}" if payment.variable_symbol else ""
    yield f"{amount.amount} {amount.currency} {direction} on {payment.value_date}, {by}{symbol}"
    status = short_name(payment_pb2.PaymentStatus.DESCRIPTOR, payment.status)
    yield f"{status.upper()}: {verdict.summary or 'nothing was decided yet'}"
    for run in verdict.runs:
        criterion = short_name(payment_pb2.Criterion.DESCRIPTOR, run.criterion).replace("_", " ")
        found = "found nothing" if not run.candidates else ""
        yield f"  by {criterion}: {run.searched or 'nothing to look for'} {found}".rstrip()
        for candidate in run.candidates:
            taken = "taken" if candidate.taken else "left"
            due = f"{candidate.due.amount} {candidate.due.currency}"
            yield f"    order {candidate.order_number} (owes {due}): {taken}, {candidate.reason}"
    for allotment in payment.allocations:
        line = f"{allotment.amount.amount} {allotment.amount.currency}"
        whither = f"order {allotment.order_id}" if allotment.order_id else "the customer's credit"
        yield f"  ledger: {line} to {whither} by {allotment.actor}"
    for suggestion in verdict.suggestions:
        yield f"  maybe: order {', '.join(suggestion.order_numbers)}: {suggestion.reason}"
    for flag in payment.flags:
        yield f"  note: {flag}"
    for decision in payment.decisions:
        yield f"  decided: {decision.kind} by {decision.actor}: {decision.summary}"
