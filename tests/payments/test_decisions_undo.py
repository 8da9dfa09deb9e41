"""Any sequence of people's decisions conserves money, and each can be taken back exactly."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payments.decisions.confirming import confirm
from payments.decisions.effect import Effect, change_by_order
from payments.decisions.keeping import credit, discard
from payments.decisions.matching import Share, match, never_pair, unmatch
from payments.decisions.memory import decode, encode, remember
from payments.decisions.standing import Disposition, Line, OrderStanding, Standing
from payments.decisions.undoing import Entry, require_undoable, undo
from payments.matching.values import PaymentStatus
from spojka.errors import FailedPrecondition, RequestError
from spojka.tasks import SPOJKA
from spojka.values import ZERO

JANA = "jana"
FIRST, SECOND, THIRD = (UUID(int=place) for place in (1, 2, 3))
HELD = Disposition(PaymentStatus.UNCONFIRMED, hold=1, needs_person=True, decided_by="")
OPEN = Disposition(PaymentStatus.UNMATCHED, hold=0, needs_person=True, decided_by="")


@dataclass
class Ledger:
    """A payment and three orders, with every decision written down as storage would."""

    payment: Standing
    orders: dict[UUID, OrderStanding]
    history: list[Entry] = field(default_factory=list)
    memories: dict[UUID, bytes] = field(default_factory=dict)
    ids: int = 100

    @staticmethod
    def of(amount: int, totals: Sequence[int], disposition: Disposition = OPEN) -> "Ledger":
        payment = Standing(
            UUID(int=99),
            incoming=True,
            currency="CZK",
            amount=Decimal(amount),
            disposition=disposition,
        )
        orders = {
            UUID(int=place): OrderStanding(
                UUID(int=place), str(place), "CZK", Decimal(total), ZERO, cancelled=False
            )
            for place, total in enumerate(totals, 1)
        }
        return Ledger(payment, orders)

    def apply(self, effect: Effect, actor: str = JANA, undoes: UUID | None = None) -> None:
        memory = remember(self.payment, effect, self.orders)
        self._write(effect)
        entry = Entry(self._id(), actor, effect.kind, effect.summary, undoes)
        self.history.append(entry)
        self.memories[entry.id] = encode(memory)

    def undo(self) -> None:
        entry = require_undoable(self.history)
        effect = undo(self.payment, entry, decode(self.memories[entry.id]), self.orders)
        self.apply(effect, undoes=entry.id)

    def spojka_matches(self, order_id: UUID) -> None:
        """Spojka gives an order what it owes, as it does after a release."""
        effect = match(self.payment, [Share(order_id)], self.orders, "")
        self.apply(effect, actor=SPOJKA)

    def state(self) -> object:
        paid = {order_id: order.paid for order_id, order in self.orders.items()}
        return (self.payment.disposition, dict(self.payment.given), self.payment.credited, paid,
                self.payment.ruled_out)  # fmt: skip

    def check(self) -> None:
        payment = self.payment
        assert payment.unallocated >= 0
        given = sum(payment.given.values(), ZERO)
        assert given + payment.credited + payment.unallocated == payment.amount
        assert {o: order.paid for o, order in self.orders.items() if order.paid} == payment.given
        taken_back = [line.reverses_id for line in payment.lines if line.reverses_id]
        assert len(taken_back) == len(set(taken_back))

    def _write(self, effect: Effect) -> None:
        lines = tuple(
            Line(self._id(), new.order_id, new.amount, new.reverses_id) for new in effect.lines
        )
        ruled_out = (self.payment.ruled_out | effect.rules_out) - effect.allows
        self.payment = replace(
            self.payment,
            disposition=effect.after,
            lines=(*self.payment.lines, *lines),
            ruled_out=ruled_out,
        )
        for order_id, amount in change_by_order(effect.lines).items():
            if order_id is not None:
                order = self.orders[order_id]
                self.orders[order_id] = replace(order, paid=order.paid + amount)

    def _id(self) -> UUID:
        self.ids += 1
        return UUID(int=self.ids)


Step = Callable[[Ledger], None]
order_ids = st.sampled_from([FIRST, SECOND, THIRD])
shares = st.lists(
    st.builds(Share, order_ids, st.none() | st.integers(1, 40).map(Decimal)), min_size=1, max_size=3
)
steps: st.SearchStrategy[Step] = st.one_of(
    shares.map(lambda s: lambda led: led.apply(match(led.payment, s, led.orders, JANA))),
    st.just(lambda led: led.apply(unmatch(led.payment, led.orders, JANA))),
    st.just(lambda led: led.apply(credit(led.payment, led.orders, JANA))),
    st.just(lambda led: led.apply(discard(led.payment, "no", JANA))),
    st.just(lambda led: led.apply(confirm(led.payment, sender="", others=0, more=False))),
    order_ids.map(
        lambda o: lambda led: led.apply(never_pair(led.payment, led.orders[o], led.orders, JANA))
    ),
    st.just(lambda led: led.undo()),
)


@given(
    st.integers(1, 60),
    st.lists(st.integers(1, 40), min_size=3, max_size=3),
    st.sampled_from([OPEN, HELD]),
    st.lists(steps, max_size=12),
)
@settings(max_examples=400)
def test_any_sequence_conserves_money_and_undoes_to_where_it_began(
    amount: int, totals: list[int], disposition: Disposition, acts: list[Step]
) -> None:
    ledger = Ledger.of(amount, totals, disposition)
    states = [ledger.state()]
    for act in acts:
        before, undone = ledger.state(), sum(1 for e in ledger.history if e.undoes_id)
        try:
            act(ledger)
        except RequestError:
            assert ledger.state() == before
            continue
        ledger.check()
        if sum(1 for e in ledger.history if e.undoes_id) > undone:
            states.pop()
            assert ledger.state() == states[-1]
        else:
            states.append(ledger.state())
    while len(states) > 1:
        ledger.undo()
        ledger.check()
        states.pop()
        assert ledger.state() == states[-1]
    with pytest.raises(FailedPrecondition, match="none to undo"):
        ledger.undo()


def test_a_confirmation_is_undone_with_what_spojka_then_matched() -> None:
    ledger = Ledger.of(10, [10, 20, 30], HELD)
    before = ledger.state()
    ledger.apply(confirm(ledger.payment, sender="", others=0, more=False))
    ledger.spojka_matches(FIRST)
    assert ledger.orders[FIRST].paid == 10
    ledger.undo()
    assert ledger.state() == before


def test_a_pair_ruled_out_is_undone_with_what_spojka_then_matched() -> None:
    ledger = Ledger.of(10, [10, 10, 30])
    ledger.spojka_matches(FIRST)
    before = ledger.state()
    ledger.apply(never_pair(ledger.payment, ledger.orders[FIRST], ledger.orders, JANA))
    ledger.spojka_matches(SECOND)
    ledger.undo()
    assert ledger.state() == before


def test_what_spojka_did_after_another_decision_stands_in_the_way() -> None:
    ledger = Ledger.of(10, [10, 10, 30])
    ledger.apply(match(ledger.payment, [Share(FIRST)], ledger.orders, JANA))
    ledger.history.append(Entry(UUID(int=500), SPOJKA, "reverse", "The bank took it back."))
    with pytest.raises(FailedPrecondition, match=r"something else.*The bank took it back\."):
        ledger.undo()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"cancelled": True}, "cancelled since"),
        ({"paid": Decimal(1)}, "owes 9.00 CZK, and 10.00 CZK would go back"),
        ({"total": Decimal(9)}, "owes 9.00 CZK"),
    ],
)
def test_an_order_that_changed_since_takes_nothing_again(change: dict[str, Any], says: str) -> None:
    ledger = Ledger.of(10, [10, 10, 30])
    ledger.apply(match(ledger.payment, [Share(FIRST)], ledger.orders, JANA))
    ledger.apply(unmatch(ledger.payment, ledger.orders, JANA))
    ledger.orders[FIRST] = replace(ledger.orders[FIRST], **change)
    with pytest.raises(FailedPrecondition, match=says):
        ledger.undo()


def test_an_order_that_was_cancelled_before_takes_its_money_again() -> None:
    ledger = Ledger.of(10, [10, 10, 30])
    ledger.apply(match(ledger.payment, [Share(FIRST)], ledger.orders, JANA))
    ledger.orders[FIRST] = replace(ledger.orders[FIRST], cancelled=True)
    before = ledger.state()
    ledger.apply(unmatch(ledger.payment, ledger.orders, JANA))
    ledger.undo()
    assert ledger.state() == before
