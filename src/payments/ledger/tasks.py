"""Tasks of the money side: only for what is wrong.

A payment that merely waits for a person (unmatched, ambiguous) is no task: the
list of payments that need a person is the inbox for those, and forty tasks at
nine in the morning would be read by nobody. What waits for a confirmation is
one task for each connection and reason, however many payments wait.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final
from uuid import UUID

from payments.ledger.holds import Hold
from payments.matching.values import PaymentState, PaymentStatus
from payments.storage.orders import OrderRow
from payments.storage.payments import PaymentRow
from spojka.database import Connection
from spojka.tasks import Task, close_tasks, open_task, open_tasks
from spojka.values import ZERO, Money, format_decimal

DUPLICATE: Final = "payments.duplicate"
LATE: Final = "payments.late"
OVERPAID: Final = "payments.overpaid"
POSSIBLE_TWIN: Final = "payments.possible_twin"
REVERSAL: Final = "payments.reversal"
"""A bank's mail says that money was taken back: a person looks, nothing is un-paid by itself."""
RIVAL: Final = "payments.rival"
"""An order that came later would have fitted a payment, too."""
CONTRADICTED: Final = "payments.contradicted"
"""The bank tells of a payment that a person decided about while it was not proven."""
UNCONFIRMED: Final = "payments.unconfirmed"
ORDER_OVERPAID: Final = "payments.order_overpaid"
PAID_ORDER_CANCELLED: Final = "payments.paid_order_cancelled"
OTHER_CURRENCY: Final = "payments.paid_in_other_currency"
"""An order was amended to another currency while it had money of the one before."""

_BY_STATUS: Final[Mapping[int, tuple[str, str]]] = {
    PaymentStatus.DUPLICATE: (
        DUPLICATE,
        "Give the money back, keep it as the customer's credit, or match it to another order.",
    ),
    PaymentStatus.LATE: (
        LATE,
        "Give it back, keep it as the customer's credit, or place the order anew and match it.",
    ),
    PaymentStatus.OVERPAID: (
        OVERPAID,
        "Give the rest back, keep it as the customer's credit, or match it to another order.",
    ),
}
_HELD: Final[Mapping[int, tuple[str, str]]] = {
    Hold.WEAK: ("weak", "come in mails that are not proven to be the bank's"),
    Hold.REVIEW: ("review", "were read by guess or are of a kind that a person must look at"),
    Hold.LIMIT: ("limit", "are above what may pay an order by itself"),
    Hold.NEW_SENDER: ("new_sender", "are the first of their sender"),
    Hold.HOURLY_CAP: ("hourly_cap", "are more than may pay by themselves in an hour"),
}
"""One task for each connection and reason. A possible twin has one of its own; where money may have
been taken back, the mail that says so has one."""


@dataclass(slots=True)
class TaskChanges:
    """Tasks to be opened, and closed by kind and subject, as payments and orders change."""

    opened: list[Task] = field(default_factory=list)
    closed: list[tuple[str, str]] = field(default_factory=list)
    let_go: dict[tuple[UUID, int], PaymentRow] = field(default_factory=dict)
    """By connection and reason: payments that no longer wait; others of theirs still may."""

    def of_payment(self, before: PaymentRow | None, after: PaymentRow) -> None:
        """What a payment's change brings."""
        was = before.disposition if before is not None else None
        now = after.disposition
        if was is not None and was.status != now.status and was.status in _BY_STATUS:
            self.closed.append((_BY_STATUS[was.status][0], after.subject))
        if now.status in _BY_STATUS:
            kind, advice = _BY_STATUS[now.status]
            if now.needs_person:
                self.opened.append(_of_payment(kind, after, _state_sentence(after), advice))
            elif was is not None and was.needs_person:
                self.closed.append((kind, after.subject))
        hold_before = was.hold if was is not None else Hold.NONE
        if hold_before != now.hold:
            self._of_hold(after, hold_before)

    def _of_hold(self, payment: PaymentRow, before: int) -> None:
        hold = payment.disposition.hold
        if before == Hold.TWIN:
            self.closed.append((POSSIBLE_TWIN, payment.subject))
        elif before in _HELD:
            self.let_go[payment.connection_id, before] = payment
        if hold == Hold.TWIN:
            summary = f"{_named(payment)} looks like another one, and nothing tells the two apart."
            advice = (
                "Look at the account's statement: discard the payment if the money came once, "
                "confirm it if it came twice."
            )
            self.opened.append(_of_payment(POSSIBLE_TWIN, payment, summary, advice))
        elif hold in _HELD:
            kind, subject = _held_name(payment, hold)
            summary = f"Payments wait for a person: they {_HELD[hold][1]}."
            advice = "List the payments that need a person and confirm those that are right."
            details = {"connection_id": str(payment.connection_id), "reason": _HELD[hold][0]}
            self.opened.append(Task(kind, subject, summary, advice, details))

    def of_order(self, before: OrderRow | None, after: OrderRow) -> None:
        """What an order's change brings."""
        was = before.payable if before is not None else None
        order = after.payable
        if order.state is PaymentState.OVERPAID and not order.cancelled:
            advice = "Give the difference back, or unmatch a payment and match a part of it."
            owed = f"{format_decimal(order.paid)} of {Money(order.currency, order.total)}"
            summary = f"Order {order.number} is over-paid: {owed}."
            self.opened.append(_of_order(ORDER_OVERPAID, after, summary, advice))
        elif was is not None and was.state is PaymentState.OVERPAID:
            self.closed.append((ORDER_OVERPAID, after.subject))
        if order.cancelled and order.paid > 0:
            advice = "Give the money back, or unmatch its payments and match them to another order."
            paid = Money(order.currency, order.paid)
            summary = f"Order {order.number} is cancelled, but {paid} of it is paid."
            self.opened.append(_of_order(PAID_ORDER_CANCELLED, after, summary, advice))
        elif was is not None and was.cancelled and was.paid > ZERO:
            self.closed.append((PAID_ORDER_CANCELLED, after.subject))

    def of_other_currencies(self, order: OrderRow, given: Mapping[str, Decimal]) -> None:
        """What is given to an order in each currency: only that of its own counts as paid."""
        number, own = order.payable.number, order.payable.currency
        others = [Money(key, given[key]) for key in sorted(given.keys() - {own})]
        if not others:
            self.closed.append((OTHER_CURRENCY, order.subject))
            return
        sums = " and ".join(map(str, others))
        summary = f"Order {number} is in {own} now, but {sums} was given to it before."
        advice = (
            "Unmatch its payments of the other currency, then give the money back or match it to "
            "another order."
        )
        self.opened.append(_of_order(OTHER_CURRENCY, order, summary, advice))


async def write_tasks(connection: Connection, tenant: UUID, changes: TaskChanges) -> None:
    """Open and close them; the payments and orders are written already."""
    closed = defaultdict(list)
    for kind, subject in changes.closed:
        closed[kind].append(subject)
    for (_, hold), payment in sorted(changes.let_go.items(), key=lambda each: each[0]):
        if not await _any_held(connection, tenant, payment, hold):
            kind, subject = _held_name(payment, hold)
            closed[kind].append(subject)
    for kind in sorted(closed):
        await close_tasks(connection, tenant, kind, sorted(closed[kind]))
    await open_tasks(connection, tenant, changes.opened)


async def _any_held(connection: Connection, tenant: UUID, payment: PaymentRow, hold: int) -> bool:
    cursor = await connection.execute(
        "SELECT EXISTS (SELECT FROM payment WHERE tenant_id = %s AND connection_id = %s"
        " AND hold = %s AND hold <> 0)",
        [tenant, payment.connection_id, hold],
    )
    row = await cursor.fetchone()
    return bool(row and row[0])


def _held_name(payment: PaymentRow, hold: int) -> tuple[str, str]:
    return f"{UNCONFIRMED}.{_HELD[hold][0]}", f"connection/{payment.connection_id}"


async def open_payment_task(
    connection: Connection, tenant: UUID, kind: str, payment: PaymentRow, matter: str, advice: str
) -> None:
    """Open a task about one payment: RIVAL, REVERSAL or CONTRADICTED. `matter` is a sentence."""
    await open_task(connection, tenant, _of_payment(kind, payment, matter, advice))


def _state_sentence(payment: PaymentRow) -> str:
    if payment.disposition.status == PaymentStatus.OVERPAID:
        left = Money(payment.standing.currency, payment.standing.unallocated)
        return f"{left} of {_named(payment, inside=True)} is left over."
    return f"{_named(payment)}: {payment.message.verdict.summary}"


def _named(payment: PaymentRow, *, inside: bool = False) -> str:
    article = "the" if inside else "The"
    return f"{article} payment of {payment.money} of {payment.message.value_date}"


def _of_payment(kind: str, payment: PaymentRow, summary: str, advice: str) -> Task:
    details = {
        "payment_id": str(payment.id),
        "amount": format_decimal(payment.standing.amount),
        "currency": payment.standing.currency,
        "variable_symbol": payment.message.variable_symbol,
    }
    return Task(kind, payment.subject, summary, advice, details)


def _of_order(kind: str, order: OrderRow, summary: str, advice: str) -> Task:
    details = {
        "number": order.payable.number,
        "channel": order.payable.channel_id,
        "paid": format_decimal(order.payable.paid),
        "total": format_decimal(order.payable.total),
        "currency": order.payable.currency,
    }
    return Task(kind, order.subject, summary, advice, details)
