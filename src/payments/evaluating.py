"""The one place where automation decides which orders payments pay.

Used where payments become known, where something changed that concerns them,
and after a person let them go. Locks are taken in the order of the house:
payments, the connections' brakes, orders.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from payments.decisions.effect import NewLine
from payments.decisions.standing import Disposition
from payments.ledger.booking import HOLD, MATCH, Booked, Booking, Decided, book, disposed
from payments.ledger.brakes import Brakes, read_brakes
from payments.ledger.holds import Hold
from payments.ledger.paid import paid_by
from payments.ledger.refreshing import find_rivals, refreshed, rival_text
from payments.ledger.tasks import RIVAL, open_payment_task
from payments.matching.criteria import KNOWN_CUSTOMERS_MAX
from payments.matching.deciding import CANDIDATES_MAX, decide
from payments.matching.keys import Key, payment_keys, suggestion_keys
from payments.matching.values import Incoming, Payable, PaymentStatus, Rules, Verdict
from payments.messages.matching import incoming_of, rules_of, verdict_message
from payments.rules.storage import current_rules
from payments.storage.keys import find_orders, put_search_keys
from payments.storage.orders import OrderRow, lock_orders, read_orders
from payments.storage.pairs import known_customers
from payments.storage.payments import PaymentRow, lock_payments
from payments.storage.rechecks import note_payments
from spojka.api.payments.v1 import payment_pb2
from spojka.database import Connection

PAYMENTS_AT_ONCE_MAX: Final = 500
"""Payments that one transaction should decide about."""
SUGGESTED_OF_ONE_KEY_MAX: Final = 5
"""Orders that a slip of the payer's may have meant, for each way to slip."""

_FOR_A_PERSON: Final = frozenset(
    {
        PaymentStatus.UNMATCHED,
        PaymentStatus.AMBIGUOUS,
        PaymentStatus.OVERPAID,
        PaymentStatus.DUPLICATE,
        PaymentStatus.LATE,
    }
)
_OVER: Final = frozenset({PaymentStatus.DISCARDED, PaymentStatus.REVERSED, PaymentStatus.OUTGOING})


def decidable(payment: PaymentRow) -> bool:
    """Whether automation may decide about a payment.

    It may not while the payment waits for a person, once a person decided, or
    where an order has of it already.
    """
    disposition = payment.disposition
    return (
        payment.standing.incoming
        and not disposition.hold
        and not disposition.decided_by
        and disposition.status not in _OVER
        and not payment.standing.live
    )


async def evaluate(
    connection: Connection, tenant: UUID, payment_ids: Collection[UUID], *, first_look: bool = True
) -> Booked:
    """Decide about payments, in the order in which they came; returns what was written.

    Those that automation may not decide about stay as they are; of those that
    pay orders already only the name of their state and their flags may change.
    Each sees what the ones before it took, so that no order is paid twice.
    After a first look the ones that are left open are noted for another one
    after the commit: an order that came at the same time is then seen. Nudge the
    relay and the recheck after the commit.
    """
    payments = await lock_payments(connection, tenant, payment_ids)
    deciding = await _prepare(connection, tenant, payments.values())
    orders = deciding.orders
    bookings = deciding.decide_all()
    bookings += await _with_suggestions(connection, tenant, deciding)
    bookings += deciding.refresh_all()
    booked = await book(connection, tenant, bookings, orders, deciding.rules)
    for payment, rivals in deciding.rivals:
        await _open_rival_task(connection, tenant, payment, rivals)
    left = deciding.left.keys()
    await note_payments(connection, tenant, left if first_look else left & deciding.rekeyed)
    return booked


@dataclass(frozen=True, slots=True)
class _Left:
    """A payment that no order got, and the orders that it was decided with."""

    payment: PaymentRow
    verdict: Verdict
    candidates: Sequence[Payable]


@dataclass(slots=True)
class _Deciding:
    """Payments under lock, the orders that they may mean, and what came of them so far."""

    rules: Rules
    brakes: Brakes
    incoming: Mapping[UUID, Incoming]
    candidates: Mapping[UUID, Sequence[UUID]]
    orders: Mapping[UUID, OrderRow]
    open: Sequence[PaymentRow]
    paying: Sequence[PaymentRow]
    rekeyed: Collection[UUID]
    now: datetime
    current: dict[UUID, OrderRow] = field(default_factory=dict)
    """The orders as the payments decided so far leave them."""
    left: dict[UUID, _Left] = field(default_factory=dict)
    rivals: list[tuple[PaymentRow, list[Payable]]] = field(default_factory=list)

    def decide_all(self) -> list[Booking]:
        """Decide about the open ones; those that no order got are kept in `left`."""
        self.current = dict(self.orders)
        bookings = []
        for payment in self.open:
            found = [self.current[key].payable for key in self.candidates[payment.id]]
            verdict = decide(self.incoming[payment.id], found, self.rules)
            if not verdict.allotments:
                self.left[payment.id] = _Left(payment, verdict, found)
            elif self.brakes.hold_back(payment):
                bookings.append(self._held_back(payment, verdict))
            else:
                self.brakes.count(payment)
                bookings.append(self._taken(payment, verdict))
        return bookings

    def refresh_all(self) -> list[Booking]:
        """Look again at those that pay orders."""
        bookings = []
        for payment in self.paying:
            found = [self.current[key] for key in self.candidates[payment.id]]
            rivals = find_rivals(payment, self.incoming[payment.id], found, self.rules)
            new = [each for each in rivals if rival_text(each) not in payment.message.flags]
            booking = refreshed(payment, self.current, self.rules, new)
            if booking is not None:
                bookings.append(booking)
            if new:
                self.rivals.append((payment, new))
        return bookings

    def _taken(self, payment: PaymentRow, verdict: Verdict) -> Booking:
        lines = tuple(NewLine(UUID(part.order_id), part.amount) for part in verdict.allotments)
        for part in verdict.allotments:
            order_id = UUID(part.order_id)
            order = self.current[order_id]
            self.current[order_id] = paid_by(order, part.amount, self.rules, self.now)
        return Booking(
            before=payment,
            after=judged(payment, verdict, self.now),
            lines=lines,
            decision=Decided(MATCH, verdict.summary),
            automatic=True,
        )

    def _held_back(self, payment: PaymentRow, verdict: Verdict) -> Booking:
        reason = (
            f"{payment.automatic_per_hour} payments of this connection paid by themselves within "
            "an hour, as many as may; a person must confirm this one."
        )
        seen = replace(verdict, allotments=(), status=PaymentStatus.UNMATCHED)
        seen = replace(seen, summary=f"{verdict.summary} {reason}")
        waiting = Disposition(
            PaymentStatus.UNCONFIRMED, Hold.HOURLY_CAP, needs_person=True, decided_by=""
        )
        after = disposed(judged(payment, seen, self.now), waiting)
        return Booking(payment, after, decision=Decided(HOLD, reason))


def judged(payment: PaymentRow, verdict: Verdict, now: datetime) -> PaymentRow:
    """The payment with a verdict, standing as it says."""
    message = payment_pb2.Payment()
    message.CopyFrom(payment.message)
    message.verdict.CopyFrom(verdict_message(verdict, payment.standing.currency, now))
    message.flags[:] = verdict.flags
    status = PaymentStatus(verdict.status)
    disposition = Disposition(status, 0, status in _FOR_A_PERSON, "")
    return disposed(replace(payment, message=message), disposition)


async def _prepare(
    connection: Connection, tenant: UUID, payments: Iterable[PaymentRow]
) -> _Deciding:
    in_order = sorted(payments, key=lambda each: (each.receive_time, each.id))
    opened = [each for each in in_order if decidable(each)]
    paying = [each for each in in_order if each.standing.given and not each.disposition.hold]
    rules = rules_of(await current_rules(connection, tenant))
    incoming = await incoming_payments(connection, tenant, [*opened, *paying])
    keys = {each.id: payment_keys(incoming[each.id], rules) for each in (*opened, *paying)}
    rekeyed = await put_search_keys(connection, tenant, {each.id: keys[each.id] for each in opened})
    brakes = await read_brakes(connection, tenant, opened)
    candidates = await find_candidates(connection, tenant, keys)
    wanted = {order_id for found in candidates.values() for order_id in found}
    wanted.update(order_id for each in paying for order_id in each.standing.given)
    # A locking read gives the rows as they are once they are locked, not as they were found.
    orders = await lock_orders(connection, tenant, wanted)
    return _Deciding(
        rules=rules,
        brakes=brakes,
        incoming=incoming,
        candidates=candidates,
        orders=orders,
        open=opened,
        paying=paying,
        rekeyed=rekeyed,
        now=datetime.now(UTC),
    )


async def incoming_payments(
    connection: Connection, tenant: UUID, payments: Collection[PaymentRow]
) -> dict[UUID, Incoming]:
    """Payments as the matcher takes them, with what is known of their payers."""
    accounts = {each.counter_account for each in payments}
    # One more than say anything, so that it shows where there are too many.
    known = await known_customers(connection, tenant, accounts, KNOWN_CUSTOMERS_MAX + 1)
    return {
        each.id: incoming_of(
            each.message,
            known_customers=known.get(each.counter_account, ()),
            never=[str(order_id) for order_id in each.standing.ruled_out],
        )
        for each in payments
    }


async def find_candidates(
    connection: Connection, tenant: UUID, keys: Mapping[UUID, Collection[Key]]
) -> dict[UUID, list[UUID]]:
    """The orders that payments may mean, by their keys; nothing is locked.

    Of each payment at most one more than it may name: beyond that it is
    ambiguous whatever else is found.
    """
    limit = CANDIDATES_MAX + 1
    wanted = {key for owned in keys.values() for key in owned}
    found = await find_orders(connection, tenant, wanted, limit)
    return {
        owner: sorted({order_id for key in owned for order_id in found.get(key, ())})[-limit:]
        for owner, owned in keys.items()
    }


async def _with_suggestions(
    connection: Connection, tenant: UUID, deciding: _Deciding
) -> list[Booking]:
    """What becomes of those that no order got: their verdicts, with what a person may want to do.

    Suggested orders are not locked, as nothing is decided by them.
    """
    left = deciding.left
    keys = {key: suggestion_keys(deciding.incoming[key]) for key in left}
    wanted = {key for owned in keys.values() for key in owned}
    found = await find_orders(connection, tenant, wanted, SUGGESTED_OF_ONE_KEY_MAX)
    ids = {order_id for orders in found.values() for order_id in orders}
    orders = await read_orders(connection, tenant, ids - deciding.current.keys())
    orders |= deciding.current
    bookings = []
    for payment_id, each in left.items():
        near = {order_id for key in keys[payment_id] for order_id in found.get(key, ())}
        near -= {UUID(order.id) for order in each.candidates}
        verdict = each.verdict
        if near:
            further = [orders[order_id].payable for order_id in sorted(near) if order_id in orders]
            incoming = deciding.incoming[payment_id]
            verdict = decide(incoming, [*each.candidates, *further], deciding.rules)
        after = judged(each.payment, verdict, deciding.now)
        if not _same(each.payment, after):
            bookings.append(Booking(each.payment, after))
    return bookings


def _same(before: PaymentRow, after: PaymentRow) -> bool:
    """Whether nothing changed but the time at which it was decided."""
    if before.disposition != after.disposition:
        return False
    message = payment_pb2.Payment()
    message.CopyFrom(after.message)
    message.verdict.decide_time.CopyFrom(before.message.verdict.decide_time)
    return message == before.message


async def _open_rival_task(
    connection: Connection, tenant: UUID, payment: PaymentRow, rivals: Sequence[Payable]
) -> None:
    numbers = ", ".join(order.number for order in rivals)
    matter = (
        f"The payment of {payment.money} of {payment.message.value_date} paid an order by itself; "
        f"{numbers} became known later and would have fitted, too."
    )
    advice = "Look which order the payer meant; unmatch the payment and match it anew if need be."
    await open_payment_task(connection, tenant, RIVAL, payment, matter, advice)
