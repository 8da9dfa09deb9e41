"""What becomes of payments that automation decides about: pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from payments.decisions.effect import NewLine
from payments.decisions.standing import Disposition
from payments.ledger.booking import HOLD, MATCH, Booking, Decided, disposed
from payments.ledger.brakes import Brakes
from payments.ledger.flags import told_flags
from payments.ledger.holds import Hold
from payments.ledger.paid import paid_by
from payments.ledger.refreshing import find_rivals, refreshed, rival_text
from payments.matching.deciding import decide
from payments.matching.keys import Key
from payments.matching.values import OVER, Incoming, Payable, PaymentStatus, Rules, Verdict
from payments.messages.matching import verdict_message
from payments.storage.orders import OrderRow
from payments.storage.payments import PaymentRow
from spojka.api.payments.v1 import payment_pb2
from spojka.values import ZERO

_FOR_A_PERSON: Final = frozenset(
    {
        PaymentStatus.UNMATCHED,
        PaymentStatus.AMBIGUOUS,
        PaymentStatus.OVERPAID,
        PaymentStatus.DUPLICATE,
        PaymentStatus.LATE,
    }
)


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
        and disposition.status not in OVER
        and not payment.standing.live
    )


@dataclass(frozen=True, slots=True)
class Left:
    """A payment that no order got, and the orders that it was decided with."""

    payment: PaymentRow
    verdict: Verdict
    candidates: Sequence[Payable]


@dataclass(slots=True)
class Deciding:
    """Payments under lock, the orders that they may mean, and what came of them so far."""

    rules: Rules
    brakes: Brakes
    incoming: Mapping[UUID, Incoming]
    keys: Mapping[UUID, Collection[Key]]
    """What each looks for."""
    candidates: Mapping[UUID, Sequence[UUID]]
    orders: Mapping[UUID, OrderRow]
    open: Sequence[PaymentRow]
    paying: Sequence[PaymentRow]
    now: datetime
    current: dict[UUID, OrderRow] = field(default_factory=dict)
    """The orders as the payments decided so far leave them."""
    left: dict[UUID, Left] = field(default_factory=dict)
    """Those that no order got."""
    rivals: list[tuple[PaymentRow, list[Payable]]] = field(default_factory=list)

    def decide_all(self) -> list[Booking]:
        """Decide about the open ones; those that no order got are kept in `left`."""
        self.current = {
            key: paid_by(row, ZERO, self.rules, self.now) for key, row in self.orders.items()
        }
        bookings = []
        for payment in self.open:
            found = [self.current[key].payable for key in self.candidates[payment.id]]
            verdict = decide(self.incoming[payment.id], found, self.rules)
            if not verdict.allotments:
                self.left[payment.id] = Left(payment, verdict, found)
            elif self.brakes.hold_back(payment):
                bookings.append(self._held_back(payment, verdict))
            else:
                self.brakes.count(payment)
                bookings.append(self._taken(payment, verdict))
        return bookings

    def overtaken(self) -> set[UUID]:
        """Those that no order got and that were decided before a later one took an order of theirs.

        To be looked at again: now the same orders may say something else of them.
        """
        return {
            key
            for key, left in self.left.items()
            if any(self.current[UUID(each.id)].payable != each for each in left.candidates)
        }

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


def reconsidered(left: Left, further: Sequence[Payable], deciding: Deciding) -> Booking | None:
    """A payment that no order got, with what a person may want to do; None where nothing is new.

    `further` are orders that it does not name and that a person may want to see.
    """
    payment, verdict = left.payment, left.verdict
    if further:
        incoming = deciding.incoming[payment.id]
        verdict = decide(incoming, [*left.candidates, *further], deciding.rules)
    after = judged(payment, verdict, deciding.now)
    return None if _same(payment, after) else Booking(payment, after)


def judged(payment: PaymentRow, verdict: Verdict, now: datetime) -> PaymentRow:
    """The payment with a verdict, standing as it says."""
    message = payment_pb2.Payment()
    message.CopyFrom(payment.message)
    message.verdict.CopyFrom(verdict_message(verdict, payment.standing.currency, now))
    message.flags[:] = [*verdict.flags, *told_flags(payment.message.flags)]
    status = PaymentStatus(verdict.status)
    disposition = Disposition(status, 0, status in _FOR_A_PERSON, "")
    return disposed(replace(payment, message=message), disposition)


def _same(before: PaymentRow, after: PaymentRow) -> bool:
    """Whether nothing changed but the time at which it was decided."""
    if before.disposition != after.disposition:
        return False
    message = payment_pb2.Payment()
    message.CopyFrom(after.message)
    message.verdict.decide_time.CopyFrom(before.message.verdict.decide_time)
    return message == before.message
