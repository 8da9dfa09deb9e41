"""A person's decision on one payment: locked first, decided after, written together."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from payments.decisions.effect import Effect, Kind
from payments.decisions.memory import encode, remember
from payments.decisions.standing import Orders, Standing
from payments.decisions.undoing import Entry
from payments.ledger.admitting import kept_back
from payments.ledger.booking import Booking, Decided, book, disposed
from payments.matching.values import PaymentStatus, Rules
from payments.messages.matching import rules_of
from payments.rpc.assembling import no_payment
from payments.rules.storage import current_rules
from payments.storage.lines import DecisionRow, read_decisions
from payments.storage.orders import OrderRow, lock_orders
from payments.storage.pairs import allow, rule_out
from payments.storage.payments import PaymentRow, lock_payments
from payments.storage.rechecks import note_payments
from spojka.api.payments.v1.payment_pb2 import Payment
from spojka.database import Connection
from spojka.values import ZERO

Step = Callable[[Standing, Orders, Sequence[Entry]], Effect | None]
"""A decision about a locked payment, locked orders and the payment's history, oldest first.

None where it stands already."""


async def decide(
    connection: Connection,
    tenant: UUID,
    actor: str,
    payment_id: UUID,
    order_ids: Iterable[UUID],
    step: Step,
) -> None:
    """Take a step of a payment and the orders it names.

    Writes nothing where the same decision stands already. Raises NotFound where
    there is no such payment, and whatever the step raises.
    """
    payments = await lock_payments(connection, tenant, [payment_id])
    payment = payments.get(payment_id)
    if payment is None:
        raise no_payment(payment_id)
    wanted = {*order_ids, *payment.standing.given}
    orders = await lock_orders(connection, tenant, wanted)
    rules = await rules_that_hold(connection, tenant)
    decisions = await read_decisions(connection, tenant, [payment_id])
    history = [entry_of(row) for row in decisions.get(payment_id, ())]
    around = standings(orders, rules)
    effect = step(payment.standing, around, history)
    if effect is not None:
        booking = booking_of(payment, effect, around, actor)
        await write(connection, tenant, booking, effect, orders, rules)


def booking_of(
    payment: PaymentRow,
    effect: Effect,
    orders: Orders,
    actor: str,
    *,
    released: frozenset[UUID] = frozenset(),
    cause: UUID | None = None,
) -> Booking:
    """The booking of a decision, with what undoing it will need; see Memory."""
    told = payment.message
    verdict = told.verdict if told.HasField("verdict") else None
    explanation = Payment(verdict=verdict, flags=told.flags).SerializeToString()
    memory = remember(payment.standing, effect, orders, explanation)
    memory = replace(memory, released=released, cause=cause)
    decision = Decided(effect.kind, effect.summary, actor, encode(memory))
    return Booking(payment, disposed(payment, effect.after), effect.lines, decision)


async def write(
    connection: Connection,
    tenant: UUID,
    booking: Booking,
    effect: Effect,
    orders: Mapping[UUID, OrderRow],
    rules: Rules,
    others: Iterable[Booking] = (),
) -> None:
    """Book a decision, the pairs that it rules out or allows, and what it does to `others`.

    A payment that Spojka may decide about afterwards is noted for another look;
    one that the bank may have taken back waits, unless a person just confirmed it.
    """
    assert booking.decision is not None
    payment_id = booking.before.id
    bookings = [booking, *others]
    if effect.kind is not Kind.CONFIRM:
        bookings = [_kept_back(each) for each in bookings]
    await book(connection, tenant, bookings, orders, rules)
    await rule_out(connection, tenant, payment_id, effect.rules_out, booking.decision.id)
    await allow(connection, tenant, payment_id, effect.allows)
    again = [each for each in bookings if _open(each) or effect.kind is Kind.UNDO]
    await note_payments(connection, tenant, [each.before.id for each in again])


def entry_of(row: DecisionRow) -> Entry:
    """A decision as undoing takes it."""
    return Entry(row.id, row.actor, row.kind, row.summary, row.undoes_id)


async def rules_that_hold(connection: Connection, tenant: UUID) -> Rules:
    """The tenant's rules as the matcher takes them."""
    return rules_of(await current_rules(connection, tenant))


def standings(orders: Mapping[UUID, OrderRow], rules: Rules) -> Orders:
    """Locked orders as decisions take them."""
    return {order_id: row.standing(rules) for order_id, row in orders.items()}


def _kept_back(booking: Booking) -> Booking:
    taken = sum((line.amount for line in booking.lines), ZERO)
    gives = booking.before.standing.unallocated - taken < booking.before.standing.amount
    return replace(booking, after=kept_back(booking.after, gives=gives))


def _open(booking: Booking) -> bool:
    after = booking.after.disposition
    return (
        booking.after.standing.incoming
        and after.needs_person
        and not after.hold
        and not after.decided_by
        and after.status != PaymentStatus.REVERSED
    )
