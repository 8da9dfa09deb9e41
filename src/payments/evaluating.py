"""The one place where automation decides which orders payments pay.

Used where payments become known, where something changed that concerns them,
and after a person let them go. Locks are taken in the order of the house:
matching, payments, the connections' brakes, orders.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from payments.candidates import (
    Customers,
    ask_customers,
    find_candidates,
    find_suggested,
    incoming_payments,
)
from payments.ledger.automation import Deciding, decidable, reconsidered
from payments.ledger.booking import Booked, Booking, book
from payments.ledger.brakes import Brakes, ask_paid
from payments.ledger.tasks import RIVAL, open_payment_task
from payments.matching.keys import payment_keys
from payments.matching.values import Payable, Rules
from payments.messages.matching import rules_of
from payments.rules.storage import ask_rules
from payments.storage.keys import add_search_keys, put_search_keys
from payments.storage.lines import ask_confirmed_by_person
from payments.storage.orders import ask_locked_orders, read_orders
from payments.storage.payments import PaymentRow, lock_payments
from payments.storage.rechecks import note_payments
from payments.storage.turns import begin_matching
from spojka.asking import together
from spojka.database import Connection

PAYMENTS_AT_ONCE_MAX: Final = 500
"""Payments that one transaction should decide about."""


async def evaluate(connection: Connection, tenant: UUID, payment_ids: Collection[UUID]) -> Booked:
    """Decide about payments that are stored, as `evaluate_locked` does."""
    async with together(connection):
        await begin_matching(connection, tenant)
        asked_rules = await ask_rules(connection, tenant)
        payments = list((await lock_payments(connection, tenant, payment_ids)).values())
        accounts = {each.counter_account for each in payments}
        customers = await (await ask_customers(connection, tenant, accounts))
        rules = rules_of(await asked_rules)
        return await evaluate_locked(connection, tenant, payments, rules, customers)


async def evaluate_locked(
    connection: Connection,
    tenant: UUID,
    payments: Sequence[PaymentRow],
    rules: Rules,
    customers: Customers,
    received: Sequence[PaymentRow] = (),
) -> Booked:
    """Decide about locked payments in the order in which they came; returns what was written.

    `received` are new ones, not stored yet: they are, with whatever is decided.
    Those that automation may not decide about stay as they are; of those that
    pay orders already only the name of their state and their flags may change.
    Each sees what the ones before it took, so that no order is paid twice.
    Matching must have begun (`begin_matching`) before the rules were read.
    Nudge the relay and the recheck after the commit.
    """
    deciding = await _prepare(connection, tenant, [*payments, *received], rules, customers)
    bookings = deciding.decide_all()
    bookings += await _with_suggestions(connection, tenant, deciding)
    bookings += deciding.refresh_all()
    new = {each.id for each in received}
    async with together(connection):
        keys = deciding.keys
        known_keys = {each.id: keys[each.id] for each in deciding.open if each.id not in new}
        await put_search_keys(connection, tenant, known_keys)
        await add_search_keys(connection, tenant, {key: keys[key] for key in new & keys.keys()})
        booked = await book(connection, tenant, bookings, deciding.orders, rules, received)
        await note_payments(connection, tenant, deciding.overtaken())
        for payment, rivals in deciding.rivals:
            await _open_rival_task(connection, tenant, payment, rivals)
    return booked


async def _prepare(
    connection: Connection,
    tenant: UUID,
    payments: Collection[PaymentRow],
    rules: Rules,
    customers: Customers,
) -> Deciding:
    in_order = sorted(payments, key=lambda each: (each.receive_time, each.id))
    opened = [each for each in in_order if decidable(each)]
    paying = [each for each in in_order if each.standing.given and not each.disposition.hold]
    incoming = incoming_payments([*opened, *paying], customers)
    keys = {key: payment_keys(each, rules) for key, each in incoming.items()}
    candidates = await find_candidates(connection, tenant, keys)
    wanted = {order_id for found in candidates.values() for order_id in found}
    wanted.update(order_id for each in paying for order_id in each.standing.given)
    async with together(connection):
        paid = await ask_paid(connection, tenant, opened)
        confirmed = await ask_confirmed_by_person(connection, tenant, [each.id for each in opened])
        # A locking read gives the rows as they are once they are locked, not as they were found.
        orders = await ask_locked_orders(connection, tenant, wanted)
    return Deciding(
        rules=rules,
        brakes=Brakes(await paid, await confirmed),
        incoming=incoming,
        keys=keys,
        candidates=candidates,
        orders=await orders,
        open=opened,
        paying=paying,
        now=datetime.now(UTC),
    )


async def _with_suggestions(
    connection: Connection, tenant: UUID, deciding: Deciding
) -> list[Booking]:
    """What becomes of those that no order got: their verdicts, with what a person may want to do.

    Suggested orders are not locked, as nothing is decided by them.
    """
    left = deciding.left
    if not left:
        return []
    found = await find_suggested(connection, tenant, {key: deciding.incoming[key] for key in left})
    ids = {order_id for orders in found.values() for order_id in orders}
    orders = await read_orders(connection, tenant, ids - deciding.current.keys())
    orders |= deciding.current
    bookings = []
    for payment_id, each in left.items():
        near = found[payment_id] - {UUID(order.id) for order in each.candidates}
        further = [orders[order_id].payable for order_id in sorted(near) if order_id in orders]
        booking = reconsidered(each, further, deciding)
        bookings += [booking] if booking is not None else []
    return bookings


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
