"""What the soak does follows from its seed, reaches every kind, and is judged with teeth."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast, get_args

import pytest

from proof.soak.accounts import has_check
from proof.soak.decisions import Decided, decision_complaints, status_complaints
from proof.soak.memory import Memory, Sample
from proof.soak.plan import LOAD_SECONDS, Matter, plan_phase
from proof.soak.strikes import DISKS, Answers, Deed, FullDisk
from spojka.api.orders.v1 import order_pb2
from spojka.api.payments.v1 import payment_pb2
from tests.faults.judgement import Evidence
from tests.faults.plan import Fate, Paying
from tests.faults.system import PRODUCTS

PHASES = range(1, 61)
ORDER = "o"


def test_a_phase_follows_from_its_seed_and_number_alone() -> None:
    assert plan_phase(5, 7, PRODUCTS) == plan_phase(5, 7, PRODUCTS)
    assert plan_phase(5, 7, PRODUCTS) != plan_phase(5, 8, PRODUCTS)
    assert plan_phase(5, 7, PRODUCTS).strikes != plan_phase(6, 7, PRODUCTS).strikes


def test_an_hour_of_phases_strikes_in_every_way_and_decides_everything() -> None:
    phases = [plan_phase(1, number, PRODUCTS) for number in PHASES]
    deeds = [strike.deed for phase in phases for strike in phase.strikes]
    assert {type(deed) for deed in deeds} == set(get_args(Deed))
    assert {deed.disk for deed in deeds if isinstance(deed, FullDisk)} == set(DISKS)
    assert "repeated" in {deed.effect for deed in deeds if isinstance(deed, Answers)}
    deals = [deal for phase in phases for deal in phase.deals]
    assert {deal.matter for deal in deals} == set(Matter)
    assert {deal.order.paying for deal in deals} == set(Paying)
    assert any(phase.opens_gate for phase in phases)
    assert all(
        0 <= strike.at_seconds <= LOAD_SECONDS for phase in phases for strike in phase.strikes
    )
    numbers = Counter(deal.order.number for deal in deals)
    symbols = Counter(symbol for deal in deals for symbol in (deal.order.symbol, deal.other_symbol))
    symbols.update(deal.second.symbol for deal in deals if deal.second is not None)
    assert max(numbers.values()) == 1
    assert max(symbols.values()) == 1


def test_an_order_that_changes_is_left_to_chance_and_not_to_people() -> None:
    for phase in (plan_phase(2, number, PRODUCTS) for number in PHASES):
        firsts = [deal for deal in phase.deals if deal.matter is Matter.FIRST_OF_SENDER]
        assert len(firsts) <= 1
        for deal in phase.deals:
            if deal.matter is not Matter.NOTHING:
                assert deal.order.paying is Paying.ONCE


def test_a_transfer_for_two_orders_comes_with_both_and_statuses_are_set_everywhere() -> None:
    deals = [deal for number in PHASES for deal in plan_phase(3, number, PRODUCTS).deals]
    split = [deal for deal in deals if deal.matter is Matter.SPLIT]
    assert len(split) >= 10
    assert all((deal.second is not None) == (deal.matter is Matter.SPLIT) for deal in deals)
    called = [deal for deal in deals if deal.statuses]
    assert {deal.order.fate for deal in called} == set(Fate)
    assert {len(deal.statuses) for deal in called} == {1, 2}


def _evidence(
    payment: dict[str, Any],
    *decisions: tuple[str, str],
    lines: Sequence[tuple[str | None, int]] = ((ORDER, 100), (None, 50)),
) -> Evidence:
    rows = [
        {"payment_id": payment["id"], "actor": actor, "kind": kind} for actor, kind in decisions
    ]
    allocations = [
        {"payment_id": payment["id"], "order_id": order_id, "amount": Decimal(amount)}
        for order_id, amount in lines
    ]
    books = SimpleNamespace(
        payments={payment["id"]: payment}, decisions=rows, allocations=allocations
    )
    return cast("Evidence", SimpleNamespace(books=books))


CREDITED = Decided(
    symbol="42",
    amount=Decimal(150),
    kinds=["credit", "undo", "credit"],
    status=payment_pb2.PAYMENT_STATUS_MATCHED,
    shares={ORDER: Decimal(100)},
    credited=Decimal(50),
)
PAYMENT = {
    "id": "p",
    "variable_symbol": "42",
    "amount": Decimal(150),
    "status": int(payment_pb2.PAYMENT_STATUS_MATCHED),
    "allocated": Decimal(100),
    "credited": Decimal(50),
}
MADE = (("spojka", "match"), ("key/1", "credit"), ("key/1", "undo"), ("key/1", "credit"))


def test_decisions_that_stand_as_they_were_answered_are_no_complaint() -> None:
    assert list(decision_complaints([CREDITED], _evidence(PAYMENT, *MADE))) == []


@pytest.mark.parametrize(
    ("payment", "made"),
    [
        (PAYMENT, MADE[:-1]),
        (PAYMENT, (*MADE, ("key/1", "undo"))),
        (PAYMENT | {"credited": Decimal(49)}, MADE),
        (PAYMENT | {"allocated": Decimal(101)}, MADE),
        (PAYMENT | {"status": int(payment_pb2.PAYMENT_STATUS_OVERPAID)}, MADE),
    ],
    ids=["lost", "twice", "a cent of credit", "a cent too much", "another status"],
)
def test_a_decision_that_does_not_stand_so_is_a_complaint(
    payment: dict[str, Any], made: tuple[tuple[str, str], ...]
) -> None:
    assert list(decision_complaints([CREDITED], _evidence(payment, *made)))


@pytest.mark.parametrize(
    "lines",
    [
        ((ORDER, 99), ("p", 1)),
        (("p", 100),),
        ((ORDER, 100), ("p", 1), ("p", -1), (ORDER, 1)),
    ],
    ids=["a part to another", "to another", "a cent too much"],
)
def test_money_that_another_order_has_is_a_complaint(
    lines: Sequence[tuple[str | None, int]],
) -> None:
    assert list(decision_complaints([CREDITED], _evidence(PAYMENT, *MADE, lines=lines)))


def test_what_was_given_and_taken_back_is_no_complaint() -> None:
    left = Decided("42", Decimal(150), ["unmatch"])
    stands = PAYMENT | {
        "status": int(payment_pb2.PAYMENT_STATUS_UNMATCHED),
        "allocated": Decimal(0),
        "credited": Decimal(0),
    }
    made = (("spojka", "match"), ("key/1", "unmatch"))
    evidence = _evidence(stands, *made, lines=((ORDER, 100), (ORDER, -100)))
    assert list(decision_complaints([left], evidence)) == []
    assert list(decision_complaints([left], _evidence(stands, *made, lines=((ORDER, 100),))))


def _called(status: str, *summaries: str) -> Evidence:
    order = order_pb2.Order(id=ORDER, number="p1-01", status=status)
    history = [{"summary": summary} for summary in ("Placed.", *summaries)]
    books = SimpleNamespace(orders={ORDER: order}, history={ORDER: history})
    return cast("Evidence", SimpleNamespace(books=books))


PACKED = "Its status was set to 'packed'."


def test_a_status_is_what_was_set_last_and_stands_in_the_history_once() -> None:
    assert list(status_complaints({ORDER: ["packed"]}, _called("packed", PACKED))) == []
    assert list(status_complaints({}, _called(""))) == []
    for statuses, evidence in (
        ({ORDER: ["packed"]}, _called("", PACKED)),
        ({ORDER: ["packed"]}, _called("packed")),
        ({ORDER: ["packed"]}, _called("packed", PACKED, PACKED)),
        ({}, _called("packed", PACKED)),
    ):
        assert list(status_complaints(statuses, evidence))


def test_a_decision_that_nobody_was_told_of_is_a_complaint() -> None:
    assert list(decision_complaints([], _evidence(PAYMENT, *MADE)))


def test_memory_grows_by_what_a_process_gains_in_its_life() -> None:
    lives = [Sample(1, 0, 100), Sample(1, 60, 110), Sample(2, 60, 50), Sample(2, 120, 60)]
    (growth,) = Memory({"stock": lives}).growths()
    assert growth.mib_per_hour == pytest.approx(10)
    assert (growth.first_mib, growth.last_mib, growth.max_mib) == (100, 60, 110)
    single = [lives[0], lives[2]]
    assert next(Memory({"stock": single}).growths()).mib_per_hour is None


def test_check_digits_are_those_of_real_accounts() -> None:
    assert has_check("1111111111")
    assert not has_check("1111111112")
