"""Money over generated sequences of everything that can happen to it."""

import json
from random import Random
from uuid import UUID

import pytest

from spojka.api.mail.v1 import events_pb2 as mail
from spojka.api.orders.v1 import order_pb2
from spojka.api.payments.v1 import payment_pb2
from tests.payments.scene import Scene

STEPS = 45
CHECKED_EVERY = 5
AMOUNTS = ["20", "50", "80", "100", "100", "100", "120.50"]


class Story:
    """One generated sequence, and what may be said of its orders."""

    def __init__(self, scene: Scene, random: Random) -> None:
        self.scene = scene
        self.random = random
        self.orders: list[order_pb2.Order] = []
        self.old_orders: list[order_pb2.Order] = []
        self.notices: list[mail.PaymentNotified] = []
        self.touched: set[str] = set()
        """Orders that a person gave money, or whose total shrank: they may be over-paid."""

    async def step(self) -> None:
        acts = {
            self.place: 3,
            self.amend: 2,
            self.cancel: 1,
            self.notify: 6,
            self.reverse: 1,
            self.match: 2,
            self.unmatch: 2,
            self.replay: 2,
            self.scene.recheck: 2,
        }
        (act,) = self.random.choices(list(acts), list(acts.values()))
        await act()

    async def place(self) -> None:
        number = f"20260{len(self.orders):02}"
        symbol = self.random.choice([number, number, "5555555"])
        references = order_pb2.OrderReferences(variable_symbol=symbol)
        order = self.scene.order(number, self.random.choice(AMOUNTS), references=references)
        self.orders.append(order)
        await self.scene.tell_orders_only(order)

    async def amend(self) -> None:
        if self.orders:
            place = self.random.randrange(len(self.orders))
            order = self._next(place)
            order.total = self.random.choice(AMOUNTS)
            self.touched.add(order.id)
            await self.scene.tell_orders_only(order)

    async def cancel(self) -> None:
        if self.orders:
            order = self._next(self.random.randrange(len(self.orders)))
            order.fulfilment_state = order_pb2.FULFILMENT_STATE_CANCELLED
            await self.scene.tell_orders_only(order)

    def _next(self, place: int) -> order_pb2.Order:
        before = self.orders[place]
        order = order_pb2.Order()
        order.CopyFrom(before)
        order.revision += 1
        self.old_orders.append(before)
        self.orders[place] = order
        return order

    def _symbol(self) -> str:
        known = [order.references.variable_symbol for order in self.orders[-4:]]
        return self.random.choice([*known, "5555555", "9999999"])

    async def notify(self) -> None:
        random = self.random
        fields: dict[str, object] = {}
        if random.random() < 0.15:
            fields["trust"] = mail.TRUST_WEAK
        if random.random() < 0.3:
            fields["bank_reference"] = random.choice(["", "1001", "1002"])
        if random.random() < 0.2:
            fields["balance_after"] = random.choice(["500", "600"])
        if random.random() < 0.1:
            fields["incoming"] = False
        if random.random() < 0.1:
            fields["automatic_per_hour"] = 3
        batch = [
            self.scene.notice(self._symbol(), random.choice(AMOUNTS), **fields)
            for _ in range(random.choice([1, 1, 2, 4]))
        ]
        self.notices += batch
        await self.scene.tell_only(*batch)

    async def reverse(self) -> None:
        notice = self.scene.notice(
            self._symbol(),
            self.random.choice(AMOUNTS),
            incoming=False,
            kind=mail.NOTIFICATION_KIND_REVERSAL,
        )
        self.notices.append(notice)
        await self.scene.tell_only(notice)

    async def match(self) -> None:
        payments = await self._payments()
        if payments and self.orders:
            order = self.random.choice(self.orders)
            amount = self.random.choice([None, "10", "50"])
            self.touched.add(order.id)
            await self.scene.match(self.random.choice(payments), UUID(order.id), amount)

    async def unmatch(self) -> None:
        payments = await self._payments()
        if payments:
            await self.scene.unmatch(self.random.choice(payments))

    async def replay(self) -> None:
        if self.notices:
            await self.scene.tell_only(self.random.choice(self.notices))
        if self.old_orders:
            await self.scene.tell_orders_only(self.random.choice(self.old_orders))

    async def _payments(self) -> list[UUID]:
        found = await self.scene.rows(
            "SELECT id FROM payment WHERE tenant_id = %s AND incoming AND hold = 0 ORDER BY id"
        )
        return [row[0] for row in found]

    async def check(self) -> None:
        await self.scene.check()
        for order_id, total, paid in await self.scene.rows(
            "SELECT order_id, total, paid FROM payable WHERE tenant_id = %s"
        ):
            assert paid <= total or str(order_id) in self.touched, "automation over-paid an order"


async def dump(scene: Scene) -> str:
    """All that is stored of the tenant's money, but for when it was looked at."""
    tables = {}
    for table in ("payable", "payable_key", "payment", "allocation", "decision", "search_key"):
        rows = await scene.rows(
            f"SELECT to_jsonb({table}) - 'value' FROM {table} WHERE tenant_id = %s"
        )
        tables[table] = sorted(json.dumps(row[0], sort_keys=True) for row in rows)
    return json.dumps(tables)


@pytest.mark.parametrize("seed", range(10))
async def test_money_is_conserved_whatever_happens(scene: Scene, seed: int) -> None:
    story = Story(scene, Random(seed))
    for place in range(STEPS):
        await story.step()
        if place % CHECKED_EVERY == 0:
            await story.check()
    await scene.recheck()
    await story.check()


@pytest.mark.parametrize("seed", [101, 102])
async def test_replays_in_any_order_change_nothing(scene: Scene, seed: int) -> None:
    random = Random(seed)
    story = Story(scene, random)
    for _ in range(STEPS):
        await story.step()
    await scene.recheck()
    before, told = await dump(scene), len(await scene.told())
    notices = random.sample(story.notices, len(story.notices))
    orders = random.sample(story.orders, len(story.orders)) + story.old_orders
    await scene.tell(*notices)
    await scene.tell_orders(*orders)
    await scene.tell_orders(*reversed(orders))
    assert await dump(scene) == before
    assert len(await scene.told()) == told


async def test_the_order_of_a_batch_is_the_order_of_coming(scene: Scene) -> None:
    order_id = await scene.place()
    notices = [scene.notice() for _ in range(5)]
    await scene.tell(*reversed(notices))
    first = await scene.told_by(notices[0])
    assert (await scene.told_of(order_id))[-1].payment_ids == [str(first)]
    statuses = [payment.status for payment in await scene.payments()]
    assert statuses.count(payment_pb2.PAYMENT_STATUS_MATCHED) == 1
    assert statuses.count(payment_pb2.PAYMENT_STATUS_DUPLICATE) == 4
    await scene.check()
