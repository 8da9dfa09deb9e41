"""What becomes of payments and orders as the order book changes."""

from decimal import Decimal
from uuid import UUID

from spojka.api.mail.v1 import events_pb2 as mail
from spojka.api.orders.v1 import order_pb2
from spojka.api.payments.v1 import events_pb2, payment_pb2
from tests.payments.scene import Scene

MATCHED = payment_pb2.PAYMENT_STATUS_MATCHED
PARTIAL = payment_pb2.PAYMENT_STATUS_PARTIAL


def changed(order: order_pb2.Order, **fields: object) -> order_pb2.Order:
    """The order's next revision."""
    after = order_pb2.Order()
    after.CopyFrom(order)
    after.revision += 1
    after.MergeFrom(order_pb2.Order(**fields))  # type: ignore[arg-type]
    return after


async def test_an_order_that_comes_after_its_payment_is_paid(scene: Scene) -> None:
    payment_id = await scene.pay("2026001")
    assert (await scene.payment(payment_id)).status == payment_pb2.PAYMENT_STATUS_UNMATCHED
    order_id = await scene.place("2026001")
    assert await scene.paid(order_id) == 100
    assert (await scene.payment(payment_id)).status == MATCHED
    await scene.check()


async def test_a_reference_that_comes_later_finds_the_payment(scene: Scene) -> None:
    order = scene.order("2026001")
    await scene.tell_orders(order)
    await scene.pay("9000123")
    references = order_pb2.OrderReferences(invoice_variable_symbol="9000123")
    await scene.tell_orders(changed(order, references=references))
    assert await scene.paid(UUID(order.id)) == 100
    await scene.check()


async def test_an_older_revision_changes_nothing_and_any_may_be_the_first(scene: Scene) -> None:
    order = scene.order("2026001", "100")
    newer = changed(order, total="120")
    newest = changed(newer, total="150")
    await scene.tell_orders(newer)
    for late in (order, newer):
        await scene.tell_orders(late)
        assert (await scene.order_row(UUID(order.id))).payable.total == 120
    await scene.tell_orders(newest, order)
    assert (await scene.order_row(UUID(order.id))).payable.total == 150


async def test_an_instalment_is_called_matched_once_the_rest_came(scene: Scene) -> None:
    order_id = await scene.place("2026001", "100")
    first = await scene.pay(amount="40")
    assert (await scene.payment(first)).status == PARTIAL
    second = await scene.pay(amount="60")
    assert (await scene.payment(first)).status == MATCHED
    assert (await scene.payment(second)).status == MATCHED
    told = await scene.told_of(order_id)
    states = [order_pb2.PAYMENT_STATE_PARTIAL, order_pb2.PAYMENT_STATE_PAID]
    assert [each.payment_state for each in told] == states
    assert len(told[-1].payment_ids) == 2
    await scene.check()


async def test_a_total_that_grows_makes_a_paid_order_partial(scene: Scene) -> None:
    order = scene.order()
    order_id = UUID(order.id)
    await scene.tell_orders(order)
    payment_id = await scene.pay()
    await scene.tell_orders(changed(order, total="130"))
    assert (await scene.told_of(order_id))[-1].payment_state == order_pb2.PAYMENT_STATE_PARTIAL
    assert (await scene.payment(payment_id)).status == PARTIAL
    await scene.pay(amount="30")
    assert (await scene.told_of(order_id))[-1].payment_state == order_pb2.PAYMENT_STATE_PAID
    await scene.check()


async def test_a_total_that_shrinks_is_a_task_until_it_is_right_again(scene: Scene) -> None:
    order = scene.order()
    order_id = UUID(order.id)
    await scene.tell_orders(order)
    await scene.pay()
    less = changed(order, total="80")
    await scene.tell_orders(less)
    assert (await scene.told_of(order_id))[-1].payment_state == order_pb2.PAYMENT_STATE_OVERPAID
    assert await scene.tasks() == {("payments.order_overpaid", f"order/{order_id}")}
    assert await scene.paid(order_id) == 100
    await scene.tell_orders(changed(less, total="100"))
    assert not await scene.tasks()
    await scene.check()


async def test_a_paid_order_that_is_cancelled_is_a_task_and_takes_no_more(scene: Scene) -> None:
    order = scene.order()
    order_id = UUID(order.id)
    await scene.tell_orders(order)
    payment_id = await scene.pay()
    cancelled = changed(order, fulfilment_state=order_pb2.FULFILMENT_STATE_CANCELLED)
    await scene.tell_orders(cancelled)
    assert await scene.tasks() == {("payments.paid_order_cancelled", f"order/{order_id}")}
    late = await scene.pay()
    assert await scene.paid(order_id) == 100
    status = (await scene.payment(late)).status
    assert status in {
        payment_pb2.PAYMENT_STATUS_LATE,
        payment_pb2.PAYMENT_STATUS_DUPLICATE,
    }
    assert await scene.unmatch(payment_id)
    tasks = await scene.tasks()
    assert ("payments.paid_order_cancelled", f"order/{order_id}") not in tasks
    await scene.recheck()
    assert await scene.paid(order_id) == 0
    await scene.check()


async def test_late_money_never_opens_a_cancelled_order(scene: Scene) -> None:
    order = scene.order(fulfilment_state=order_pb2.FULFILMENT_STATE_CANCELLED)
    await scene.tell_orders(order)
    payment_id = await scene.pay()
    assert (await scene.payment(payment_id)).status == payment_pb2.PAYMENT_STATUS_LATE
    assert await scene.tasks() == {("payments.late", f"payment/{payment_id}")}
    assert not await scene.told(events_pb2.OrderPaymentChanged)


async def test_a_duplicate_takes_the_place_of_a_payment_taken_back(scene: Scene) -> None:
    order_id = await scene.place()
    first = await scene.pay()
    second = await scene.pay()
    assert (await scene.payment(second)).status == payment_pb2.PAYMENT_STATUS_DUPLICATE
    assert await scene.tasks() == {("payments.duplicate", f"payment/{second}")}
    assert await scene.unmatch(first)
    await scene.recheck()
    assert (await scene.payment(second)).status == MATCHED
    assert (await scene.told_of(order_id))[-1].payment_ids == [str(second)]
    assert not await scene.tasks()
    await scene.recheck()
    assert (await scene.payment(first)).status == payment_pb2.PAYMENT_STATUS_UNMATCHED
    await scene.check()


async def test_what_is_over_stays_with_the_payment(scene: Scene) -> None:
    order_id = await scene.place()
    payment_id = await scene.pay(amount="130")
    payment = await scene.payment(payment_id)
    assert payment.status == payment_pb2.PAYMENT_STATUS_OVERPAID
    assert payment.unallocated == "30"
    assert (await scene.told_of(order_id))[-1].payment_state == order_pb2.PAYMENT_STATE_PAID
    assert await scene.tasks() == {("payments.overpaid", f"payment/{payment_id}")}
    await scene.check()


async def test_a_later_rival_is_flagged_and_undoes_nothing(scene: Scene) -> None:
    order_id = await scene.place("2026001")
    payment_id = await scene.pay("2026001")
    rival = scene.order("2026002", references=order_pb2.OrderReferences(variable_symbol="2026001"))
    await scene.tell_orders(rival)
    payment = await scene.payment(payment_id)
    assert payment.status == MATCHED
    assert list(payment.flags) == ["Order 2026002 became known later and would have fitted, too."]
    assert await scene.tasks() == {("payments.rival", f"payment/{payment_id}")}
    assert await scene.paid(order_id) == 100
    await scene.tell_orders(changed(rival, note="again"))
    assert len((await scene.payment(payment_id)).flags) == 1
    # Of another amount it would not have fitted.
    await scene.tell_orders(
        scene.order(
            "2026003", "55", references=order_pb2.OrderReferences(variable_symbol="2026001")
        )
    )
    assert len((await scene.payment(payment_id)).flags) == 1
    await scene.check()


async def test_two_orders_of_one_symbol_and_amount_are_ambiguous(scene: Scene) -> None:
    same = order_pb2.OrderReferences(variable_symbol="555555")
    first, second = scene.order("1", references=same), scene.order("2", references=same)
    await scene.tell_orders(first, second)
    payment_id = await scene.pay("555555")
    payment = await scene.payment(payment_id)
    assert payment.status == payment_pb2.PAYMENT_STATUS_AMBIGUOUS
    assert not payment.allocations
    # The person's inbox is the list of payments; a task each would be too many.
    assert not await scene.tasks()
    assert await scene.rows("SELECT 1 FROM payment WHERE tenant_id = %s AND needs_person")


async def test_a_symbol_of_hundreds_of_orders_names_none(scene: Scene) -> None:
    same = order_pb2.OrderReferences(variable_symbol="555555")
    await scene.tell_orders(
        *(scene.order(f"N{n}", str(n + 1), references=same) for n in range(250))
    )
    payment_id = await scene.pay("555555", "7")
    payment = await scene.payment(payment_id)
    assert payment.status == payment_pb2.PAYMENT_STATUS_AMBIGUOUS
    assert len(payment.verdict.SerializeToString()) < 200_000


async def test_one_payment_pays_several_orders_of_exactly_its_sum(scene: Scene) -> None:
    first, second = await scene.place("2026001", "30"), await scene.place("2026002", "70")
    payment_id = await scene.pay("2026001", "100", message="obj. 2026002")
    payment = await scene.payment(payment_id)
    assert payment.status == MATCHED
    assert {each.order_id for each in payment.allocations} == {str(first), str(second)}
    await scene.check()


async def test_a_near_symbol_is_suggested_and_never_taken(scene: Scene) -> None:
    order_id = await scene.place("20260017")
    payment = await scene.payment(await scene.pay("20260071"))
    assert payment.status == payment_pb2.PAYMENT_STATUS_UNMATCHED
    assert [list(each.order_ids) for each in payment.verdict.suggestions] == [[str(order_id)]]
    assert await scene.paid(order_id) == 0


async def test_money_of_another_currency_no_longer_counts(scene: Scene) -> None:
    order = scene.order()
    order_id = UUID(order.id)
    await scene.tell_orders(order)
    payment_id = await scene.pay()
    await scene.tell_orders(changed(order, currency="EUR", total="4"))
    row = await scene.order_row(order_id)
    assert row.payable.currency == "EUR"
    assert row.payable.paid == 0
    last = (await scene.told_of(order_id))[-1]
    assert (last.amount_paid.currency, last.amount_paid.amount) == ("EUR", "0")
    assert ("payments.paid_in_other_currency", f"order/{order.id}") in await scene.tasks()
    assert await scene.unmatch(payment_id)
    assert await scene.paid(order_id) == 0
    assert (await scene.payment(payment_id)).unallocated == "100"
    assert not await scene.tasks()


async def test_the_order_book_is_told_anew_in_each_currency_it_takes(scene: Scene) -> None:
    """It leaves aside what it is told in a currency that was, even where the sums are alike."""
    order = scene.order()
    order_id = UUID(order.id)
    await scene.tell_orders(order)
    await scene.pay()
    euros = changed(order, currency="EUR")
    await scene.tell_orders(euros)
    await scene.pay(amount="100", currency="EUR")
    crowns = changed(euros, currency="CZK")
    await scene.tell_orders(crowns)
    told = await scene.told_of(order_id)
    sums = [(each.revision, each.amount_paid.currency, each.amount_paid.amount) for each in told]
    assert sums == [(1, "CZK", "100"), (2, "EUR", "0"), (3, "EUR", "100"), (4, "CZK", "100")]
    assert ("payments.paid_in_other_currency", f"order/{order.id}") in await scene.tasks()


async def test_an_account_that_paid_before_is_forgotten_when_it_is_taken_back(
    scene: Scene,
) -> None:
    await scene.place("2026001", customer=order_pb2.Customer(email="jan@example.com"))
    payment_id = await scene.pay("2026001")
    known = "SELECT customer_key FROM payer WHERE tenant_id = %s AND times > 0"
    assert len(await scene.rows(known)) == 1
    await scene.unmatch(payment_id)
    assert not await scene.rows(known)


async def test_events_in_any_order_end_in_the_same_state(scene: Scene) -> None:
    order = scene.order("2026001", "100")
    amended = changed(order, total="60")
    notice = scene.notice("2026001", "60", trust=mail.TRUST_TRUSTED)
    await scene.tell_only(notice)
    await scene.tell_orders_only(amended)
    await scene.tell_orders_only(order)
    await scene.recheck()
    assert await scene.paid(UUID(order.id)) == Decimal(60)
    assert (await scene.told_of(UUID(order.id)))[-1].payment_state == order_pb2.PAYMENT_STATE_PAID
    await scene.check()
