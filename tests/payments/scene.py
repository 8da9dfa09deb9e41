"""A merchant's money as events bring it, and what must hold whatever happened."""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from google.protobuf.message import Message

from payments.decisions.matching import Share, match, unmatch
from payments.ledger.booking import Booking, Decided, book, disposed
from payments.messages.matching import rules_of
from payments.notifications import NotificationEvents
from payments.order_events import OrderEvents
from payments.recheck import Rechecking
from payments.rules.changing import change_rules
from payments.rules.storage import current_rules
from payments.storage.orders import OrderRow, lock_orders, read_orders
from payments.storage.origin import Origin
from payments.storage.pairs import confirm_sender
from payments.storage.payments import lock_payments
from payments.storage.reading import read_messages
from spojka.api.common.v1.money_pb2 import Money
from spojka.api.mail.v1 import events_pb2 as mail
from spojka.api.orders.v1 import events_pb2 as order_events
from spojka.api.orders.v1 import order_pb2
from spojka.api.payments.v1 import events_pb2, payment_pb2
from spojka.api.payments.v1.payment_service_pb2 import MatchingRules
from spojka.database import Database
from spojka.delivery import inbox
from spojka.delivery.health import Health
from spojka.errors import FailedPrecondition
from spojka.outbox import new_id
from tests.received import received

PERSON = "jana"
DAY = datetime(2026, 11, 2, 8, tzinfo=UTC)
OWN_ACCOUNT = "CZ6508000000192000145399"
PAYER = "2000145399/0800"

_TOLD: Mapping[str, type[Message]] = {
    each.DESCRIPTOR.full_name: each
    for each in (
        events_pb2.PaymentReceived,
        events_pb2.PaymentMatched,
        events_pb2.PaymentReversed,
        events_pb2.OrderPaymentChanged,
    )
}


@dataclass
class Scene:
    """One tenant: what the order book and the banks' mails tell, and what comes of it."""

    database: Database
    tenant: UUID
    origin: Origin = field(default_factory=lambda: Origin(uuid4(), "fio", "fio.cz"))
    connection_id: UUID = field(default_factory=uuid4)
    _clock: datetime = DAY

    async def confirm_sender(self) -> None:
        async with self.database.transaction(self.tenant) as connection:
            await confirm_sender(connection, self.tenant, self.origin, new_id())

    # --- what is told ------------------------------------------------------------------------

    def order(self, number: str = "2026001", total: str = "100", **fields: Any) -> order_pb2.Order:
        """An order as the order book tells it first; its symbol is its number."""
        order = order_pb2.Order(
            id=str(new_id()),
            channel_id="eshop",
            channel_order_id=number,
            number=number,
            currency="CZK",
            total=total,
            payment_method=order_pb2.PAYMENT_METHOD_BANK_TRANSFER,
            customer=order_pb2.Customer(email=f"{number}@example.com"),
            references=order_pb2.OrderReferences(variable_symbol=number),
            revision=1,
            payment_state=order_pb2.PAYMENT_STATE_UNPAID,
            fulfilment_state=order_pb2.FULFILMENT_STATE_OPEN,
        )
        order.order_time.FromDatetime(DAY - timedelta(days=3))
        order.update_time.FromDatetime(DAY - timedelta(days=3))
        order.MergeFrom(order_pb2.Order(**fields))
        return order

    def notice(
        self, vs: str = "2026001", amount: str = "100", **fields: Any
    ) -> mail.PaymentNotified:
        """A trusted mail about an incoming payment; a new reference each time."""
        self._clock += timedelta(seconds=1)
        told = mail.NotifiedPayment(
            incoming=True,
            amount=Money(currency="CZK", amount=amount),
            value_date="2026-11-02",
            own_account=OWN_ACCOUNT,
            counter_account=PAYER,
            counterparty_name="Jan Novák",
            variable_symbol=vs,
            bank_reference=str(new_id().int)[-12:],
            kind=mail.NOTIFICATION_KIND_INCOMING_PAYMENT,
            variable_symbol_source=mail.SYMBOL_SOURCE_FIELD,
        )
        if currency := fields.pop("currency", ""):
            told.amount.currency = currency
        own = {name for name in fields if name in mail.NotifiedPayment.DESCRIPTOR.fields_by_name}
        for name in own:
            value = fields.pop(name)
            if isinstance(value, Message):
                getattr(told, name).CopyFrom(value)
            else:
                setattr(told, name, value)
        message = mail.PaymentNotified(
            tenant_id=str(self.tenant),
            bank_connection_id=str(self.connection_id),
            mail_id=str(new_id()),
            bank=self.origin.bank,
            trust=mail.TRUST_TRUSTED,
            trust_reason="SPF and DKIM of the bank",
            payment=told,
            action=mail.NOTIFICATION_ACTION_MATCH,
            address_id=str(self.origin.address_id),
            sender_domain=self.origin.sender_domain,
            template="fio_cz.prose.1",
        )
        message.receive_time.FromDatetime(self._clock)
        for name, value in fields.items():
            setattr(message, name, value)
        return message

    async def tell_orders(self, *orders: order_pb2.Order) -> None:
        """Hand orders to the consumer in one batch, then look again at what they concern."""
        await self.tell_orders_only(*orders)
        await self.recheck()

    async def tell_orders_only(self, *orders: order_pb2.Order) -> None:
        async with self.orders_handled(*orders):
            pass

    @asynccontextmanager
    async def orders_handled(self, *orders: order_pb2.Order) -> AsyncIterator[None]:
        """Hand orders to the consumer; the transaction is committed at the end."""
        events = []
        for order in orders:
            placed = order_events.OrderPlaced(tenant_id=str(self.tenant), order=order)
            events.append(received(self.tenant, placed))
        async with self.database.transaction(self.tenant) as connection:
            await OrderEvents().handle(connection, self.tenant, events)
            yield

    async def place(self, number: str = "2026001", total: str = "100", **fields: Any) -> UUID:
        order = self.order(number, total, **fields)
        await self.tell_orders(order)
        return UUID(order.id)

    async def tell(self, *notices: mail.PaymentNotified) -> None:
        """Hand notifications to the consumer in one batch, then look again at what is left."""
        await self.tell_only(*notices)
        await self.recheck()

    async def tell_only(
        self, *notices: mail.PaymentNotified, event_ids: Sequence[UUID] = ()
    ) -> None:
        async with self.notices_handled(*notices, event_ids=event_ids):
            pass

    @asynccontextmanager
    async def notices_handled(
        self, *notices: mail.PaymentNotified, event_ids: Sequence[UUID] = ()
    ) -> AsyncIterator[None]:
        """As the consumer does: an inbox row first, the handler then; committed at the end."""
        ids = event_ids or [new_id() for _ in notices]
        events = [received(self.tenant, each, key) for each, key in zip(notices, ids, strict=True)]
        async with self.database.transaction(self.tenant) as connection:
            new = await inbox.remember(connection, "payments", events)
            if new:
                await NotificationEvents().handle(connection, self.tenant, new)
            yield

    async def pay(self, vs: str = "2026001", amount: str = "100", **fields: Any) -> UUID:
        """A notification that makes a payment; returns its id."""
        notice = self.notice(vs, amount, **fields)
        await self.tell(notice)
        return await self.told_by(notice)

    async def recheck(self) -> None:
        health = Health()
        await Rechecking(self.database, health, lambda: None).drain()
        assert not await self.rows("SELECT 1 FROM recheck WHERE tenant_id = %s AND attempts > 0")

    async def set_rules(self, rules: MatchingRules) -> None:
        """Other rules, as the call sets them."""
        async with self.database.transaction(self.tenant) as connection:
            await change_rules(connection, self.tenant, PERSON, rules)

    # --- what a person does (the RPCs do the same with more ceremony) -------------------------

    async def match(self, payment_id: UUID, order_id: UUID, amount: str | None = None) -> bool:
        """Give a payment to an order; False where it is refused."""
        return await self._decide(payment_id, order_id, amount)

    async def unmatch(self, payment_id: UUID) -> bool:
        return await self._decide(payment_id, None, None)

    async def _decide(self, payment_id: UUID, order_id: UUID | None, amount: str | None) -> bool:
        async with self.database.transaction(self.tenant) as connection:
            payment = (await lock_payments(connection, self.tenant, [payment_id]))[payment_id]
            wanted = {*payment.standing.given, *([order_id] if order_id else [])}
            orders = await lock_orders(connection, self.tenant, wanted)
            rules = rules_of(await current_rules(connection, self.tenant))
            standings = {key: row.standing(rules) for key, row in orders.items()}
            try:
                if order_id is None:
                    effect = unmatch(payment.standing, standings, PERSON)
                else:
                    share = Share(order_id, Decimal(amount) if amount else None)
                    effect = match(payment.standing, [share], standings, PERSON)
            except FailedPrecondition:
                return False
            decided = Decided(effect.kind, effect.summary, PERSON)
            after = disposed(payment, effect.after)
            booking = Booking(payment, after, effect.lines, decided)
            await book(connection, self.tenant, [booking], orders, rules)
            return True

    # --- what there is -----------------------------------------------------------------------

    async def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """The tenant's rows; the first parameter of the statement is the tenant."""
        async with self.database.transaction(self.tenant) as connection:
            cursor = await connection.execute(statement.encode(), [self.tenant, *values])
            return await cursor.fetchall()

    async def rows_changed(self, statement: str, *values: object) -> None:
        """Change the tenant's rows behind the code's back."""
        async with self.database.transaction(self.tenant) as connection:
            await connection.execute(statement.encode(), [self.tenant, *values])

    async def told_by(self, notice: mail.PaymentNotified) -> UUID:
        """The payment that a mail told of."""
        found = await self.rows(
            "SELECT payment_id FROM payment_source"
            " WHERE tenant_id = %s AND mail_id = %s AND movement = %s",
            UUID(notice.mail_id),
            notice.movement,
        )
        ((payment_id,),) = found
        assert isinstance(payment_id, UUID)
        return payment_id

    async def payment(self, payment_id: UUID) -> payment_pb2.Payment:
        async with self.database.transaction(self.tenant) as connection:
            return (await read_messages(connection, self.tenant, [payment_id]))[payment_id]

    async def payments(self) -> list[payment_pb2.Payment]:
        """All payments, oldest first."""
        ids = [row[0] for row in await self.rows("SELECT id FROM payment WHERE tenant_id = %s")]
        async with self.database.transaction(self.tenant) as connection:
            found = await read_messages(connection, self.tenant, ids)
        return [found[key] for key in sorted(found)]

    async def order_row(self, order_id: UUID) -> OrderRow:
        async with self.database.transaction(self.tenant) as connection:
            return (await read_orders(connection, self.tenant, [order_id]))[order_id]

    async def paid(self, order_id: UUID) -> Decimal:
        return (await self.order_row(order_id)).payable.paid

    async def tasks(self) -> set[tuple[str, str]]:
        """Open tasks: kind and subject."""
        return set(
            await self.rows(
                "SELECT kind, subject FROM task WHERE tenant_id = %s AND resolve_time IS NULL"
            )
        )

    async def told(self, type_: type[Message] | None = None) -> list[Message]:
        """The tenant's events as they stand in the outbox that no relay drains here."""
        async with self.database.autocommit() as connection:
            cursor = await connection.execute(
                "SELECT type, value FROM outbox WHERE key LIKE %s ORDER BY number",
                [f"{self.tenant}/%"],
            )
            found = [_TOLD[type_].FromString(value) for type_, value in await cursor.fetchall()]
        return [each for each in found if type_ is None or isinstance(each, type_)]

    async def told_of(self, order_id: UUID) -> list[events_pb2.OrderPaymentChanged]:
        """What was told to the order book of one order."""
        changed = [
            each
            for each in await self.told(events_pb2.OrderPaymentChanged)
            if isinstance(each, events_pb2.OrderPaymentChanged)
        ]
        return [each for each in changed if each.order_id == str(order_id)]

    # --- what must hold ------------------------------------------------------------------------

    async def check(self) -> None:
        """Money is conserved, and what was told is what is."""
        await self._check_payments()
        await self._check_orders()

    async def _check_payments(self) -> None:
        lines: defaultdict[UUID, Decimal] = defaultdict(Decimal)
        credit: defaultdict[UUID, Decimal] = defaultdict(Decimal)
        for payment_id, order_id, amount in await self.rows(
            "SELECT payment_id, order_id, amount FROM allocation WHERE tenant_id = %s"
        ):
            (credit if order_id is None else lines)[payment_id] += amount
        rows = await self.rows(
            "SELECT id, amount, allocated, credited, hold, status, incoming FROM payment"
            " WHERE tenant_id = %s"
        )
        told = await self.told(events_pb2.PaymentReceived)
        assert sorted(_received_id(each) for each in told) == sorted(row[0] for row in rows)
        for payment_id, amount, allocated, credited, hold, _status, incoming in rows:
            assert allocated == lines[payment_id]
            assert credited == credit[payment_id]
            assert allocated >= 0
            assert credited >= 0
            assert allocated + credited <= amount
            assert not (hold and allocated), "a payment that waits pays nothing"
            assert incoming or not allocated

    async def _check_orders(self) -> None:
        lines: defaultdict[UUID, defaultdict[UUID, Decimal]] = defaultdict(
            lambda: defaultdict(Decimal)
        )
        by_person: set[UUID] = set()
        for order_id, payment_id, amount, actor in await self.rows(
            "SELECT order_id, payment_id, amount, actor FROM allocation"
            " WHERE tenant_id = %s AND order_id IS NOT NULL"
        ):
            lines[order_id][payment_id] += amount
            if actor == PERSON:
                by_person.add(order_id)
        told: defaultdict[str, list[events_pb2.OrderPaymentChanged]] = defaultdict(list)
        for each in await self.told(events_pb2.OrderPaymentChanged):
            assert isinstance(each, events_pb2.OrderPaymentChanged)
            told[each.order_id].append(each)
        for order_id, paid, state, revision in await self.rows(
            "SELECT order_id, paid, payment_state, payment_revision FROM payable"
            " WHERE tenant_id = %s"
        ):
            assert paid == sum(lines[order_id].values())
            revisions = [each.revision for each in told[str(order_id)]]
            assert revisions == list(range(1, len(revisions) + 1))
            assert revision == len(revisions)
            if revisions:
                last = told[str(order_id)][-1]
                assert Decimal(last.amount_paid.amount) == paid
                assert last.payment_state == state
                behind = sorted(str(key) for key, amount in lines[order_id].items() if amount)
                assert list(last.payment_ids) == behind
            else:
                assert paid == 0


def _received_id(message: Message) -> UUID:
    assert isinstance(message, events_pb2.PaymentReceived)
    return UUID(message.payment.id)
