"""A person lets payments go that wait for a confirmation."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from payments.decisions.confirming import confirm, release
from payments.decisions.effect import Effect, Kind
from payments.decisions.standing import Orders, Standing
from payments.decisions.undoing import Entry, stands
from payments.evaluating import evaluate
from payments.ledger.booking import Booking, book
from payments.ledger.holds import Hold
from payments.rpc.assembling import no_payment
from payments.rpc.deciding import booking_of, decide, rules_that_hold
from payments.storage.pairs import confirm_sender
from payments.storage.payments import PaymentRow, held_payments, lock_payments, read_payments
from payments.storage.rechecks import note_payments
from payments.storage.turns import begin_matching, take_turns
from spojka.database import Connection
from spojka.errors import Conflict
from spojka.tasks import SPOJKA

RELEASED_MAX: Final = 1_000
"""Other payments of a sender that one confirmation lets go."""


async def confirm_payment(
    connection: Connection, tenant: UUID, actor: str, payment_id: UUID
) -> None:
    """Let a payment go and decide about it at once.

    With the first payment of a sender the sender is confirmed: its others that
    wait for this same reason go, too, and are decided about after the commit.
    Raises NotFound, FailedPrecondition, or Conflict where the payment's reason
    to wait changed at this moment.
    """
    seen = (await read_payments(connection, tenant, [payment_id])).get(payment_id)
    if seen is None:
        raise no_payment(payment_id)
    if seen.disposition.hold == Hold.NEW_SENDER:
        await take_turns(connection, tenant, [seen.connection_id])
        await begin_matching(connection, tenant)
        await _confirm_sender(connection, tenant, actor, seen)
    else:
        await begin_matching(connection, tenant)
        await decide(connection, tenant, actor, payment_id, (), _confirm_alone)
    await evaluate(connection, tenant, [payment_id])


def _confirm_alone(payment: Standing, _orders: Orders, history: Sequence[Entry]) -> Effect | None:
    if payment.disposition.hold == Hold.NEW_SENDER:
        raise _changed()
    if not payment.disposition.hold and stands(history, Kind.CONFIRM):
        return None
    return confirm(payment, sender="", others=0, more=False)


async def _confirm_sender(
    connection: Connection, tenant: UUID, actor: str, seen: PaymentRow
) -> None:
    waiting = await held_payments(
        connection, tenant, seen.connection_id, Hold.NEW_SENDER, seen.origin, RELEASED_MAX + 2
    )
    others = [each for each in waiting if each != seen.id]
    locked = await lock_payments(connection, tenant, [seen.id, *others[:RELEASED_MAX]])
    held = [row for row in locked.values() if _waits_for(row, seen)]
    payment = locked[seen.id]
    if payment not in held:
        raise _changed()
    effect = confirm(
        payment.standing,
        sender=str(payment.origin),
        others=len(held) - 1,
        more=len(others) > RELEASED_MAX,
    )
    rules = await rules_that_hold(connection, tenant)
    let_go = [row for row in held if row.id != payment.id]
    booking = booking_of(payment, effect, {}, actor, released=frozenset(row.id for row in let_go))
    assert booking.decision is not None
    cause = booking.decision.id
    releases = [_release(row, actor, cause) for row in let_go]
    await book(connection, tenant, [booking, *releases], {}, rules)
    if payment.origin.address_id is not None:
        await confirm_sender(connection, tenant, payment.origin, cause)
    await note_payments(connection, tenant, [row.id for row in let_go])


def _release(row: PaymentRow, actor: str, cause: UUID) -> Booking:
    effect = release(row.standing, sender=str(row.origin), actor=actor)
    return booking_of(row, effect, {}, SPOJKA, cause=cause)


def _waits_for(row: PaymentRow, seen: PaymentRow) -> bool:
    return row.disposition.hold == Hold.NEW_SENDER and row.origin == seen.origin


def _changed() -> Conflict:
    return Conflict("what the payment waits for changed at this moment; look at it again")
