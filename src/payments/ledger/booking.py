"""The one way in which money moves: lines, decisions, amounts, states and events together.

Automation and people book alike, so that the effects are the same (DESIGN §6).
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from payments.decisions.effect import NewLine
from payments.decisions.standing import Disposition, Line
from payments.ledger.paid import paid_by
from payments.ledger.tasks import update_order_tasks, update_tasks
from payments.ledger.telling import order_event, payment_events
from payments.matching.coverage import unallocated
from payments.matching.values import Rules
from payments.storage.lines import (
    DecisionRow,
    LedgerLine,
    append_decisions,
    append_lines,
    payments_of_orders,
    read_lines,
)
from payments.storage.orders import OrderRow, save_orders
from payments.storage.pairs import Payer, count_payers
from payments.storage.payments import PaymentRow, save_payments
from payments.storage.rechecks import note_payments, payments_looking_for
from spojka.database import Connection
from spojka.outbox import append, new_id
from spojka.tasks import SPOJKA
from spojka.values import ZERO

MATCH: Final = "match"
"""The kind of a decision that gives a payment to orders, whoever makes it."""
HOLD: Final = "hold"
"""Of Spojka's own: a payment is kept back for a person."""
RELEASE: Final = "release"
"""Of Spojka's own: a payment waits no more, as a better proof came."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision to be written. `before` is what undoing needs to put back."""

    kind: str
    summary: str
    actor: str = SPOJKA
    before: bytes = b""
    undoes_id: UUID | None = None
    id: UUID = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class Booking:
    """What becomes of one locked payment.

    `after` is the payment as it is to stand, without the new `lines`; they are
    added here. Lines need a decision. `automatic`: it pays an order by itself.
    """

    before: PaymentRow
    after: PaymentRow
    lines: tuple[NewLine, ...] = ()
    decision: Decided | None = None
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class Booked:
    """Payments and orders as they now are, by id; orders are all those that were handed in."""

    payments: Mapping[UUID, PaymentRow]
    orders: Mapping[UUID, OrderRow]


def disposed(row: PaymentRow, disposition: Disposition) -> PaymentRow:
    """The payment, standing so."""
    return replace(row, standing=replace(row.standing, disposition=disposition))


async def book(
    connection: Connection,
    tenant: UUID,
    bookings: Sequence[Booking],
    orders: Mapping[UUID, OrderRow],
    rules: Rules,
) -> Booked:
    """Write bookings of different payments, all locked, and of orders, all locked after them.

    Every order that a line names must be among `orders`. Writes the ledger and
    both sides of it, appends PaymentMatched and PaymentReversed for payments and
    one OrderPaymentChanged for each order of which another amount is paid, opens
    and closes tasks, and notes the payments that this concerns for another look.
    Nudge the relay after the commit. Raises ValueError, before anything is
    written, where money would be made or lost: a fault of the caller.
    """
    now = datetime.now(UTC)
    stored = {each.before.id: _ledger_lines(each, now) for each in bookings}
    payments = {each.before.id: _after(each, stored[each.before.id]) for each in bookings}
    after = _orders_after(bookings, orders, rules, now)
    changed = {key: row for key, row in after.items() if row != orders[key]}

    await append_decisions(connection, tenant, _decisions(bookings, now))
    await append_lines(connection, tenant, [line for lines in stored.values() for line in lines])
    automatic = {each.before.id for each in bookings if each.automatic}
    await save_payments(connection, tenant, list(payments.values()), automatic)
    await save_orders(connection, tenant, changed.values())
    await count_payers(connection, tenant, _payers(bookings, orders))
    await _tell(connection, tenant, bookings, payments, stored)
    for each in bookings:
        await update_tasks(connection, tenant, each.before, payments[each.before.id])
    for key in sorted(changed):
        await update_order_tasks(connection, tenant, orders[key], changed[key])
    await tell_orders(connection, tenant, orders, changed)
    concerned = await payments_looking_for(connection, tenant, changed, only_open=True)
    await note_payments(connection, tenant, concerned - payments.keys())
    return Booked(payments, after)


async def tell_orders(
    connection: Connection,
    tenant: UUID,
    before: Mapping[UUID, OrderRow],
    changed: Mapping[UUID, OrderRow],
) -> None:
    """Append OrderPaymentChanged for orders whose `payment_revision` grew, written already."""
    told = {
        key: row
        for key, row in changed.items()
        if row.payment_revision > before[key].payment_revision
    }
    if not told:
        return
    behind = await payments_of_orders(connection, tenant, told)
    await append(
        connection,
        [order_event(tenant, told[key], list(behind.get(key, ()))) for key in sorted(told)],
    )


def _ledger_lines(booking: Booking, now: datetime) -> list[LedgerLine]:
    if not booking.lines:
        return []
    payment, decision = booking.before, booking.decision
    if decision is None:
        raise ValueError(f"{payment.subject}: lines without a decision")
    return [
        LedgerLine(
            line=Line(new_id(), line.order_id, line.amount, line.reverses_id),
            payment_id=payment.id,
            currency=payment.standing.currency,
            decision_id=decision.id,
            actor=decision.actor,
            create_time=now,
        )
        for line in booking.lines
    ]


def _after(booking: Booking, lines: Sequence[LedgerLine]) -> PaymentRow:
    after = booking.after
    added = tuple(each.line for each in lines)
    standing = replace(after.standing, lines=(*booking.before.standing.lines, *added))
    # The guard: raises where more is given than came.
    unallocated(standing.amount, standing.given.values(), standing.credited)
    if standing.amount != standing.unallocated + standing.credited + sum(
        standing.given.values(), ZERO
    ):
        raise ValueError(f"{after.subject}: its ledger lines don't add up")
    return replace(after, standing=standing, revision=booking.before.revision + 1)


def _orders_after(
    bookings: Sequence[Booking], orders: Mapping[UUID, OrderRow], rules: Rules, now: datetime
) -> dict[UUID, OrderRow]:
    change: defaultdict[UUID, Decimal] = defaultdict(lambda: ZERO)
    for booking in bookings:
        for line in booking.lines:
            if line.order_id is None:
                continue
            order = orders.get(line.order_id)
            if order is None:
                raise ValueError(f"{booking.before.subject}: order {line.order_id} is not locked")
            if order.payable.currency != booking.before.standing.currency:
                if line.amount < 0:
                    continue  # The order's currency changed since; this no longer counts as paid.
                raise ValueError(
                    f"{booking.before.subject}: {booking.before.standing.currency} for order "
                    f"{order.payable.number} in {order.payable.currency}"
                )
            change[line.order_id] += line.amount
    return {key: paid_by(order, change[key], rules, now) for key, order in orders.items()}


def _decisions(bookings: Sequence[Booking], now: datetime) -> list[DecisionRow]:
    return [
        DecisionRow(
            id=decision.id,
            payment_id=booking.before.id,
            actor=decision.actor,
            kind=decision.kind,
            summary=decision.summary,
            time=now,
            before=decision.before,
            undoes_id=decision.undoes_id,
        )
        for booking in bookings
        if (decision := booking.decision) is not None
    ]


def _payers(bookings: Sequence[Booking], orders: Mapping[UUID, OrderRow]) -> Mapping[Payer, int]:
    times: Counter[Payer] = Counter()
    for booking in bookings:
        account = booking.before.counter_account
        for line in booking.lines:
            customer = orders[line.order_id].payable.customer_key if line.order_id else ""
            if account and customer:
                times[account, customer] += 1 if line.amount > 0 else -1
    return times


async def _tell(
    connection: Connection,
    tenant: UUID,
    bookings: Sequence[Booking],
    payments: Mapping[UUID, PaymentRow],
    new_lines: Mapping[UUID, Sequence[LedgerLine]],
) -> None:
    earlier = {each.before.id for each in bookings if each.before.standing.lines and each.lines}
    known = await read_lines(connection, tenant, earlier) if earlier else {}
    events = []
    for each in bookings:
        payment_id = each.before.id
        lines = known.get(payment_id) or new_lines[payment_id]
        events += payment_events(tenant, each.before, payments[payment_id], lines, each.lines)
    await append(connection, events)
