"""What is decided at once about the same money is decided one after another.

The first transaction is held open until the second is seen to wait for it.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from uuid import UUID

from payments.evaluating import evaluate
from spojka.api.payments.v1 import payment_pb2
from spojka.outbox import new_id
from tests.orders.locks import until_waiting
from tests.payments.scene import Scene


async def behind(
    scene: Scene, first: AbstractAsyncContextManager[object], second: Coroutine[Any, Any, None]
) -> None:
    """Do both, the second one while the first is not committed."""
    async with scene.database.transaction(scene.tenant) as looker:
        async with first:
            waiting = asyncio.create_task(second)
            await until_waiting(looker, 1)
        await waiting


@asynccontextmanager
async def evaluated(scene: Scene, payment_id: UUID) -> AsyncIterator[None]:
    """Decide about the payment; the transaction is committed at the end."""
    async with scene.database.transaction(scene.tenant) as connection:
        await evaluate(connection, scene.tenant, [payment_id])
        yield


async def decided(scene: Scene, payment_id: UUID) -> None:
    async with evaluated(scene, payment_id):
        pass


async def test_of_two_payments_at_once_the_order_takes_one(scene: Scene) -> None:
    order_id = await scene.place()
    # Of two accounts, or else the second would wait before it is read at all.
    first, second = scene.notice(), scene.notice(bank_connection_id=str(new_id()))
    await behind(scene, scene.notices_handled(first), scene.tell_only(second))
    payments = [await scene.payment(await scene.told_by(each)) for each in (first, second)]
    assert [each.status for each in payments] == [
        payment_pb2.PAYMENT_STATUS_MATCHED,
        payment_pb2.PAYMENT_STATUS_DUPLICATE,
    ]
    assert await scene.paid(order_id) == 100
    await scene.check()


async def test_a_payment_decided_about_twice_at_once_is_given_once(scene: Scene) -> None:
    notice = scene.notice()
    await scene.tell_only(notice)
    payment_id = await scene.told_by(notice)
    await scene.tell_orders_only(scene.order())
    await behind(scene, evaluated(scene, payment_id), decided(scene, payment_id))
    payment = await scene.payment(payment_id)
    assert payment.status == payment_pb2.PAYMENT_STATUS_MATCHED
    assert [line.amount.amount for line in payment.allocations] == ["100"]
    await scene.check()


async def test_what_nothing_tells_apart_is_a_possible_twin_though_it_comes_at_once(
    scene: Scene,
) -> None:
    # References and balances are kept apart by indexes, too; likeness by the turns alone.
    order_id = await scene.place(total="1000")
    first, second = (scene.notice(bank_reference="") for _ in range(2))
    await behind(scene, scene.notices_handled(first), scene.tell_only(second))
    assert await scene.paid(order_id) == 100
    twin = await scene.payment(await scene.told_by(second))
    assert twin.status == payment_pb2.PAYMENT_STATUS_POSSIBLE_TWIN
    await scene.check()
