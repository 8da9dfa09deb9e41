"""The company alone: its counters follow from its documents, whatever happens."""

import tempfile
from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sandbox.pohoda import goods, sales
from sandbox.pohoda.goods import CardEntry
from sandbox.pohoda.model import Company, RefusedError
from sandbox.pohoda.records import CardKind, Line, Order, OrderHeader
from sandbox.pohoda.seed import Seed, sow
from sandbox.pohoda.state import SqliteState

NOW = datetime(2026, 1, 15, 10, 0, 7)  # noqa: DTZ001 - POHODA's time has no offset
STORES = ("HLAVNI", "POBOCKA")
CODES = ("A", "B", "SERVIS")
QUANTITIES = st.decimals("0.5", "9", places=1)


def contents(company: Company) -> dict[str, list[Any]]:
    return {table.name: list(table) for table in company.tables}


class CompanyMachine(RuleBasedStateMachine):
    """People and importers do what they like; refused actions must leave no trace."""

    def __init__(self) -> None:
        super().__init__()
        self.company = Company(lambda: NOW)
        self.folder = tempfile.TemporaryDirectory()
        self.state = SqliteState(Path(self.folder.name, "state.db"))
        goods.put_store(self.company, "HLAVNI")
        goods.put_store(self.company, "POBOCKA", allow_negative=True)
        for store in STORES:
            for code in CODES:
                self.enter_card(store, code, Decimal(0))

    def teardown(self) -> None:
        self.state.close()
        self.folder.cleanup()

    @rule(
        store=st.sampled_from(STORES),
        code=st.sampled_from(CODES),
        count=st.decimals("-3", "20", places=1),
    )
    def enter_card(self, store: str, code: str, count: Decimal) -> None:
        kind = CardKind.SERVICE if code == "SERVIS" else CardKind.CARD
        has_count = count if kind.has_quantity else Decimal(0)
        goods.put_card(self.company, CardEntry(store, code, code, has_count, kind=kind))

    @rule(
        lines=st.lists(st.tuples(st.integers(0, 6), QUANTITIES), min_size=1, max_size=4),
        is_reserved=st.booleans(),
    )
    def place(self, lines: list[tuple[int, Decimal]], is_reserved: bool) -> None:
        cards = [card.id for card in self.company.cards]
        number, series = sales.next_number(self.company, self.company.default_series())
        sales.place(
            self.company,
            OrderHeader(date(2026, 1, 15), {"company": "X"}),
            [
                Line(0, "line", quantity, cards[place] if place < len(cards) else None)
                for place, quantity in lines
            ],
            is_reserved=is_reserved,
            number=number,
            series_id=series.id,
            ids=("p", "i"),
        )

    @rule(
        pick=st.integers(0, 99),
        action=st.sampled_from(
            ["deliver", "deliver part", "execute", "cancel", "reserve", "unreserve", "delete"]
        ),
        part=QUANTITIES,
        force=st.booleans(),
    )
    def handle(self, pick: int, action: str, part: Decimal, force: bool) -> None:
        orders = list(self.company.orders)
        if not orders:
            return
        order = orders[pick % len(orders)]
        before = contents(self.company)
        try:
            self._handle(order, action, part, force=force)
        except RefusedError:
            assert contents(self.company) == before

    def _handle(self, order: Order, action: str, part: Decimal, *, force: bool) -> None:
        if action == "deliver":
            sales.deliver(self.company, order.id)
        elif action == "deliver part":
            sales.deliver(self.company, order.id, {order.lines[-1].id: part})
        elif action == "execute":
            sales.execute(self.company, order.id)
        elif action == "cancel":
            sales.cancel(self.company, order.id)
        elif action == "delete":
            sales.delete(self.company, order.id, force=force)
        else:
            sales.set_reserved(self.company, order.id, reserved=action == "reserve")

    @rule(
        store=st.integers(0, 5),
        delta=st.decimals("-9", "9", places=1),
    )
    def move(self, store: int, delta: Decimal) -> None:
        card = list(self.company.cards)[store]
        before = contents(self.company)
        try:
            goods.move(self.company, card.id, delta)
        except RefusedError:
            assert contents(self.company) == before

    @invariant()
    def counters_follow_from_the_documents(self) -> None:
        moved: dict[int, Decimal] = defaultdict(Decimal)
        ordered: dict[int, Decimal] = defaultdict(Decimal)
        reserved: dict[int, Decimal] = defaultdict(Decimal)
        for movement in self.company.movements:
            moved[movement.card_id] += movement.delta
        for order in self.company.orders:
            if order.is_executed or order.cancelled_on:
                continue
            for line in order.lines:
                ordered[line.card_id or 0] += line.quantity - line.delivered
                if order.is_reserved:
                    reserved[line.card_id or 0] += line.quantity - line.delivered
        for card in self.company.cards:
            if card.kind is CardKind.SERVICE:
                assert card.count == card.reservation == card.count_received_orders == 0
            else:
                assert card.count == card.opening + moved[card.id]
                assert card.count_received_orders == ordered[card.id]
                assert card.reservation == reserved[card.id]

    @invariant()
    def movements_tell_the_count_they_left(self) -> None:
        last = {movement.card_id: movement.count for movement in self.company.movements}
        for card_id, count in last.items():
            assert self.company.cards[card_id].count == count

    @invariant()
    def ids_and_numbers_are_never_given_twice(self) -> None:
        made = [made.order_id for made in self.company.imports]
        numbers = [made.number for made in self.company.imports]
        assert len(set(made)) == len(made)
        assert len(set(numbers)) == len(numbers)

    @invariant()
    def what_is_saved_is_what_is_known(self) -> None:
        self.state.save(self.company.tables)
        loaded = Company(lambda: NOW)
        self.state.load(loaded.tables)
        assert contents(loaded) == contents(self.company)


TestCompany = CompanyMachine.TestCase
TestCompany.settings = settings(max_examples=25, stateful_step_count=25)


def test_lookups_survive_a_restart(tmp_path: Path) -> None:
    company, state = Company(lambda: NOW), SqliteState(tmp_path / "state.db")
    sow(company, Seed(items=40))
    state.save(company.tables)
    state.close()
    loaded, state = Company(lambda: NOW), SqliteState(tmp_path / "state.db")
    state.load(loaded.tables)
    state.close()
    assert loaded.cards.find("code", "Z00001") == company.cards.find("code", "Z00001") != []
    assert sow(loaded, Seed(items=40)) == len(company.cards)


def test_a_seeded_stock_is_the_same_for_the_same_seed_and_has_what_real_ones_have() -> None:
    first, second = Company(lambda: NOW), Company(lambda: NOW)
    sow(first, Seed(items=300))
    sow(second, Seed(items=300))
    assert contents(first) == contents(second)
    cards = list(first.cards)
    eans = [card.ean for card in cards]
    assert None in eans
    assert any(card.count < 0 for card in cards)
    assert any(card.count % 1 for card in cards)
    assert {card.kind for card in cards} == {CardKind.CARD, CardKind.SERVICE, CardKind.TEXT}
    assert max(card.id for card in cards) > len(cards)
    codes_by_ean = {ean: {card.code for card in cards if card.ean == ean} for ean in eans if ean}
    assert any(len(codes) > 1 for codes in codes_by_ean.values())


def test_a_card_on_an_order_cannot_be_deleted() -> None:
    company = Company(lambda: NOW)
    card = goods.put_card(company, CardEntry("HLAVNI", "A", "A"))
    header = OrderHeader(date(2026, 1, 15), {"company": "X"})
    lines = [Line(0, "A", Decimal(1), card.id)]
    order = sales.place(
        company, header, lines, is_reserved=False, number="1", series_id=31, ids=("p", "i")
    )
    with pytest.raises(RefusedError):
        goods.delete_card(company, card.id)
    sales.delete(company, order.id)
    goods.delete_card(company, card.id)
    assert len(company.cards) == 0
