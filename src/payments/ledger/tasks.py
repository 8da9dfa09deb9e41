"""Tasks of the money side: only for what is wrong.

A payment that merely waits for a person (unmatched, ambiguous) is no task: the
list of payments that need a person is the inbox for those, and forty tasks at
nine in the morning would be read by nobody. What waits for a confirmation is
one task for each connection and reason, however many payments wait.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from payments.ledger.holds import Hold
from payments.matching.values import PaymentState, PaymentStatus
from payments.storage.orders import OrderRow
from payments.storage.payments import PaymentRow
from spojka.database import Connection
from spojka.tasks import Task, close_task, open_task
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


async def update_tasks(
    connection: Connection, tenant: UUID, before: PaymentRow | None, after: PaymentRow
) -> None:
    """Open and close what a payment's change brings; the payment is written already."""
    was = before.disposition if before is not None else None
    now = after.disposition
    if was is not None and was.status != now.status and was.status in _BY_STATUS:
        await close_task(connection, tenant, _BY_STATUS[was.status][0], after.subject)
    if now.status in _BY_STATUS:
        kind, advice = _BY_STATUS[now.status]
        if now.needs_person:
            task = _of_payment(kind, after, _state_sentence(after), advice)
            await open_task(connection, tenant, task)
        elif was is not None and was.needs_person:
            await close_task(connection, tenant, kind, after.subject)
    hold_before = was.hold if was is not None else Hold.NONE
    if hold_before != now.hold:
        await _update_hold(connection, tenant, after, hold_before)


async def _update_hold(
    connection: Connection, tenant: UUID, payment: PaymentRow, before: int
) -> None:
    hold = payment.disposition.hold
    if before == Hold.TWIN:
        await close_task(connection, tenant, POSSIBLE_TWIN, payment.subject)
    elif before != Hold.NONE and not await _any_held(connection, tenant, payment, before):
        await close_task(connection, tenant, *_held_name(payment, before))
    if hold == Hold.TWIN:
        summary = f"{_named(payment)} looks like another one, and nothing tells the two apart."
        advice = (
            "Look at the account's statement: discard the payment if the money came once, confirm "
            "it if it came twice."
        )
        await open_task(connection, tenant, _of_payment(POSSIBLE_TWIN, payment, summary, advice))
    elif hold != Hold.NONE:
        kind, subject = _held_name(payment, hold)
        await open_task(
            connection,
            tenant,
            Task(
                kind,
                subject,
                f"Payments wait for a person: they {_HELD[hold][1]}.",
                "List the payments that need a person and confirm those that are right.",
                {"connection_id": str(payment.connection_id), "reason": _HELD[hold][0]},
            ),
        )


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


async def update_order_tasks(
    connection: Connection, tenant: UUID, before: OrderRow | None, after: OrderRow
) -> None:
    """Open and close what an order's change brings; the order is written already."""
    was = before.payable if before is not None else None
    order = after.payable
    over = order.state is PaymentState.OVERPAID and not order.cancelled
    if over:
        advice = "Give the difference back, or unmatch a payment and match a part of it."
        owed = f"{format_decimal(order.paid)} of {Money(order.currency, order.total)}"
        summary = f"Order {order.number} is over-paid: {owed}."
        await open_task(connection, tenant, _of_order(ORDER_OVERPAID, after, summary, advice))
    elif was is not None and was.state is PaymentState.OVERPAID:
        await close_task(connection, tenant, ORDER_OVERPAID, after.subject)
    if order.cancelled and order.paid > 0:
        advice = "Give the money back, or unmatch its payments and match them to another order."
        summary = (
            f"Order {order.number} is cancelled, but {Money(order.currency, order.paid)} of it is "
            "paid."
        )
        await open_task(connection, tenant, _of_order(PAID_ORDER_CANCELLED, after, summary, advice))
    elif was is not None and was.cancelled and was.paid > ZERO:
        await close_task(connection, tenant, PAID_ORDER_CANCELLED, after.subject)


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
