"""Looking again at payments: nothing noted is lost, and one that fails holds up no other."""

import asyncio
import time
from uuid import UUID

from payments.recheck import GIVEN_UP_AFTER, Rechecking
from payments.storage.rechecks import claim, forget, note_payments
from spojka.api.orders.v1 import order_pb2
from spojka.api.payments.v1 import payment_pb2
from spojka.delivery.health import Health
from tests.payments.scene import Scene

PATIENCE_SECONDS = 20.0


async def noted(scene: Scene) -> list[tuple[object, ...]]:
    return await scene.rows("SELECT subject_id, attempts FROM recheck WHERE tenant_id = %s")


async def test_what_is_noted_while_it_is_looked_at_stays(scene: Scene) -> None:
    payment_id = await scene.pay()
    async with scene.database.transaction(scene.tenant) as connection:
        await note_payments(connection, scene.tenant, [payment_id])
    async with scene.database.infrastructure() as connection:
        claimed = await claim(connection, GIVEN_UP_AFTER, 500)
    ours = [each for each in claimed if each.tenant_id == scene.tenant]
    assert [each.subject_id for each in ours] == [payment_id]
    async with scene.database.transaction(scene.tenant) as connection:
        await note_payments(connection, scene.tenant, [payment_id])
    async with scene.database.infrastructure() as connection:
        await forget(connection, claimed)
    assert await noted(scene) == [(payment_id, 0)]
    await scene.recheck()
    assert not await noted(scene)


async def test_one_that_fails_waits_longer_and_holds_up_no_other(scene: Scene) -> None:
    bad, good = await scene.pay("2026001"), await scene.pay("2026002")
    # Unreadable, as no code of ours would write it.
    await _break(scene, bad)
    await scene.tell_orders_only(scene.order("2026001"), scene.order("2026002"))
    health = Health()
    rechecking = Rechecking(scene.database, health, lambda: None)
    await rechecking.start()
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while health.ok:
            assert time.monotonic() < deadline, "health never said that a payment fails"
            await asyncio.sleep(0.02)
    finally:
        await rechecking.stop()
    assert (await scene.payment(good)).status == payment_pb2.PAYMENT_STATUS_MATCHED
    ((subject, attempts),) = await noted(scene)
    assert subject == bad
    assert attempts == 1
    await _mend(scene, bad)
    await scene.rows_changed(
        "UPDATE recheck SET due_time = now() WHERE tenant_id = %s AND subject_id = %s", bad
    )
    await Rechecking(scene.database, health, lambda: None).drain()
    assert (await scene.payment(bad)).status == payment_pb2.PAYMENT_STATUS_MATCHED
    assert not await noted(scene)


async def _break(scene: Scene, payment_id: UUID) -> None:
    await scene.rows_changed(
        "UPDATE payment SET value = value || '\\xff'::bytea WHERE tenant_id = %s AND id = %s",
        payment_id,
    )


async def _mend(scene: Scene, payment_id: UUID) -> None:
    await scene.rows_changed(
        "UPDATE payment SET value = substring(value FROM 1 FOR length(value) - 1)"
        " WHERE tenant_id = %s AND id = %s",
        payment_id,
    )


async def test_what_a_later_payment_of_one_batch_changes_is_seen_by_an_earlier_one(
    scene: Scene,
) -> None:
    """Two mails in one transaction: the first is decided before the second pays its order."""
    await scene.place("2026001")
    await scene.place("2026002", references=order_pb2.OrderReferences(variable_symbol="2026001"))
    open_ = scene.notice("2026001", "300")
    pays = scene.notice("2026002", "100")
    await scene.tell(open_, pays)
    payment = await scene.payment(await scene.told_by(open_))
    owed = [each.due.amount for run in payment.verdict.runs for each in run.candidates]
    assert "0" in owed, payment.verdict
    await scene.check()
