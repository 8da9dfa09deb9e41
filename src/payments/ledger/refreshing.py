"""Payments that pay orders already: what may have become of them since. Pure.

A match that was made is never undone by itself. What changes is what a payment
is called, as an order's rest came or its total grew, and whether an order that
came later would have fitted, too.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Final
from uuid import UUID

from payments.decisions.effect import settled
from payments.ledger.booking import Booking, disposed
from payments.matching.coverage import coverage
from payments.matching.deciding import decide
from payments.matching.values import Incoming, Payable, PaymentStatus, Rules
from payments.storage.orders import OrderRow
from payments.storage.payments import PaymentRow
from spojka.api.payments.v1 import payment_pb2
from spojka.values import ZERO

_GIVEN: Final = frozenset({PaymentStatus.MATCHED, PaymentStatus.PARTIAL})


def refreshed(
    payment: PaymentRow, orders: Mapping[UUID, OrderRow], rules: Rules, rivals: Collection[Payable]
) -> Booking | None:
    """The payment as it is to be called now, with its rivals flagged; None where nothing changed.

    `orders` are at least those that it pays, locked.
    """
    after = payment
    status = payment.disposition.status
    if status in _GIVEN:
        standings = {key: orders[key].standing(rules) for key in payment.standing.given}
        now = settled(payment.standing, (), standings, payment.disposition.decided_by).status
        if now in _GIVEN:
            after = disposed(after, replace(payment.disposition, status=now))
    flags = [*payment.message.flags]
    flags += [text for order in rivals if (text := rival_text(order)) not in flags]
    if flags != list(payment.message.flags):
        message = payment_pb2.Payment()
        message.CopyFrom(payment.message)
        message.flags[:] = flags
        after = replace(after, message=message)
    return Booking(payment, after) if after is not payment and after != payment else None


def rival_text(order: Payable) -> str:
    """How a payment's flag names a rival."""
    return f"Order {order.number} became known later and would have fitted, too."


def find_rivals(
    payment: PaymentRow, incoming: Incoming, candidates: Collection[OrderRow], rules: Rules
) -> list[Payable]:
    """Open orders of the fitting amount that would have kept this match from being made.

    The payment is decided about as if it had given nothing yet; a person's own
    decision has no rivals. By number and id.
    """
    given = payment.standing.given
    if payment.disposition.decided_by or not given:
        return []
    as_before = [_without(order.payable, given.get(order.id, ZERO), rules) for order in candidates]
    verdict = decide(incoming, as_before, rules)
    if {UUID(part.order_id) for part in verdict.allotments} == given.keys():
        return []
    named = {candidate.order_id for run in verdict.runs for candidate in run.candidates}
    fitting = [
        order
        for order in as_before
        if order.open
        and order.id in named
        and UUID(order.id) not in given
        and order.currency == payment.standing.currency
        and order.due == payment.standing.amount
    ]
    return sorted(fitting, key=lambda order: (order.number, order.id))


def _without(order: Payable, given: Decimal, rules: Rules) -> Payable:
    paid = order.paid - given
    state = coverage(order.total, paid, rules.tolerances.get(order.currency, ZERO))
    return replace(order, paid=paid, state=state)
