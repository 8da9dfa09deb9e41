"""Payments, their ledger lines and decisions in the contract's messages."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from payments.messages.matching import money_message
from payments.storage.lines import DecisionRow, LedgerLine
from payments.storage.payments import PaymentRow, full_message
from spojka.api.payments.v1 import payment_pb2
from spojka.times import timestamp
from spojka.values import Money


def payment_message(
    row: PaymentRow,
    lines: Sequence[LedgerLine] = (),
    decisions: Sequence[DecisionRow] = (),
    mail_ids: Iterable[UUID] = (),
) -> payment_pb2.Payment:
    """The payment with its ledger lines and decisions, oldest first."""
    message = full_message(row)
    message.allocations.extend(line_message(each) for each in lines)
    message.decisions.extend(_decision(each) for each in decisions)
    message.mail_ids.extend(str(mail_id) for mail_id in mail_ids)
    return message


def line_message(each: LedgerLine) -> payment_pb2.Allocation:
    """A ledger line as the contract has it."""
    line = each.line
    return payment_pb2.Allocation(
        id=str(line.id),
        order_id=str(line.order_id or ""),
        amount=money_message(Money(each.currency, line.amount)),
        actor=each.actor,
        create_time=timestamp(each.create_time),
        reverses_id=str(line.reverses_id or ""),
    )


def _decision(each: DecisionRow) -> payment_pb2.Decision:
    return payment_pb2.Decision(
        id=str(each.id),
        actor=each.actor,
        time=timestamp(each.time),
        kind=each.kind,
        summary=each.summary,
        undoes_id=str(each.undoes_id or ""),
    )
