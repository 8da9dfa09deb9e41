"""What happens at once on separate connections: no deadlock, and the invariants afterwards.

Each round starts its tasks together, in a seeded order and with seeded head
starts; PostgreSQL interleaves them.
"""

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from random import Random
from uuid import UUID

from payments.rules.defaults import default_rules
from spojka.api.common.v1.money_pb2 import Money
from spojka.api.orders.v1 import order_pb2
from spojka.api.payments.v1 import payment_pb2
from spojka.api.payments.v1.payment_service_pb2 import MatchingRules
from spojka.outbox import new_id
from tests.at_once import DEADLINE_SECONDS, Act, at_once
from tests.payments.scene import Scene

ROUNDS = 200


async def test_two_payments_on_one_order(scene: Scene) -> None:
    random = Random(20261122)
    for place in range(ROUNDS):
        number = f"77{place:05}"
        order_id = await scene.place(number)
        # Of two accounts, or else one would wait for the other before it is read at all.
        first = scene.notice(number)
        second = scene.notice(number, bank_connection_id=str(new_id()))
        acts: list[Act] = [partial(scene.tell_only, first), partial(scene.tell_only, second)]
        if place % 4 == 0:
            acts.append(scene.recheck)
        await at_once(random, acts)
        payments = [await scene.payment(await scene.told_by(each)) for each in (first, second)]
        statuses = sorted(each.status for each in payments)
        assert statuses == [
            payment_pb2.PAYMENT_STATUS_MATCHED,
            payment_pb2.PAYMENT_STATUS_DUPLICATE,
        ]
        assert await scene.paid(order_id) == 100
        assert len(await scene.told_of(order_id)) == 1
    await scene.recheck()
    await scene.check()


async def test_instalments_that_come_together_sum_up(scene: Scene) -> None:
    random = Random(3)
    for place in range(40):
        number = f"66{place:05}"
        order_id = await scene.place(number)
        notices = [
            scene.notice(number, amount, bank_connection_id=str(new_id()))
            for amount in ("30", "30", "40")
        ]
        await at_once(random, [partial(scene.tell_only, each) for each in notices])
        assert await scene.paid(order_id) == 100
        assert (await scene.told_of(order_id))[-1].payment_state == order_pb2.PAYMENT_STATE_PAID
    await scene.recheck()
    await scene.check()
    statuses = {payment.status for payment in await scene.payments()}
    assert statuses == {payment_pb2.PAYMENT_STATUS_MATCHED}


async def test_an_order_and_its_payment_in_transactions_that_overlap(scene: Scene) -> None:
    """Neither sees the other: whichever commits last, they find each other."""
    for order_first in (True, False):
        order = scene.order(f"55000{order_first:02}")
        notice = scene.notice(order.number)
        handled = {True: scene.orders_handled(order), False: scene.notices_handled(notice)}
        async with AsyncExitStack() as last, AsyncExitStack() as first:
            await last.enter_async_context(handled[not order_first])
            await first.enter_async_context(handled[order_first])
            await first.aclose()
            looking = asyncio.create_task(scene.recheck())
            if order_first:
                await waits_for_matching(scene)
            else:
                await looking
            assert not await scene.told_of(UUID(order.id))
        await looking
        await scene.recheck()
        assert await scene.paid(UUID(order.id)) == 100
    await scene.check()


async def test_a_rival_that_commits_while_its_payment_is_matched_is_flagged(scene: Scene) -> None:
    """The order is committed and looked for before the payment that it rivals can be seen."""
    order_id = await scene.place("5600001")
    rival = scene.order("5600002", references=order_pb2.OrderReferences(variable_symbol="5600001"))
    notice = scene.notice("5600001")
    async with scene.notices_handled(notice):
        await scene.tell_orders_only(rival)
        looking = asyncio.create_task(scene.recheck())
        await waits_for_matching(scene)
    await looking
    payment = await scene.payment(await scene.told_by(notice))
    assert await scene.paid(order_id) == 100
    assert [flag for flag in payment.flags if "5600002 became known later" in flag]
    assert ("payments.rival", f"payment/{payment.id}") in await scene.tasks()


async def test_rules_that_change_while_a_payment_is_matched_are_applied_to_it(
    scene: Scene,
) -> None:
    """It was left open by the rules until then: who sets others must see it."""
    order_id = await scene.place("5700001", "100.30")
    notice = scene.notice("5700001", "100")
    tolerant = default_rules()
    tolerant.criteria[:] = [payment_pb2.CRITERION_ORDER_VARIABLE_SYMBOL]
    tolerant.tolerances.append(Money(currency="CZK", amount="0.50"))
    await scene.set_rules(MatchingRules(criteria=[payment_pb2.CRITERION_GATEWAY_REFERENCE]))
    async with scene.notices_handled(notice):
        setting = asyncio.create_task(scene.set_rules(tolerant))
        await waits_for_matching(scene)
    await setting
    await scene.recheck()
    assert await scene.paid(order_id) == 100
    assert (await scene.told_of(order_id))[-1].payment_state == order_pb2.PAYMENT_STATE_PAID


async def waits_for_matching(scene: Scene) -> None:
    """Wait until somebody waits for those who look for orders."""
    waiting = """
        SELECT FROM pg_locks WHERE %s::uuid IS NOT NULL AND locktype = 'advisory'
        AND mode = 'ExclusiveLock' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    """
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await scene.rows(waiting):  # noqa: ASYNC110 - other connections' doing
            await asyncio.sleep(0.01)


async def test_an_amendment_or_a_cancellation_beside_a_payment(scene: Scene) -> None:
    random = Random(7)
    for place in range(60):
        order = scene.order(f"44{place:05}")
        await scene.tell_orders(order)
        changed = order_pb2.Order()
        changed.CopyFrom(order)
        changed.revision += 1
        if place % 3:
            changed.total = random.choice(["60", "140"])
        else:
            changed.fulfilment_state = order_pb2.FULFILMENT_STATE_CANCELLED
        notice = scene.notice(order.number)
        other = scene.notice(order.number, "40", bank_connection_id=str(new_id()))
        acts: list[Act] = [
            partial(scene.tell_orders_only, changed),
            partial(scene.tell_orders_only, changed),
            partial(scene.tell_only, notice),
            partial(scene.tell_only, other),
        ]
        await at_once(random, acts)
    await scene.recheck()
    await scene.check()


async def test_people_beside_automation(scene: Scene) -> None:
    random = Random(11)
    for place in range(60):
        number, elsewhere = f"33{place:05}", f"22{place:05}"
        order_id, other_id = await scene.place(number), await scene.place(elsewhere)
        lost = await scene.pay("1")
        paid = await scene.pay(elsewhere)
        acts: list[Act] = [
            partial(scene.match, lost, order_id),
            partial(scene.unmatch, paid),
            partial(scene.tell_only, scene.notice(number)),
            partial(scene.tell_only, scene.notice(elsewhere, bank_connection_id=str(new_id()))),
            scene.recheck,
        ]
        await at_once(random, acts)
        await scene.recheck()
        assert await scene.paid(order_id) == 100
        assert await scene.paid(other_id) == 100
    await scene.check()


async def test_one_notification_delivered_twice_at_once_is_one_payment(scene: Scene) -> None:
    random = Random(13)
    for place in range(40):
        number = f"11{place:05}"
        order_id = await scene.place(number, "1000")
        notice, again = scene.notice(number), scene.notice(number)
        again.payment.bank_reference = notice.payment.bank_reference
        event_id = new_id()
        acts: list[Act] = [
            partial(scene.tell_only, notice, event_ids=[event_id]),
            partial(scene.tell_only, notice, event_ids=[event_id]),
            partial(scene.tell_only, notice),
            partial(scene.tell_only, again),
        ]
        await at_once(random, acts)
        assert await scene.paid(order_id) == 100
    await scene.check()
    assert len(await scene.payments()) == 40
