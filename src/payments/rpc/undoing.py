"""A person takes back the last decision on a payment, with all that came of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from payments.decisions.effect import Effect, Kind
from payments.decisions.memory import Memory, decode
from payments.decisions.standing import Orders
from payments.decisions.undoing import (
    REOPENED,
    Entry,
    last_standing,
    require_undoable,
    require_untouched,
    undo,
)
from payments.ledger.booking import Booking, Decided, disposed
from payments.ledger.flags import told_flags
from payments.rpc.assembling import no_payment
from payments.rpc.deciding import entry_of, rules_that_hold, standings, write
from payments.storage.lines import DecisionRow, read_decisions
from payments.storage.orders import lock_orders
from payments.storage.pairs import forget_sender
from payments.storage.payments import PaymentRow, lock_payments
from spojka.api.payments.v1.payment_pb2 import Payment
from spojka.database import Connection
from spojka.errors import Conflict

Histories = Mapping[UUID, Sequence[DecisionRow]]


async def undo_decision(connection: Connection, tenant: UUID, actor: str, payment_id: UUID) -> None:
    """Put a payment back as it stood before the last decision of a person that stands.

    With the confirmation of a sender, the payments that it let go wait again.
    Raises NotFound, FailedPrecondition where something stands in the way, or
    Conflict where somebody decided at this moment.
    """
    seen = await read_decisions(connection, tenant, [payment_id])
    let_go = _released(seen.get(payment_id, ()))
    payments = await lock_payments(connection, tenant, {payment_id, *let_go})
    payment = payments.get(payment_id)
    if payment is None:
        raise no_payment(payment_id)
    named = {line.order_id for row in payments.values() for line in row.standing.lines}
    orders = await lock_orders(connection, tenant, [each for each in named if each is not None])
    rules = await rules_that_hold(connection, tenant)
    around = standings(orders, rules)
    histories = await read_decisions(connection, tenant, payments)
    history = histories.get(payment_id, [])
    entry = require_undoable([entry_of(row) for row in history])
    memory = _memory(history, entry.id)
    if memory.released != let_go:
        raise Conflict("somebody else decided at this moment; look at the payment again")
    effect = undo(payment.standing, entry, memory, around)
    others = [
        _held_again(payments[each], histories[each], entry.id, around, actor)
        for each in sorted(let_go)
    ]
    booking = _booking(payment, effect, memory, actor, entry)
    await forget_sender(connection, tenant, entry.id)
    await write(connection, tenant, booking, effect, orders, rules, others)


def _released(history: Sequence[DecisionRow]) -> Collection[UUID]:
    entry = last_standing([entry_of(row) for row in history])
    return _memory(history, entry.id).released if entry is not None else frozenset()


def _memory(history: Sequence[DecisionRow], decision_id: UUID) -> Memory:
    return decode(next(row.before for row in history if row.id == decision_id))


def _held_again(
    payment: PaymentRow, history: Sequence[DecisionRow], cause: UUID, orders: Orders, actor: str
) -> Booking:
    """A payment that a confirmation let go waits again, and pays nothing."""
    released, memory = next(
        (row, memory)
        for row in history
        if row.kind == Kind.RELEASE and row.before and (memory := decode(row.before)).cause == cause
    )
    release = entry_of(released)
    named = f"the payment of {payment.money} of {payment.message.value_date}"
    require_untouched([entry_of(row) for row in history], release, f"{named} ({payment.id})")
    effect = undo(payment.standing, release, memory, orders)
    return _booking(payment, effect, memory, actor, release)


def _booking(
    payment: PaymentRow, effect: Effect, memory: Memory, actor: str, entry: Entry
) -> Booking:
    after = payment
    if entry.kind in REOPENED:
        message = Payment()
        message.CopyFrom(payment.message)
        message.ClearField("verdict")
        message.ClearField("flags")
        message.MergeFromString(memory.explanation)
        told = told_flags(payment.message.flags)
        message.flags.extend(flag for flag in told if flag not in message.flags)
        after = replace(payment, message=message)
    decision = Decided(effect.kind, effect.summary, actor, undoes_id=entry.id)
    return Booking(payment, disposed(after, effect.after), effect.lines, decision)
