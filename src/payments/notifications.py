"""Movements that banks' mails tell of: each becomes one payment, whatever tells of it.

One connection's notifications are taken one after another (a lock that lasts as
long as the transaction), so that two tellings of one movement always meet.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from payments.candidates import ask_customers
from payments.evaluating import evaluate_locked
from payments.ledger.admitting import admitted, hold_of, taken_back, told_again
from payments.ledger.automation import decidable
from payments.ledger.booking import Booking, Decided, book
from payments.ledger.holds import Hold
from payments.ledger.recognising import KnownMovements, Movement, recognise
from payments.ledger.tasks import CONTRADICTED, REVERSAL, open_payment_task
from payments.matching.values import Rules
from payments.messages.matching import rules_of
from payments.messages.notice import Notice, notice_of
from payments.rules.storage import ask_rules
from payments.storage.lines import ask_confirmed_by_person
from payments.storage.orders import read_orders
from payments.storage.origin import Origin
from payments.storage.pairs import ask_confirmed_senders
from payments.storage.payments import PaymentRow, lock_payments
from payments.storage.similar import ask_similar_movements, payments_taken_back
from payments.storage.sources import Told, add_sources, ask_known_sources
from payments.storage.turns import begin_matching, take_turns
from spojka.api.mail.v1 import events_pb2
from spojka.api.payments.v1 import payment_pb2
from spojka.asking import together
from spojka.database import Connection
from spojka.delivery.failures import PoisonError
from spojka.delivery.handler import ReceivedEvent
from spojka.outbox import new_id

TYPES: Final = frozenset({events_pb2.PaymentNotified.DESCRIPTOR.full_name})


class NotificationEvents:
    """Handles PaymentNotified of `spojka.notifications.v1`: facts, each handled once."""

    async def handle(
        self, connection: Connection, tenant: UUID, events: Sequence[ReceivedEvent]
    ) -> None:
        """Take each notification. Raises PoisonError on one that can't be read."""
        await take_notices(connection, tenant, [_notice(event) for event in events])


def _notice(event: ReceivedEvent) -> Notice:
    try:
        return notice_of(event.parse(events_pb2.PaymentNotified))
    except ValueError as error:
        raise PoisonError(f"{event.type}: {error}") from error


@dataclass(slots=True)
class _Taking:
    """Notices on their way: what is new, what is told again, and what may be one and the same."""

    confirmed: set[Origin]
    known: Mapping[Told, UUID]
    movements: defaultdict[UUID, KnownMovements]
    new: dict[UUID, PaymentRow] = field(default_factory=dict)
    again: list[tuple[UUID, Notice]] = field(default_factory=list)
    twins: list[tuple[UUID, UUID]] = field(default_factory=list)
    """A known payment, and the new one that may be the same."""
    reversals: list[tuple[UUID, Notice]] = field(default_factory=list)
    sources: dict[Told, UUID] = field(default_factory=dict)

    def take(self, notice: Notice) -> None:
        """Recognise one notice among all that is known so far."""
        payment_id = new_id()
        movement = _movement(notice, payment_id)
        known = self.sources.get(notice.told) or self.known.get(notice.told)
        recognised = recognise(movement, self.movements[notice.connection_id])
        same = known or recognised.same
        if same is not None:
            self.sources[notice.told] = same
            self.again.append((same, notice))
            return
        twins = () if notice.recorded_only else recognised.twins
        hold = self.hold(notice, twins=bool(twins))
        self.new[payment_id] = admitted(notice, payment_id, hold, twins)
        self.sources[notice.told] = payment_id
        self.movements[notice.connection_id].add(movement)
        self.twins += [(twin, payment_id) for twin in twins]
        if notice.reversal:
            self.reversals.append((payment_id, notice))

    @property
    def touches(self) -> bool:
        """Whether payments that are known already are told of again, or may be."""
        return bool(self.again or self.twins or self.reversals)

    def hold(self, notice: Notice, *, twins: bool = False) -> Hold:
        """Why a notice's payment waits."""
        return hold_of(notice, sender_confirmed=notice.origin in self.confirmed, twins=twins)


async def take_notices(connection: Connection, tenant: UUID, notices: Sequence[Notice]) -> None:
    """Make payments of movements, tell of each new one once, and decide about them.

    A movement that is known gains a source, and where the new mail is better
    proven, what that one says. Nothing is ever un-paid by a mail.
    """
    async with together(connection):
        await take_turns(connection, tenant, {each.connection_id for each in notices})
        await begin_matching(connection, tenant)
        asked_rules = await ask_rules(connection, tenant)
        accounts = {each.movement.counter_account for each in notices}
        customers = await ask_customers(connection, tenant, accounts)
        taking = await _begun(connection, tenant, notices)
        rules = rules_of(await asked_rules)
        for notice in notices:
            taking.take(notice)
        new, touched = list(taking.new.values()), []
        if taking.touches:
            # Of these some may be new themselves: all are stored first.
            await book(connection, tenant, [], {}, rules, received=new)
            rows = taking.new | await _touch(connection, tenant, taking, rules)
            new, touched = [], [row for row in rows.values() if decidable(row)]
        await add_sources(connection, tenant, taking.sources)
        await evaluate_locked(connection, tenant, touched, rules, await customers, received=new)


async def _begun(connection: Connection, tenant: UUID, notices: Sequence[Notice]) -> _Taking:
    """What is known of movements like these."""
    origins = {each.origin for each in notices}
    confirmed = await ask_confirmed_senders(connection, tenant, origins)
    known = await ask_known_sources(connection, tenant, [each.told for each in notices])
    similar = await ask_similar_movements(connection, tenant, notices)
    movements = defaultdict(KnownMovements, await similar)
    return _Taking(await confirmed, await known, movements)


async def _touch(
    connection: Connection, tenant: UUID, taking: _Taking, rules: Rules
) -> dict[UUID, PaymentRow]:
    """Write what the notices make of payments that were known; returns those payments."""
    reversed_by = {
        payment_id: await payments_taken_back(connection, tenant, payment_id, notice)
        for payment_id, notice in taking.reversals
    }
    ids = {payment_id for payment_id, _ in taking.again}
    ids |= {payment_id for payment_id, _ in taking.twins}
    ids |= {earlier for found in reversed_by.values() for earlier in found}
    before = await lock_payments(connection, tenant, ids)
    by_person = await (await ask_confirmed_by_person(connection, tenant, ids))
    after = dict(before)
    decisions: dict[UUID, Decided] = {}
    contradicted: set[UUID] = set()
    for payment_id, notice in taking.again:
        hold = Hold.NONE if payment_id in by_person else taking.hold(notice)
        told = told_again(after[payment_id], notice, hold)
        after[payment_id] = told.payment
        decisions |= {payment_id: told.decision} if told.decision is not None else {}
        contradicted |= {payment_id} if told.contradicted else set()
    for payment_id, twin_id in taking.twins:
        after[payment_id] = _pointed(after[payment_id], twin_id)
    for payment_id, found in reversed_by.items():
        for earlier_id in found:
            told = taken_back(after[earlier_id], taking.new[payment_id].message.value_date)
            after[earlier_id] = told.payment
            if told.decision is not None:
                decisions[earlier_id] = _after(decisions.get(earlier_id), told.decision)
    bookings = [
        Booking(before[key], row, decision=decisions.get(key))
        for key, row in sorted(after.items())
        if row != before[key]
    ]
    booked = await book(connection, tenant, bookings, {}, rules)
    for payment_id in sorted(contradicted):
        await _tell_contradiction(connection, tenant, after[payment_id])
    for payment_id, found in reversed_by.items():
        earlier = [after[key] for key in found]
        await _tell_reversal(connection, tenant, taking.new[payment_id], earlier)
    return dict(booked.payments)


def _movement(notice: Notice, payment_id: UUID) -> Movement:
    movement = notice.movement
    return Movement(
        id=payment_id,
        own_account=movement.own_account,
        incoming=movement.incoming,
        amount=notice.amount,
        currency=movement.amount.currency,
        reference=movement.reference,
        likeness=notice.likeness,
        balance=notice.balance,
    )


def _after(earlier: Decided | None, decision: Decided) -> Decided:
    """One decision of two that the same notices bring."""
    if earlier is None:
        return decision
    return replace(decision, summary=f"{earlier.summary} {decision.summary}")


def _pointed(payment: PaymentRow, twin_id: UUID) -> PaymentRow:
    message = payment_pb2.Payment()
    message.CopyFrom(payment.message)
    message.twin_ids.append(str(twin_id))
    return replace(payment, message=message)


async def _tell_contradiction(connection: Connection, tenant: UUID, payment: PaymentRow) -> None:
    matter = (
        f"The bank now proves the payment of {payment.money} of {payment.message.value_date}, "
        "about which a person decided while it was not proven."
    )
    advice = "Read the newer mail; undo the decision where it was wrong."
    await open_payment_task(connection, tenant, CONTRADICTED, payment, matter, advice)


async def _tell_reversal(
    connection: Connection, tenant: UUID, reversal: PaymentRow, earlier: Sequence[PaymentRow]
) -> None:
    paid = {order_id for payment in earlier for order_id in payment.standing.given}
    orders = await read_orders(connection, tenant, paid)
    numbers = sorted(order.payable.number for order in orders.values())
    found = ", ".join(f"{each.money} of {each.message.value_date}" for each in earlier)
    matter = f"A mail says that the bank took back {reversal.money}. " + (
        f"It may be the payment of {found}." if found else "No payment of this amount was found."
    )
    if numbers:
        matter += f" It paid order {', '.join(numbers)}."
    advice = (
        "Look at the account's statement; where the money is gone, unmatch the payment and discard "
        "it, where it is there, confirm what waits. No order lost anything by itself."
    )
    await open_payment_task(connection, tenant, REVERSAL, reversal, matter, advice)
