"""A merchant's orders and payments as the service keeps them, filled and looked into by tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from payments.decisions.standing import Disposition, Standing
from payments.evaluating import evaluate
from payments.ledger.holds import Hold
from payments.ledger.tasks import TaskChanges, write_tasks
from payments.matching.values import PaymentStatus
from payments.messages.matching import money_message, payable_of
from payments.order_events import take_orders
from payments.storage.orders import OrderRow
from payments.storage.origin import Origin
from payments.storage.payment_writes import insert_payments
from payments.storage.payments import PaymentRow
from payments.storage.rechecks import claim, forget, note_open_payments, payments_looking_for
from spojka.api.orders.v1 import order_pb2
from spojka.api.payments.v1 import events_pb2, payment_pb2
from spojka.database import Database
from spojka.outbox import new_id
from spojka.values import Money

BANK = Origin(uuid4(), "fio_cz", "fio.cz")
CONNECTION = uuid4()
CLAIMED_MAX = 1000
TABLES = (
    "payable", "payable_key", "payment", "payment_source", "search_key", "allocation", "decision",
    "never_pair", "confirmed_sender", "payer", "matching_rules", "task", "recheck",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Books:
    """What one tenant has."""

    database: Database
    tenant: UUID

    async def order(self, total: str = "1000", **fields: Any) -> order_pb2.Order:
        """Place an order; `vs` is its variable symbol."""
        id_ = new_id()
        order = order_pb2.Order(
            id=str(id_),
            channel_id="eshop-cz",
            channel_order_id=f"A{id_.int % 10**9}",
            number=fields.pop("number", f"A{id_.int % 10**9}"),
            currency="CZK",
            total=total,
            payment_method=order_pb2.PAYMENT_METHOD_BANK_TRANSFER,
            revision=1,
        )
        order.order_time.FromDatetime(datetime.now(UTC) - timedelta(days=3))
        order.references.variable_symbol = fields.pop("vs", "")
        order.customer.email = fields.pop("email", "")
        for name, value in fields.items():
            setattr(order, name, value)
        await self.tell(order)
        return order

    async def cancel(self, order: order_pb2.Order) -> None:
        order.fulfilment_state = order_pb2.FULFILMENT_STATE_CANCELLED
        await self.tell(order)

    async def amend(self, order: order_pb2.Order, total: str) -> None:
        order.total = total
        await self.tell(order)

    async def tell(self, order: order_pb2.Order) -> None:
        """Let payments know the order's newest state."""
        order.revision += 1
        row = OrderRow(payable=payable_of(order), revision=order.revision)
        async with self.database.transaction(self.tenant) as connection:
            await take_orders(connection, self.tenant, {row.id: row})

    async def payment(
        self,
        amount: str = "1000",
        *,
        vs: str = "",
        hold: Hold = Hold.NONE,
        incoming: bool = True,
        origin: Origin = BANK,
        account: str = "",
        decided: bool = True,
        age: timedelta = timedelta(),
        message: str = "",
    ) -> UUID:
        """A payment becomes known, and is decided about unless it is held."""
        payment_id = new_id()
        status = PaymentStatus.UNCONFIRMED if hold else PaymentStatus.UNMATCHED
        if not incoming:
            status = PaymentStatus.OUTGOING
        money = Money("CZK", Decimal(amount))
        row = PaymentRow(
            standing=Standing(
                payment_id,
                incoming=incoming,
                currency=money.currency,
                amount=money.amount,
                disposition=Disposition(status, hold, needs_person=incoming, decided_by=""),
            ),
            message=payment_pb2.Payment(
                id=str(payment_id),
                source=payment_pb2.PAYMENT_SOURCE_NOTIFICATION,
                connection_id=str(CONNECTION),
                incoming=incoming,
                amount=money_message(money),
                value_date=datetime.now(UTC).date().isoformat(),
                counter_account=account,
                variable_symbol=vs,
                message=message,
            ),
            revision=1,
            connection_id=CONNECTION,
            counter_account=account,
            receive_time=datetime.now(UTC) - age,
            origin=origin,
            likeness=payment_id.bytes,
        )
        async with self.database.transaction(self.tenant) as connection:
            await insert_payments(connection, self.tenant, [row])
            tasks = TaskChanges()
            tasks.of_payment(None, row)
            await write_tasks(connection, self.tenant, tasks)
            if decided:
                await evaluate(connection, self.tenant, [payment_id])
        return payment_id

    async def settle(self) -> None:
        """Look again at every open payment until that changes none, as its payer may be known."""
        while True:
            before = await self.rows("SELECT id, status FROM payment ORDER BY id")
            async with self.database.transaction(self.tenant) as connection:
                await note_open_payments(connection, self.tenant)
            await self.recheck()
            if await self.rows("SELECT id, status FROM payment ORDER BY id") == before:
                return

    async def recheck(self) -> None:
        """Look again at whatever of this tenant was noted, until nothing is."""
        while True:
            async with self.database.infrastructure() as connection:
                claimed = await claim(connection, timedelta(minutes=5), CLAIMED_MAX)
            mine = [each for each in claimed if each.tenant_id == self.tenant]
            if not mine and len(claimed) < CLAIMED_MAX:
                return
            ids = {each.subject_id for each in mine if not each.of_order}
            orders = {each.subject_id for each in mine if each.of_order}
            async with self.database.transaction(self.tenant) as connection:
                ids |= await payments_looking_for(connection, self.tenant, orders)
                await evaluate(connection, self.tenant, ids)
            async with self.database.infrastructure() as connection:
                await forget(connection, mine)

    async def paid(self, order: order_pb2.Order) -> Decimal:
        """What is paid of an order, once it was checked against its lines and the last event."""
        (row,) = await self.rows(
            "SELECT paid, coalesce((SELECT sum(amount) FROM allocation WHERE order_id = %s), 0)"
            " FROM payable WHERE order_id = %s",
            [order.id, order.id],
        )
        assert row[0] == row[1]
        events = await self.events(events_pb2.OrderPaymentChanged, order.id)
        if events:
            assert Decimal(events[-1].amount_paid.amount) == row[0]
            revisions = [event.revision for event in events]
            assert revisions == sorted(set(revisions))
        else:
            assert row[0] == 0
        return Decimal(row[0])

    async def check_money(self) -> None:
        """Every payment is the sum of its parts, and every order of its lines."""
        rows = await self.rows(
            """
            SELECT amount, allocated, credited,
                   coalesce((SELECT sum(amount) FROM allocation
                             WHERE payment_id = payment.id AND order_id IS NOT NULL), 0),
                   coalesce((SELECT sum(amount) FROM allocation
                             WHERE payment_id = payment.id AND order_id IS NULL), 0)
            FROM payment
            """
        )
        for amount, allocated, credited, to_orders, to_credit in rows:
            assert (allocated, credited) == (to_orders, to_credit)
            assert 0 <= allocated + credited <= amount
        for paid, lines in await self.rows(
            "SELECT paid, coalesce((SELECT sum(amount) FROM allocation"
            " WHERE order_id = payable.order_id), 0) FROM payable"
        ):
            assert paid == lines

    async def events(self, kind: Any, subject: str) -> list[Any]:
        """What was told of an order or a payment, in its order."""
        rows = await self.rows(
            "SELECT value FROM outbox WHERE key = %s AND type = %s ORDER BY number",
            [f"{self.tenant}/{subject}", kind.DESCRIPTOR.full_name],
        )
        return [kind.FromString(value) for (value,) in rows]

    async def contents(self) -> Mapping[str, list[Any]]:
        """Every row of the tenant, table by table."""
        return {
            table: await self.rows(
                f"SELECT row_to_json(t)::text FROM {table} AS t"
                f" WHERE tenant_id = '{self.tenant}' ORDER BY 1"
            )
            for table in TABLES
        }

    async def rows(self, query: str, values: Any = ()) -> list[Any]:
        async with self.database.transaction(self.tenant) as connection:
            cursor = await connection.execute(query.encode(), values)
            return await cursor.fetchall()
