"""A merchant's till: mails and orders come in as events, a person decides over gRPC.

Then all is audited. The audit is that of `spojka verify`: both sides of the ledger are derived anew
from its lines and decisions, and what was told last is what is stored.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from payments.rpc.payment_service import PaymentServicer
from payments.verification.verification import VERIFICATION
from spojka.api.orders.v1 import order_pb2
from spojka.api.payments.v1 import payment_service_pb2
from spojka.api.payments.v1.payment_service_pb2 import MatchingRules
from spojka.database import Database
from spojka.identity import Identity, Scope
from spojka.rpc.client import open_channel
from spojka.settings import Settings
from spojka.verification.model import Difference, State, Telling, content_of, version_of
from spojka.verification.snapshot import Snapshot
from tests.internal_calls import internal_server
from tests.payments.rpc.desk import Desk, Payment
from tests.payments.scene import Scene


@dataclass(frozen=True, slots=True)
class Till:
    """One tenant's money: `scene` tells, `desk` is jana, who decides."""

    scene: Scene
    desk: Desk

    async def order(self, number: str, total: str = "100", **fields: Any) -> order_pb2.Order:
        """An order that payments know; its symbol is its number."""
        order = self.scene.order(number, total, **fields)
        await self.scene.tell_orders(order)
        return order

    async def amend(self, order: order_pb2.Order, **fields: Any) -> None:
        """Tell of the order's next revision, with other values of these fields."""
        order.revision += 1
        for name, value in fields.items():
            setattr(order, name, value)
        await self.scene.tell_orders(order)

    async def cancel(self, order: order_pb2.Order) -> None:
        await self.amend(order, fulfilment_state=order_pb2.FULFILMENT_STATE_CANCELLED)

    async def paid(self, *orders: order_pb2.Order) -> list[str]:
        """What is paid of each, in its own currency, and what that makes of it."""
        found = []
        for order in orders:
            payable = (await self.scene.order_row(UUID(order.id))).payable
            found.append(f"{payable.paid.normalize():f} {payable.state.name}")
        return found

    async def tolerate(self, amount: str) -> None:
        """Set how many crowns may be missing or too much."""
        rules: MatchingRules = (await self.desk.call("GetMatchingRules")).rules
        del rules.tolerances[:]
        rules.tolerances.add(currency="CZK", amount=amount)
        await self.desk.call("UpdateMatchingRules", rules=rules)
        await self.scene.recheck()

    async def tasks(self) -> dict[str, str]:
        """What is said in each kind of open task, as the call answers it."""
        answer = await self.desk.call("ListPaymentTasks", page_size=500)
        return {each.kind: each.summary for each in answer.tasks}

    async def payment(self, symbol: str, amount: str = "100", **fields: Any) -> Payment:
        """A mail told of a payment, and it was decided about."""
        return await self.desk.get(await self.scene.pay(symbol, amount, **fields))

    async def audit(self) -> None:
        """The ledger adds up to the last penny, and the topics have heard just that."""
        await self.scene.recheck()
        tenant = self.scene.tenant
        async with self.scene.database.transaction(tenant) as connection:
            snapshot = Snapshot(connection)
            findings = [each async for each in VERIFICATION.books(snapshot, tenant)]
            assert [each for each in findings if isinstance(each, Difference)] == []
            for telling in VERIFICATION.tellings(Settings()):
                stated = {key: state async for key, state in telling.stated(snapshot, tenant)}
                _agree(telling, await _heard(snapshot, tenant, telling), stated)


def _agree(telling: Telling, heard: dict[str, State], stated: dict[str, State]) -> None:
    if telling.exact:
        assert heard == stated, telling.what
        return
    assert heard.keys() == stated.keys(), telling.what
    for subject, state in stated.items():
        assert content_of(heard[subject]) == content_of(state), (telling.what, subject)
        assert version_of(heard[subject]) <= version_of(state), (telling.what, subject)


async def _heard(snapshot: Snapshot, tenant: UUID, telling: Telling) -> dict[str, State]:
    """The last word on each subject in the outbox, which no relay drains here."""
    rows: Sequence[tuple[str, str, bytes]] = await snapshot.rows(
        "SELECT type, key, value FROM outbox WHERE starts_with(key, %s) ORDER BY number",
        [f"{tenant}/"],
    )
    told = [telling.heard(type_, key, value) for type_, key, value in rows]
    return dict(each for each in told if each is not None)


@asynccontextmanager
async def open_till(database: Database) -> AsyncIterator[Till]:
    """The till of a new tenant whose bank's sender is confirmed, with a server of its own."""
    scene = Scene(database, uuid4(), _clock=datetime.now(UTC))
    await scene.confirm_sender()
    server = internal_server()
    service = payment_service_pb2.DESCRIPTOR.services_by_name["PaymentService"]
    server.add(service, PaymentServicer(database, lambda: None))
    await server.start()
    try:
        async with open_channel(f"127.0.0.1:{server.port}") as wire:
            yield Till(scene, Desk(wire, Identity(scene.tenant, Scope.OPERATOR, "jana")))
    finally:
        await server.stop()
