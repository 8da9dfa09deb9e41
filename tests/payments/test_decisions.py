"""What each decision of a person does to ledger lines and to how a payment stands."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from payments.decisions.confirming import confirm
from payments.decisions.effect import Effect, Kind
from payments.decisions.keeping import credit, discard
from payments.decisions.matching import Share, match, never_pair, unmatch
from payments.decisions.standing import Disposition, Line, OrderStanding, Standing
from payments.matching.values import PaymentStatus
from spojka.errors import FailedPrecondition, InvalidArgument, NotFound, RequestError

JANA = "jana"
UNMATCHED = PaymentStatus.UNMATCHED
MATCHED = PaymentStatus.MATCHED
PARTIAL = PaymentStatus.PARTIAL
OVERPAID = PaymentStatus.OVERPAID
DISCARDED = PaymentStatus.DISCARDED


def a_payment(amount: str = "1000", *lines: Line, **fields: object) -> Standing:
    disposition = Disposition(UNMATCHED, hold=0, needs_person=True, decided_by="")
    payment = Standing(
        uuid4(),
        incoming=True,
        currency="CZK",
        amount=Decimal(amount),
        disposition=disposition,
        lines=lines,
    )
    return replace(payment, **fields)  # type: ignore[arg-type]


def an_order(total: str, paid: str = "0", **fields: object) -> OrderStanding:
    id_ = uuid4()
    order = OrderStanding(
        id_, f"2026-{id_.int % 1000}", "CZK", Decimal(total), Decimal(paid), cancelled=False
    )
    return replace(order, **fields)  # type: ignore[arg-type]


def book(*orders: OrderStanding) -> Mapping[UUID, OrderStanding]:
    return {order.id: order for order in orders}


def line_to(order: OrderStanding | None, amount: str) -> Line:
    return Line(uuid4(), order.id if order else None, Decimal(amount))


def amounts(effect: Effect) -> object:
    return [(line.order_id, line.amount) for line in effect.lines]


def test_a_share_without_an_amount_takes_what_the_order_owes() -> None:
    order = an_order("1250", "350")
    effect = match(a_payment("1000"), [Share(order.id)], book(order), JANA)
    assert amounts(effect) == [(order.id, 900)]
    assert effect.after == Disposition(OVERPAID, 0, needs_person=True, decided_by=JANA)
    assert effect.summary.endswith("100.00 CZK of the payment is left.")


def test_a_share_without_an_amount_takes_no_more_than_is_left() -> None:
    first, second = an_order("700"), an_order("700")
    effect = match(
        a_payment("1000"), [Share(first.id), Share(second.id)], book(first, second), JANA
    )
    assert amounts(effect) == [(first.id, 700), (second.id, 300)]
    assert effect.after == Disposition(PARTIAL, 0, needs_person=False, decided_by=JANA)


def test_amounts_that_were_said_come_before_shares_without_one() -> None:
    first, second = an_order("700"), an_order("700")
    shares = [Share(first.id), Share(second.id, Decimal(600))]
    effect = match(a_payment("1000"), shares, book(first, second), JANA)
    assert amounts(effect) == [(first.id, 400), (second.id, 600)]


def test_an_exact_share_matches() -> None:
    order = an_order("1000")
    effect = match(a_payment("1000"), [Share(order.id)], book(order), JANA)
    assert effect.after == Disposition(MATCHED, 0, needs_person=False, decided_by=JANA)
    assert effect.summary == f"Given to order {order.number} (1 000.00 CZK)."


def test_a_difference_within_the_tolerance_covers_the_order() -> None:
    order = an_order("1000.50", tolerance=Decimal("0.50"))
    effect = match(a_payment("1000"), [Share(order.id)], book(order), JANA)
    assert effect.after.status == MATCHED


def test_more_than_is_owed_is_given_where_it_is_said_and_shown() -> None:
    order = an_order("900")
    effect = match(a_payment("1000"), [Share(order.id, Decimal(1000))], book(order), JANA)
    assert amounts(effect) == [(order.id, 1000)]
    assert effect.after.status == MATCHED
    assert f"Order {order.number} is over-paid by 100.00 CZK of it." in effect.summary


def test_matching_an_order_that_was_ruled_out_allows_the_pair_again() -> None:
    order = an_order("1000")
    payment = a_payment(ruled_out=frozenset({order.id}))
    effect = match(payment, [Share(order.id)], book(order), JANA)
    assert effect.allows == {order.id}


CANCELLED, EUROS, PAID = (
    an_order("1000", cancelled=True),
    an_order("1000", currency="EUR"),
    an_order("1000", "1000"),
)
OPEN, OTHER = an_order("1000"), an_order("1000")


@pytest.mark.parametrize(
    ("payment", "shares", "kind", "says"),
    [
        (a_payment(), [Share(CANCELLED.id)], "ORDER_CANCELLED", "place the order anew"),
        (a_payment(), [Share(EUROS.id)], "CURRENCY_DIFFERS", "is in EUR, the payment in CZK"),
        (a_payment(), [Share(PAID.id)], "ORDER_OWES_NOTHING", "say the amount"),
        (a_payment(), [Share(OPEN.id, Decimal(1001))], "NOT_ENOUGH_LEFT", "only 1 000.00 CZK"),
        (
            a_payment(),
            [Share(OPEN.id, Decimal(600)), Share(OTHER.id, Decimal("400.01"))],
            "NOT_ENOUGH_LEFT",
            "1 000.01 CZK",
        ),
        (a_payment(), [Share(OPEN.id), Share(OTHER.id)], "NOT_ENOUGH_LEFT", "nothing"),
        (a_payment("10", line_to(OTHER, "10")), [Share(OPEN.id)], "NOT_ENOUGH_LEFT", "nothing"),
        (a_payment(incoming=False), [Share(OPEN.id)], "PAYMENT_PAYS_NOTHING", "written down"),
        (
            a_payment(disposition=Disposition(DISCARDED, 0, needs_person=False, decided_by=JANA)),
            [Share(OPEN.id)],
            "PAYMENT_DISCARDED",
            "undo",
        ),
    ],
)
def test_what_a_match_refuses(payment: Standing, shares: list[Share], kind: str, says: str) -> None:
    orders = book(CANCELLED, EUROS, PAID, OPEN, OTHER)
    with pytest.raises(FailedPrecondition, match=says) as refused:
        match(payment, shares, orders, JANA)
    assert refused.value.reason == kind


def test_an_order_that_is_not_there_is_named() -> None:
    with pytest.raises(NotFound, match=str(OPEN.id)):
        match(a_payment(), [Share(OPEN.id)], {}, JANA)


def test_an_order_named_twice_is_a_fault_of_the_request() -> None:
    with pytest.raises(InvalidArgument) as refused:
        match(a_payment(), [Share(OPEN.id), Share(OPEN.id)], book(OPEN), JANA)
    assert [each.field for each in refused.value.violations] == ["shares[1].order_id"]


def test_unmatching_takes_back_orders_and_leaves_credit() -> None:
    first, second = an_order("400", "400"), an_order("500", "500")
    given = [line_to(first, "400"), line_to(second, "500"), line_to(None, "100")]
    effect = unmatch(a_payment("1000", *given), book(first, second), JANA)
    assert amounts(effect) == [(first.id, -400), (second.id, -500)]
    assert [line.reverses_id for line in effect.lines] == [given[0].id, given[1].id]
    assert effect.after == Disposition(UNMATCHED, 0, needs_person=True, decided_by=JANA)


def test_a_line_that_was_taken_back_is_not_taken_back_again() -> None:
    order = an_order("400")
    line = line_to(order, "400")
    back = Line(uuid4(), order.id, Decimal(-400), line.id)
    with pytest.raises(FailedPrecondition, match="given to no order"):
        unmatch(a_payment("400", line, back), book(order), JANA)


def test_what_is_over_becomes_credit() -> None:
    order = an_order("900", "900")
    effect = credit(a_payment("1000", line_to(order, "900")), book(order), JANA)
    assert amounts(effect) == [(None, 100)]
    assert effect.after == Disposition(MATCHED, 0, needs_person=False, decided_by=JANA)
    assert effect.summary == "100.00 CZK is kept as the customer's credit."


def test_a_whole_payment_becomes_credit() -> None:
    assert credit(a_payment("1000"), {}, JANA).after.status == MATCHED


def test_ruling_out_an_order_that_has_nothing_of_it_changes_the_pair_alone() -> None:
    payment = a_payment()
    effect = never_pair(payment, OPEN, book(OPEN), JANA)
    assert (effect.lines, effect.after) == ((), payment.disposition)
    assert effect.rules_out == {OPEN.id}


@pytest.mark.parametrize(("decided_by", "then"), [("", ""), ("petr", JANA)])
def test_ruling_out_a_paired_order_unmatches_it(decided_by: str, then: str) -> None:
    paid, kept = an_order("600", "600"), an_order("400", "400")
    payment = a_payment(
        "1000",
        line_to(paid, "600"),
        line_to(kept, "400"),
        disposition=Disposition(MATCHED, 0, needs_person=False, decided_by=decided_by),
    )
    effect = never_pair(payment, paid, book(paid, kept), JANA)
    assert amounts(effect) == [(paid.id, -600)]
    # What Spojka decided is open again for Spojka; what a person decided, for persons.
    assert effect.after == Disposition(OVERPAID, 0, needs_person=True, decided_by=then)


def test_a_confirmation_names_the_sender_and_what_goes_with_it() -> None:
    held = Disposition(PaymentStatus.UNCONFIRMED, hold=1, needs_person=True, decided_by="")
    effect = confirm(a_payment(disposition=held), sender="fio.cz", others=2, more=False)
    assert effect.kind is Kind.CONFIRM
    assert effect.after == Disposition(UNMATCHED, 0, needs_person=True, decided_by="")
    assert effect.summary == (
        "Confirmed, and with it the sender fio.cz. "
        "2 other payments that waited for this may be matched."
    )


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (lambda: confirm(a_payment(), sender="", others=0, more=False), "no confirmation"),
        (lambda: unmatch(a_payment(), {}, JANA), "given to no order"),
        (lambda: credit(a_payment("5", line_to(None, "5")), {}, JANA), "nothing of the payment"),
        (lambda: discard(a_payment("5", line_to(OPEN, "2")), "x", JANA), "2.00 CZK of the payment"),
        (
            lambda: discard(
                a_payment(
                    incoming=False,
                    disposition=Disposition(
                        PaymentStatus.OUTGOING, 0, needs_person=False, decided_by=""
                    ),
                ),
                "x",
                JANA,
            ),
            "waits for nobody",
        ),
    ],
)
def test_what_the_others_refuse(act: Callable[[], Effect], says: str) -> None:
    with pytest.raises(RequestError, match=says):
        act()
