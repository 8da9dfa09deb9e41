"""How much there is: the rule of DESIGN §4 for `sum` and `max`, clamped once."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from stock.domain.assignment import assign
from stock.domain.availability import Aggregation, ItemStock, WarehouseStock
from stock.domain.gate import LEAST_ZEROED, Gate

ZERO = Decimal(0)
amounts = st.decimals(min_value=-50, max_value=50, places=2)
held = st.decimals(min_value=0, max_value=50, places=2)
parts = st.builds(WarehouseStock, amounts, held)
codes = st.sampled_from(["MAIN", "SHOP", "NORTH"])
stocks = st.builds(ItemStock, st.dictionaries(codes, parts), held)
aggregations = st.sampled_from(Aggregation)


def test_sum_and_max_by_example() -> None:
    stock = ItemStock(
        {
            "MAIN": WarehouseStock(Decimal(5), Decimal(2)),
            "SHOP": WarehouseStock(Decimal(4), Decimal(6)),
        },
        held_unassigned=Decimal("0.5"),
    )
    # The shop's shortage counts against the sum: it is clamped at the very end only.
    assert stock.available(Aggregation.SUM, ZERO) == Decimal("0.5")
    assert stock.available(Aggregation.MAX, ZERO) == Decimal("2.5")
    assert stock.available(Aggregation.MAX, Decimal(3)) == 0


@given(stocks, aggregations, held)
def test_what_is_available_is_the_balance_clamped_once(
    stock: ItemStock, aggregation: Aggregation, buffer: Decimal
) -> None:
    balance = stock.balance(aggregation, buffer)
    assert stock.available(aggregation, buffer) == max(ZERO, balance)
    assert balance == stock.balance(aggregation, ZERO) - buffer


@given(st.dictionaries(codes, parts, min_size=1), held)
def test_the_sum_is_taken_of_signed_parts(
    warehouses: dict[str, WarehouseStock], nowhere: Decimal
) -> None:
    stock = ItemStock(warehouses, nowhere)
    figures = [part.erp_available - part.held for part in warehouses.values()]
    assert stock.balance(Aggregation.SUM, ZERO) == sum(figures) - nowhere
    assert stock.balance(Aggregation.MAX, ZERO) == max(figures) - nowhere


@given(st.dictionaries(codes, parts, min_size=1), aggregations, held, st.data())
def test_a_further_hold_never_raises_what_is_available(
    warehouses: dict[str, WarehouseStock],
    aggregation: Aggregation,
    more: Decimal,
    data: st.DataObject,
) -> None:
    before = ItemStock(warehouses)
    code = data.draw(st.sampled_from(sorted(warehouses)))
    part = warehouses[code]
    after = ItemStock({**warehouses, code: replace(part, held=part.held + more)})
    nowhere = ItemStock(warehouses, more)
    figure = before.available(aggregation, ZERO)
    assert after.available(aggregation, ZERO) <= figure
    # A hold that knows no warehouse is taken off wherever the goods are.
    assert nowhere.available(aggregation, ZERO) == max(ZERO, before.balance(aggregation, more))
    assert nowhere.available(aggregation, ZERO) <= after.available(aggregation, ZERO)


@given(stocks, aggregations, held)
def test_a_shortage_is_what_holds_lack_whatever_the_buffer(
    stock: ItemStock, aggregation: Aggregation, buffer: Decimal
) -> None:
    shortage = stock.shortage(aggregation)
    assert ZERO <= shortage <= stock.held()
    if shortage:
        assert stock.available(aggregation, buffer) == 0
        assert stock.balance(aggregation, ZERO) < 0
    elif stock.balance(aggregation, ZERO) < 0:
        assert stock.held() == 0  # The system itself is below zero: nobody was promised that.


@given(stocks, aggregations, held)
def test_the_explanation_ends_with_the_balance(
    stock: ItemStock, aggregation: Aggregation, buffer: Decimal
) -> None:
    text = stock.explain(aggregation, buffer)
    balance = stock.balance(aggregation, buffer)
    assert text.endswith(", so 0") is (balance < 0)
    assert Decimal(text.removesuffix(", so 0").rsplit(" = ", 1)[1]) == balance


@given(held, st.dictionaries(codes, amounts), st.lists(codes, unique=True))
def test_a_line_comes_from_the_first_warehouse_that_covers_it_else_the_fullest(
    quantity: Decimal, free: dict[str, Decimal], preference: list[str]
) -> None:
    chosen = assign(quantity, free, preference)
    carrying = [code for code in preference if code in free]
    covering = [code for code in carrying if free[code] >= quantity]
    if covering:
        assert chosen == covering[0]
    elif carrying:
        assert chosen is not None
        assert free[chosen] == max(free[code] for code in carrying)
    else:
        assert chosen is None


@given(st.integers(0, 200), st.integers(0, 200), st.integers(1, 100))
def test_the_gate_holds_what_is_beyond_its_share_and_not_just_a_few(
    zeroed: int, more: int, limit: int
) -> None:
    gate, stocked = Gate(limit), zeroed + more
    assert gate.holds(zeroed, stocked) is (
        zeroed >= LEAST_ZEROED and Fraction(zeroed, stocked) > Fraction(limit, 100)
    )
    assert not gate.holds(LEAST_ZEROED - 1, LEAST_ZEROED - 1)
