"""The three states and the revisions, whatever comes in whatever order."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.domain.change import Change, Told
from orders.domain.content import References
from orders.domain.fulfilment import mark_shipped
from orders.domain.imports import DELIVERED_CANCELLED, IMPORT_BLOCKED, Report, take_report
from orders.domain.order import FulfilmentState, Import, ImportState, Order, PaymentState
from orders.domain.payment import MONEY_ON_CANCELLED, judged_state, pay
from orders.domain.transitions import add_references, amend, cancel, set_status
from spojka.errors import Conflict, FailedPrecondition, InvalidArgument
from tests.orders.values import (
    LATER,
    NO_RULE,
    RULE,
    amounts,
    goods,
    import_reports,
    payment_reports,
    placed,
    quantities,
    wish,
    with_status,
)

PAID, UNPAID, PARTIAL = PaymentState.PAID, PaymentState.UNPAID, PaymentState.PARTIAL
OVERPAID, REFUNDED = PaymentState.OVERPAID, PaymentState.REFUNDED
OPEN, DELIVERED = FulfilmentState.OPEN, FulfilmentState.DELIVERED


def after(change: Change | None) -> Order:
    assert change is not None
    return change.order


def paid(order: Order, amount: str, revision: int = 1, said: PaymentState | None = None) -> Order:
    return after(pay(order, revision, Decimal(amount), said, RULE, LATER))


def cancelled(order: Order) -> Order:
    return after(cancel(order, order.content_revision, "", RULE, LATER))


def delivered(order: Order, revision: int = 1, **lines: str) -> Change | None:
    quantities = {name.removeprefix("line_"): Decimal(q) for name, q in lines.items()}
    report = Report(Import(ImportState.ACKED, revision=revision), delivered=quantities)
    return take_report(order, report, RULE, LATER)


@pytest.mark.parametrize(
    ("amount", "said", "state"),
    [
        ("0", None, UNPAID),
        ("0", REFUNDED, REFUNDED),
        ("40", None, PARTIAL),
        ("40", REFUNDED, PARTIAL),
        ("40", PAID, PARTIAL),
        ("99.50", PAID, PAID),
        ("99.50", UNPAID, PARTIAL),
        ("100", None, PAID),
        ("100", PARTIAL, PAID),
        ("100.50", None, OVERPAID),
        ("100.50", PAID, PAID),
        ("200", PAID, OVERPAID),
    ],
)
def test_amounts_decide_but_for_refunds_and_small_differences(
    amount: str, said: PaymentState | None, state: PaymentState
) -> None:
    assert judged_state(Decimal(amount), Decimal(100), said) is state


def test_an_order_with_nothing_to_pay_is_paid_from_the_start() -> None:
    order = placed(total="0", rule=RULE)
    assert (order.payment_state, order.status) == (PAID, "paid")


@given(payment_reports(), st.randoms(use_true_random=False))
def test_reports_of_payments_end_the_same_in_any_order(
    reports: list[tuple[int, Decimal, PaymentState | None]], random: Random
) -> None:
    def end(arrivals: list[tuple[int, Decimal, PaymentState | None]]) -> tuple[object, ...]:
        order = placed()
        for revision, amount, said in arrivals:
            change = pay(order, revision, amount, said, NO_RULE, LATER)
            order = change.order if change else order
        return order.amount_paid, order.payment_state, order.payment_revision

    shuffled = [*reports, *reports]
    random.shuffle(shuffled)
    assert end(shuffled) == end(reports)


@given(import_reports(), st.randoms(use_true_random=False))
def test_reports_of_imports_end_the_same_in_any_order(
    reports: list[Report], random: Random
) -> None:
    def end(arrivals: list[Report]) -> tuple[object, ...]:
        order = placed(goods("1"), goods("2"))
        for report in arrivals:
            change = take_report(order, report, NO_RULE, LATER)
            order = change.order if change else order
        return order.imported, order.deliveries, order.fulfilment_state

    shuffled = [*reports, *reports]
    random.shuffle(shuffled)
    assert end(shuffled) == end(reports)


steps: st.SearchStrategy[Callable[[Order], Change | None]] = st.one_of(
    st.builds(
        lambda quantity, note: (
            lambda order: amend(
                order,
                replace(
                    wish(goods(quantity=str(quantity + 1))),
                    references=References(invoice_number=note),
                ),
                order.content_revision,
                RULE,
                LATER,
            )
        ),
        quantities,
        st.sampled_from(["", "F1", "F2"]),
    ),
    st.just(lambda order: cancel(order, order.content_revision, "", RULE, LATER)),
    st.builds(
        lambda status: lambda order: set_status(order, status, LATER),
        st.sampled_from(["packed", "paid"]),
    ),
    st.builds(
        lambda revision, amount: lambda order: pay(order, revision, amount, None, RULE, LATER),
        st.integers(1, 9),
        amounts,
    ),
    st.builds(
        lambda quantity: lambda order: mark_shipped(order, {"1": quantity}, RULE, LATER),
        quantities,
    ),
    st.builds(
        lambda report: lambda order: take_report(order, report, RULE, LATER),
        import_reports().map(lambda reports: reports[-1]),
    ),
    st.builds(
        lambda vs: lambda order: add_references(order, References(vs), RULE, LATER),
        st.sampled_from(["", "1", "2"]),
    ),
)


@given(st.lists(steps, max_size=15))
def test_revisions_grow_by_what_happened(many: list[Callable[[Order], Change | None]]) -> None:
    order = placed(rule=RULE)
    for step in many:
        try:
            change = step(order)
        except (FailedPrecondition, InvalidArgument):
            continue
        if change is None:
            continue
        assert change.order.revision == order.revision + bool(change.summary)
        same_content = (
            change.order.content == order.content and change.order.cancelled == order.cancelled
        )
        assert change.order.content_revision == order.content_revision + (not same_content)
        assert change.order.cancelled or not order.cancelled
        if not change.summary:
            assert change.told is None
        if change.order.status != order.status:
            assert change.told is not None
        if order.cancelled and change.order.payment_state is not order.payment_state:
            assert change.order.payment_state in {UNPAID, REFUNDED, PARTIAL, PAID}
            assert change.order.amount_paid < max(order.amount_paid, Decimal("0.01"))
        order = change.order


def test_payment_moves_the_status_once() -> None:
    order = paid(placed(rule=RULE), "100")
    assert order.status == "paid"
    order = with_status(order, "sent by hand")
    assert paid(order, "120", 2).status == "sent by hand"


def test_an_excepted_status_stays_when_the_order_is_paid() -> None:
    assert paid(with_status(placed(), "packed"), "100").status == "packed"


def test_payment_after_shipment_sets_nothing_back() -> None:
    order = after(mark_shipped(placed(rule=RULE), None, RULE, LATER))
    assert (order.fulfilment_state, order.status) == (DELIVERED, "done")
    order = paid(order, "100")
    assert (order.payment_state, order.fulfilment_state) == (PAID, DELIVERED)
    assert order.status == "done"


def test_a_cancelled_order_does_not_become_paid() -> None:
    order = cancelled(placed(rule=RULE))
    assert order.status == "off"
    change = pay(order, 1, Decimal(100), PAID, RULE, LATER)
    assert after(change).payment_state is UNPAID
    assert after(change).amount_paid == 100
    assert after(change).status == "off"
    assert change is not None
    assert [task.kind for task in change.opened] == [MONEY_ON_CANCELLED]
    back = pay(after(change), 2, Decimal(0), REFUNDED, RULE, LATER)
    assert back is not None
    assert back.closed == (MONEY_ON_CANCELLED,)


def test_cancelling_a_paid_order_asks_for_the_money_to_be_given_back() -> None:
    change = cancel(paid(placed(), "40"), 1, "", RULE, LATER)
    assert change is not None
    assert change.opened[0].details["amount_paid"] == "40"


def test_an_amendment_counts_what_is_paid_anew() -> None:
    order = paid(placed(), "100")
    dearer = after(amend(order, wish(goods(price="75"), total="150"), 1, RULE, LATER))
    assert dearer.payment_state is PARTIAL
    cheaper = after(amend(order, wish(goods(price="40"), total="80"), 1, RULE, LATER))
    assert cheaper.payment_state is OVERPAID


def test_an_amendment_can_make_an_order_paid() -> None:
    order = paid(placed(rule=RULE), "80")
    cheaper = amend(order, wish(goods(price="40"), total="80"), 1, RULE, LATER)
    assert after(cheaper).payment_state is PAID
    assert after(cheaper).status == "paid"


def test_a_stale_revision_is_refused_but_not_a_repetition() -> None:
    order = after(amend(placed(), wish(goods(quantity="3")), 1, RULE, LATER))
    assert amend(order, wish(goods(quantity="3")), 1, RULE, LATER) is None
    with pytest.raises(Conflict, match="content revision 2"):
        amend(order, wish(goods(quantity="4")), 1, RULE, LATER)
    with pytest.raises(Conflict):
        cancel(order, 1, "", RULE, LATER)


def test_closed_orders_are_not_amended() -> None:
    shipped = after(mark_shipped(placed(), None, RULE, LATER))
    for order in (shipped, cancelled(placed())):
        with pytest.raises(FailedPrecondition):
            amend(order, wish(goods(quantity="9")), order.content_revision, RULE, LATER)
    with pytest.raises(FailedPrecondition):
        cancel(shipped, 1, "", RULE, LATER)


def test_a_line_does_not_become_less_than_what_left_the_house() -> None:
    order = after(delivered(placed(goods("1", "5"), goods("2")), line_1="3"))
    assert order.fulfilment_state is FulfilmentState.PARTLY_DELIVERED
    with pytest.raises(FailedPrecondition, match="3 of line '1'"):
        amend(order, wish(goods("1", "2"), goods("2")), 1, RULE, LATER)
    rest = after(amend(order, wish(goods("1", "3")), 1, RULE, LATER))
    assert (rest.fulfilment_state, rest.status) == (DELIVERED, "done")


def test_the_greater_word_on_deliveries_counts() -> None:
    order = placed(goods("1", "5"))
    order = after(mark_shipped(order, {"1": Decimal(4)}, RULE, LATER))
    order = after(delivered(order, line_1="3"))
    assert order.deliveries.of("1") == 4
    order = after(delivered(order, 2, line_1="5"))
    assert order.fulfilment_state is DELIVERED
    corrected = after(delivered(order, 3, line_1="2"))
    assert corrected.deliveries.of("1") == 4
    assert corrected.fulfilment_state is FulfilmentState.PARTLY_DELIVERED


def test_shipping_more_than_there_is_names_the_line() -> None:
    with pytest.raises(InvalidArgument, match=r"lines\[0\].quantity"):
        mark_shipped(placed(), {"1": Decimal(3)}, RULE, LATER)
    with pytest.raises(InvalidArgument, match=r"lines\[0\].line_id"):
        mark_shipped(placed(), {"9": Decimal(1)}, RULE, LATER)


def test_a_blocked_import_opens_a_task_that_names_lines_and_closes_when_it_goes_on() -> None:
    order = placed(goods("1"), goods("2"))
    blocked = Import(ImportState.BLOCKED, reason="no item", revision=1)
    change = take_report(order, Report(blocked, blocked_lines=("2",)), RULE, LATER)
    assert change is not None
    (task,) = change.opened
    assert task.kind == IMPORT_BLOCKED
    assert "Item 2 (P-2)" in task.summary
    assert "Item 1" not in task.summary
    assert change.told is None
    other = Report(replace(blocked, revision=2), blocked_lines=("1",))
    again = take_report(change.order, other, RULE, LATER)
    assert again is not None
    assert "Item 1 (P-1)" in again.opened[0].summary
    goes_on = Report(Import(ImportState.ACKED, document_number="OBJ1", revision=3))
    acked = take_report(again.order, goes_on, RULE, LATER)
    assert acked is not None
    assert acked.closed == (IMPORT_BLOCKED,)
    assert "OBJ1" in acked.summary


def test_goods_of_a_cancelled_order_that_left_are_a_task() -> None:
    change = delivered(cancelled(placed()), line_1="1")
    assert change is not None
    assert change.order.cancelled
    assert change.told is Told.STATUS_CHANGED
    assert [task.kind for task in change.opened] == [DELIVERED_CANCELLED]
