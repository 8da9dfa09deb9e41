"""What becomes of movements that banks' mails tell of."""

from typing import Any
from uuid import uuid4

import pytest

from spojka.api.common.v1.money_pb2 import Money
from spojka.api.mail.v1 import events_pb2 as mail
from spojka.api.orders.v1 import order_pb2
from spojka.api.payments.v1 import events_pb2, payment_pb2
from spojka.database import Database
from spojka.delivery.failures import PoisonError
from spojka.outbox import new_id
from tests.payments.scene import Scene


async def test_a_trusted_payment_pays_its_order_and_says_why(scene: Scene) -> None:
    order_id = await scene.place("2026001", "1250.00")
    payment_id = await scene.pay("2026001", "1250.00")
    payment = await scene.payment(payment_id)
    assert payment.status == payment_pb2.PAYMENT_STATUS_MATCHED
    assert payment.unallocated == "0"
    assert [each.order_id for each in payment.allocations] == [str(order_id)]
    assert payment.verdict.runs[1].candidates[0].taken
    assert payment.decisions[0].actor == "spojka"
    (told,) = await scene.told_of(order_id)
    assert told.payment_state == order_pb2.PAYMENT_STATE_PAID
    assert told.payment_ids == [str(payment_id)]
    kinds = [type(each) for each in await scene.told()]
    assert kinds == [
        events_pb2.PaymentReceived,
        events_pb2.PaymentMatched,
        events_pb2.OrderPaymentChanged,
    ]
    assert not await scene.tasks()
    await scene.check()


async def test_the_same_reference_told_twice_is_one_payment(scene: Scene) -> None:
    order_id = await scene.place()
    first = scene.notice(bank_reference="77")
    second = scene.notice(bank_reference="77", message="told again")
    await scene.tell(first)
    await scene.tell(second)
    (payment,) = await scene.payments()
    assert set(payment.mail_ids) == {first.mail_id, second.mail_id}
    assert await scene.paid(order_id) == 100
    await scene.check()


async def test_the_same_balance_told_twice_in_one_batch_is_one_payment(scene: Scene) -> None:
    first = scene.notice(bank_reference="", balance_after="1100.00")
    second = scene.notice(bank_reference="", balance_after="1100")
    await scene.tell(first, second)
    (payment,) = await scene.payments()
    assert len(payment.mail_ids) == 2
    third = scene.notice(bank_reference="", balance_after="1200")
    await scene.tell(third)
    assert len(await scene.payments()) == 2
    assert not await scene.tasks()


async def test_likeness_without_reference_and_balance_is_a_possible_twin(scene: Scene) -> None:
    order_id = await scene.place("2026001", "200")
    first = await scene.pay(bank_reference="")
    second = await scene.pay(bank_reference="")
    assert await scene.paid(order_id) == 100
    one, other = await scene.payment(first), await scene.payment(second)
    assert one.status == payment_pb2.PAYMENT_STATUS_PARTIAL
    assert other.status == payment_pb2.PAYMENT_STATUS_POSSIBLE_TWIN
    assert (list(one.twin_ids), list(other.twin_ids)) == ([str(second)], [str(first)])
    assert await scene.tasks() == {("payments.possible_twin", f"payment/{second}")}
    await scene.check()


async def test_references_that_differ_are_no_twins(scene: Scene) -> None:
    await scene.pay(bank_reference="1")
    await scene.pay(bank_reference="2")
    assert [list(each.twin_ids) for each in await scene.payments()] == [[], []]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"trust": mail.TRUST_WEAK}, "weak"),
        ({"action": mail.NOTIFICATION_ACTION_REVIEW}, "review"),
        ({"automatic_limit": "99.99"}, "limit"),
        ({"sender_domain": "other.example"}, "new_sender"),
        ({"address_id": str(uuid4())}, "new_sender"),
    ],
)
async def test_what_waits_for_a_person_pays_nothing(
    scene: Scene, fields: dict[str, Any], reason: str
) -> None:
    order_id = await scene.place()
    payment_id = await scene.pay(**fields)
    payment = await scene.payment(payment_id)
    assert payment.status == payment_pb2.PAYMENT_STATUS_UNCONFIRMED
    assert payment.verdict.summary
    assert await scene.paid(order_id) == 0
    subject = f"connection/{scene.connection_id}"
    assert await scene.tasks() == {(f"payments.unconfirmed.{reason}", subject)}
    await scene.check()


async def test_the_hourly_cap_keeps_the_rest_for_a_person(scene: Scene) -> None:
    orders = [await scene.place(f"202600{place}") for place in range(4)]
    notices = [scene.notice(f"202600{place}", automatic_per_hour=2) for place in range(3)]
    await scene.tell(*notices)
    last = await scene.pay("2026003", automatic_per_hour=2)
    assert [await scene.paid(order_id) for order_id in orders] == [100, 100, 0, 0]
    held = await scene.payment(last)
    assert held.status == payment_pb2.PAYMENT_STATUS_UNCONFIRMED
    assert "as many as may" in held.decisions[-1].summary
    await scene.check()


async def test_a_better_proof_releases_a_weak_payment_with_its_own_words(scene: Scene) -> None:
    right, wrong = await scene.place("2026001"), await scene.place("2026002")
    # Told by somebody who guessed the reference, with an order of his own.
    await scene.tell(scene.notice("2026002", bank_reference="9", trust=mail.TRUST_WEAK))
    await scene.tell(scene.notice("2026001", bank_reference="9"))
    (payment,) = await scene.payments()
    assert payment.variable_symbol == "2026001"
    assert payment.trust == mail.TRUST_TRUSTED
    assert await scene.paid(right) == 100
    assert await scene.paid(wrong) == 0
    assert [each.kind for each in payment.decisions] == ["release", "match"]
    assert not await scene.tasks()
    await scene.check()


async def test_a_lesser_proof_changes_nothing(scene: Scene) -> None:
    order_id = await scene.place("2026001")
    await scene.tell(scene.notice("2026001", bank_reference="9"))
    await scene.tell(scene.notice("2026002", bank_reference="9", trust=mail.TRUST_WEAK))
    (payment,) = await scene.payments()
    assert payment.variable_symbol == "2026001"
    assert await scene.paid(order_id) == 100


@pytest.mark.parametrize(
    "fields",
    [
        {"incoming": False},
        {"action": mail.NOTIFICATION_ACTION_RECORD_ONLY},
    ],
)
async def test_what_is_only_recorded_is_never_matched(scene: Scene, fields: dict[str, Any]) -> None:
    order_id = await scene.place()
    payment_id = await scene.pay(**fields)
    assert (await scene.payment(payment_id)).status == payment_pb2.PAYMENT_STATUS_OUTGOING
    assert await scene.paid(order_id) == 0
    await scene.tell_orders(scene.order("2026009", references=_symbol("2026001")))
    assert (await scene.payment(payment_id)).status == payment_pb2.PAYMENT_STATUS_OUTGOING
    assert not await scene.tasks()
    await scene.check()


async def test_a_reversal_by_mail_is_a_task_and_un_pays_nothing(scene: Scene) -> None:
    order_id = await scene.place()
    earlier = await scene.pay()
    reversal = await scene.pay(
        incoming=False,
        kind=mail.NOTIFICATION_KIND_REVERSAL,
        action=mail.NOTIFICATION_ACTION_RECORD_ONLY,
    )
    assert await scene.paid(order_id) == 100
    assert await scene.tasks() == {("payments.reversal", f"payment/{reversal}")}
    ((summary,),) = await scene.rows("SELECT summary FROM task WHERE tenant_id = %s")
    assert "2026001" in summary
    assert (await scene.payment(earlier)).flags
    await scene.check()


async def test_an_event_delivered_again_changes_nothing(scene: Scene) -> None:
    await scene.place()
    notice, event_id = scene.notice(bank_reference=""), new_id()
    for _ in range(2):
        await scene.tell_only(notice, event_ids=[event_id])
    before = await scene.payments()
    # Past the inbox's memory, the mail and its movement still name the payment.
    await scene.tell_only(notice)
    assert await scene.payments() == before
    assert len(before) == 1
    await scene.check()


async def test_a_twin_told_later_does_not_wake_a_person_s_decision(scene: Scene) -> None:
    order_id = await scene.place("7777777")
    payment_id = await scene.pay("1111111")
    assert await scene.match(payment_id, order_id)
    await scene.tell_orders(scene.order("1111111"))
    payment = await scene.payment(payment_id)
    assert [each.order_id for each in payment.allocations] == [str(order_id)]
    await scene.check()


async def test_another_tenant_s_order_is_not_found(scene: Scene, database: Database) -> None:
    other = Scene(database, uuid4(), origin=scene.origin, connection_id=scene.connection_id)
    await other.confirm_sender()
    theirs = await other.place("2026001")
    payment_id = await scene.pay("2026001")
    assert (await scene.payment(payment_id)).status == payment_pb2.PAYMENT_STATUS_UNMATCHED
    assert await other.paid(theirs) == 0
    ours = await scene.place("2026001")
    assert await scene.paid(ours) == 100
    assert await other.paid(theirs) == 0
    # One reference in two tenants is two payments.
    await scene.tell(scene.notice(bank_reference="5"))
    await other.tell(other.notice(bank_reference="5"))
    assert await other.paid(theirs) == 100
    await scene.check()
    await other.check()


async def test_a_movement_of_nothing_is_refused(scene: Scene) -> None:
    with pytest.raises(PoisonError, match="amount"):
        await scene.tell(scene.notice(amount="0"))
    with pytest.raises(PoisonError, match="currency"):
        await scene.tell(_without_currency(scene))
    assert not await scene.payments()


def _symbol(symbol: str) -> order_pb2.OrderReferences:
    return order_pb2.OrderReferences(variable_symbol=symbol)


def _without_currency(scene: Scene) -> mail.PaymentNotified:
    notice = scene.notice()
    notice.payment.amount.CopyFrom(Money(amount="5"))
    return notice
