"""What is paid of an order, and what that makes of it."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from orders.domain.change import Change, changed, silent
from orders.domain.order import Order, PaymentState
from orders.domain.status import StatusRule
from spojka.tasks import Task
from spojka.values import ZERO, format_decimal

MONEY_ON_CANCELLED: Final = "order.money_on_cancelled"
"""The task of a cancelled order that money was paid for."""
BELIEVED_DIFFERENCE_PERCENT_MAX: Final = Decimal(5)
"""How far from the total an amount may be that the payments side calls PAID."""

RANK: Final = {
    PaymentState.UNPAID: 0,
    PaymentState.REFUNDED: 0,
    PaymentState.PARTIAL: 1,
    PaymentState.PAID: 2,
    PaymentState.OVERPAID: 3,
}
"""How much of an order is paid in each state, for comparing."""


def counted_state(paid: Decimal, total: Decimal) -> PaymentState:
    """The state by the amounts alone. Where nothing is to be paid, nothing is owed."""
    if paid <= 0 < total:
        return PaymentState.UNPAID
    if paid < total:
        return PaymentState.PARTIAL
    return PaymentState.PAID if paid == total else PaymentState.OVERPAID


def judged_state(paid: Decimal, total: Decimal, said: PaymentState | None) -> PaymentState:
    """The state to take: the amounts' own, but for the two things that they can't say.

    The payments side alone knows that money was given back (REFUNDED, believed
    where nothing is paid any more), and which difference it tolerates (PAID,
    believed while the difference is small). A PAID that is far from the total
    was said of an earlier total: an order just amended must not become paid by
    it.
    """
    counted = counted_state(paid, total)
    if said is PaymentState.REFUNDED and paid <= 0:
        return said
    if said is PaymentState.PAID and counted in {PaymentState.PARTIAL, PaymentState.OVERPAID}:
        tolerated = total * BELIEVED_DIFFERENCE_PERCENT_MAX / 100
        return said if abs(paid - total) <= tolerated else counted
    return counted


def state_after_amendment(before: Order, total: Decimal) -> PaymentState:
    """The state once the total is `total`; where it did not move, as it was."""
    if total == before.content.total:
        return before.payment_state
    refunded = before.payment_state is PaymentState.REFUNDED
    return judged_state(before.amount_paid, total, PaymentState.REFUNDED if refunded else None)


def pay(
    order: Order,
    revision: int,
    amount: Decimal,
    said: PaymentState | None,
    rule: StatusRule,
    now: datetime,
) -> Change | None:
    """Take a report of what is paid in all; None where a newer one was taken before.

    A cancelled order notes the money but refuses to become more paid than it
    was: a task names the sum until it is given back.
    """
    if revision <= order.payment_revision:
        return None
    state = judged_state(amount, order.content.total, said)
    if order.cancelled and RANK[state] > RANK[order.payment_state]:
        state = order.payment_state
    after = replace(order, amount_paid=amount, payment_state=state, payment_revision=revision)
    if (amount, state) == (order.amount_paid, order.payment_state):
        return silent(after)
    change = changed(order, after, rule, now, summary=_sentence(order, after))
    return with_money_task(change)


def with_money_task(change: Change) -> Change:
    """The change with the task of a cancelled order's money opened, or closed."""
    order = change.order
    if not order.cancelled:
        return change
    if order.amount_paid <= 0:
        return replace(change, closed=(*change.closed, MONEY_ON_CANCELLED))
    paid = f"{format_decimal(order.amount_paid)} {order.content.currency}"
    task = Task(
        kind=MONEY_ON_CANCELLED,
        subject=order.subject,
        summary=f"Order {order.content.number} is cancelled, but {paid} of it is paid.",
        advice="Give the money back, or place the order anew and move the payment to it.",
        details={
            "number": order.content.number,
            "channel": order.content.channel_id,
            "amount_paid": format_decimal(order.amount_paid),
            "currency": order.content.currency,
        },
    )
    return replace(change, opened=(*change.opened, task))


def _sentence(before: Order, after: Order) -> str:
    currency = after.content.currency
    paid = (
        f"{format_decimal(after.amount_paid)} of {format_decimal(after.content.total)} {currency}"
    )
    said = {
        PaymentState.UNPAID: "Nothing of it is paid",
        PaymentState.PARTIAL: f"Partly paid: {paid}",
        PaymentState.PAID: f"Paid: {paid}",
        PaymentState.OVERPAID: f"Overpaid: {paid}",
        PaymentState.REFUNDED: "The money was given back",
    }[after.payment_state]
    if after.cancelled and after.amount_paid > max(before.amount_paid, ZERO):
        return f"Money came for the cancelled order ({paid}); it stays as it was."
    return f"{said}."
