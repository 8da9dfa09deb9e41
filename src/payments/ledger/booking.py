"""The one way in which money moves: lines, decisions, amounts, states and events together.

Automation and people book alike, so that the effects are the same (DESIGN §6).
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain
from typing import Final
from uuid import UUID

from payments.decisions.effect import NewLine
from payments.decisions.standing import Disposition, Line
from payments.ledger.paid import paid_by
from payments.ledger.tasks import TaskChanges, write_tasks
from payments.ledger.telling import order_event, payment_events, received_event
from payments.matching.coverage import unallocated
from payments.matching.values import Rules
from payments.storage.lines import (
    DecisionRow,
    LedgerLine,
    append_decisions,
    append_lines,
    given_by_currency,
    payments_of_orders,
    read_lines,
)
from payments.storage.orders import OrderRow, save_orders
from payments.storage.pairs import Payer, count_payers
from payments.storage.payment_writes import insert_payments, save_payments
from payments.storage.payments import PaymentRow
from payments.storage.rechecks import note_payments_looking_for
from spojka.asking import together
from spojka.database import Connection
from spojka.outbox import Event, append, new_id
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
    received: Sequence[PaymentRow] = (),
) -> Booked:
    """Write bookings of different payments, all locked, and of orders, all locked after them.

    Every order that a line names must be among `orders`. `received` are payments
    that are not stored yet, with a booking or without. Writes the ledger and
    both sides of it, appends PaymentReceived for the new ones, PaymentMatched
    and PaymentReversed for payments and one OrderPaymentChanged for each order
    of which another amount is paid, opens and closes tasks, and notes the
    payments that this concerns for another look. Nudge the relay after the
    commit. Raises ValueError, before anything is written, where money would be
    made or lost: a fault of the caller.
    """
    now = datetime.now(UTC)
    after = _orders_after(bookings, orders, rules, now)
    stored = {each.before.id: _ledger_lines(each, orders, now) for each in bookings}
    payments = {each.before.id: _after(each, stored[each.before.id]) for each in bookings}
    changed = {key: row for key, row in after.items() if row != orders[key]}
    earlier = await _earlier_lines(connection, tenant, bookings)
    told = await _told_orders(connection, tenant, orders, changed, stored)
    added = {row.id: payments.get(row.id, row) for row in received}
    saved = [row for key, row in payments.items() if key not in added]
    automatic = {each.before.id for each in bookings if each.automatic}
    events = [received_event(tenant, row) for row in received]
    events += _payment_events(tenant, bookings, payments, earlier, stored)
    async with together(connection):
        await insert_payments(connection, tenant, list(added.values()), automatic)
        await append_decisions(connection, tenant, _decisions(bookings, now))
        await append_lines(connection, tenant, list(chain.from_iterable(stored.values())))
        await save_payments(connection, tenant, saved, automatic)
        await save_orders(connection, tenant, changed.values())
        await count_payers(connection, tenant, _payers(bookings, stored))
        tasks = _tasks(bookings, payments, received, orders, changed)
        for key, given in (await _foreign(connection, tenant, bookings, orders)).items():
            tasks.of_other_currencies(after[key], given)
        await write_tasks(connection, tenant, tasks)
        await append(connection, [*events, *told])
        await note_payments_looking_for(connection, tenant, changed, but=payments)
    return Booked({**added, **payments}, after)


async def order_events(
    connection: Connection,
    tenant: UUID,
    before: Mapping[UUID, OrderRow],
    changed: Mapping[UUID, OrderRow],
) -> list[Event]:
    """OrderPaymentChanged for locked orders whose `payment_revision` grew without new lines."""
    return await _told_orders(connection, tenant, before, changed, {})


async def _told_orders(
    connection: Connection,
    tenant: UUID,
    before: Mapping[UUID, OrderRow],
    changed: Mapping[UUID, OrderRow],
    new: Mapping[UUID, Sequence[LedgerLine]],
) -> list[Event]:
    told = [
        key
        for key, row in sorted(changed.items())
        if row.payment_revision > before[key].payment_revision
    ]
    # Of one of which nothing was told yet nothing was given: it has no lines to be read.
    known = [key for key in told if before[key].payment_revision]
    behind = await payments_of_orders(connection, tenant, known) if known else {}
    given = {key: defaultdict(lambda: ZERO, behind.get(key, {})) for key in told}
    for line in chain.from_iterable(new.values()):
        if line.line.order_id in given:
            given[line.line.order_id][line.payment_id] += line.line.amount
    return [
        order_event(tenant, changed[key], sorted(each for each, sum_ in given[key].items() if sum_))
        for key in told
    ]


async def _foreign(
    connection: Connection,
    tenant: UUID,
    bookings: Sequence[Booking],
    orders: Mapping[UUID, OrderRow],
) -> Mapping[UUID, Mapping[str, Decimal]]:
    """By currency: what orders now have from which money of another currency was taken back."""
    foreign = {
        line.order_id
        for booking in bookings
        for line in booking.lines
        if line.order_id is not None
        and orders[line.order_id].payable.currency != booking.before.standing.currency
    }
    found = await given_by_currency(connection, tenant, foreign) if foreign else {}
    return {key: found.get(key, {}) for key in sorted(foreign)}


async def _earlier_lines(
    connection: Connection, tenant: UUID, bookings: Sequence[Booking]
) -> Mapping[UUID, Sequence[LedgerLine]]:
    """The lines as they are stored of payments that get further ones."""
    wanted = {each.before.id for each in bookings if each.before.standing.lines and each.lines}
    return await read_lines(connection, tenant, wanted) if wanted else {}


def _ledger_lines(
    booking: Booking, orders: Mapping[UUID, OrderRow], now: datetime
) -> list[LedgerLine]:
    if not booking.lines:
        return []
    payment, decision = booking.before, booking.decision
    if decision is None:
        raise ValueError(f"{payment.subject}: lines without a decision")
    customers = {line.id: line.customer_key for line in payment.standing.lines}

    def customer(line: NewLine) -> str:
        if line.reverses_id is not None:
            return customers[line.reverses_id]
        return orders[line.order_id].payable.customer_key if line.order_id else ""

    return [
        LedgerLine(
            line=Line(new_id(), line.order_id, line.amount, line.reverses_id, customer(line)),
            payment_id=payment.id,
            number=number,
            currency=payment.standing.currency,
            decision_id=decision.id,
            actor=decision.actor,
            create_time=now,
        )
        for number, line in enumerate(booking.lines, len(payment.standing.lines) + 1)
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
    foreign: set[UUID] = set()
    for booking in bookings:
        for line in booking.lines:
            if line.order_id is None:
                continue
            order = orders.get(line.order_id)
            if order is None:
                raise ValueError(f"{booking.before.subject}: order {line.order_id} is not locked")
            if order.payable.currency != booking.before.standing.currency:
                if line.amount < 0:
                    foreign.add(line.order_id)
                    continue  # The order's currency changed since; this no longer counts as paid.
                raise ValueError(
                    f"{booking.before.subject}: {booking.before.standing.currency} for order "
                    f"{order.payable.number} in {order.payable.currency}"
                )
            change[line.order_id] += line.amount
    after = {key: paid_by(order, change[key], rules, now) for key, order in orders.items()}
    for key in foreign:
        if after[key].payment_revision == orders[key].payment_revision:
            after[key] = replace(after[key], payment_revision=after[key].payment_revision + 1)
    return after


def _decisions(bookings: Sequence[Booking], now: datetime) -> list[DecisionRow]:
    return [
        DecisionRow(
            id=decision.id,
            payment_id=booking.before.id,
            revision=booking.before.revision + 1,
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


def _payers(
    bookings: Sequence[Booking], new: Mapping[UUID, Sequence[LedgerLine]]
) -> Mapping[Payer, int]:
    times: Counter[Payer] = Counter()
    for booking in bookings:
        account = booking.before.counter_account
        for entry in new[booking.before.id]:
            if account and entry.line.customer_key:
                times[account, entry.line.customer_key] += 1 if entry.line.amount > 0 else -1
    return times


def _payment_events(
    tenant: UUID,
    bookings: Sequence[Booking],
    payments: Mapping[UUID, PaymentRow],
    earlier: Mapping[UUID, Sequence[LedgerLine]],
    new: Mapping[UUID, Sequence[LedgerLine]],
) -> list[Event]:
    events = []
    for each in bookings:
        payment_id = each.before.id
        lines = [*earlier.get(payment_id, ()), *new[payment_id]]
        events += payment_events(tenant, each.before, payments[payment_id], lines, each.lines)
    return events


def _tasks(
    bookings: Sequence[Booking],
    payments: Mapping[UUID, PaymentRow],
    received: Sequence[PaymentRow],
    orders: Mapping[UUID, OrderRow],
    changed: Mapping[UUID, OrderRow],
) -> TaskChanges:
    tasks = TaskChanges()
    for row in received:
        tasks.of_payment(None, row)
    for each in bookings:
        tasks.of_payment(each.before, payments[each.before.id])
    for key in sorted(changed):
        tasks.of_order(orders[key], changed[key])
    return tasks
