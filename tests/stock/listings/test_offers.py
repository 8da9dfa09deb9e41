"""What a channel is offered, for any stock and any rule."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from spojka.api.stock.v1.events_pb2 import StockChanged
from spojka.api.stock.v1.events_pb2 import WarehouseStock as Published
from spojka.values import format_decimal
from stock.domain.availability import Aggregation, ItemStock, WarehouseStock
from stock.listings.offers import (
    MILLIONTHS,
    OfferRule,
    Terms,
    basis,
    decide,
    decide_for_channels,
    format_millionths,
    read_stock,
)

CODES = ("A", "B", "C")
quantities = st.decimals(-50, 500, places=6)
units = st.decimals(0, 20, places=6)
stocks = st.builds(
    ItemStock,
    st.dictionaries(st.sampled_from(CODES), st.builds(WarehouseStock, quantities, units)),
    units,
)
terms = st.builds(Terms, st.sampled_from(list(Aggregation)), units)
rules = st.builds(
    OfferRule,
    warehouses=st.frozensets(st.sampled_from(CODES)),
    buffer=units,
    percent=st.integers(1, 100),
    maximum=st.none() | st.decimals(0, 100, places=6),
    fractions=st.booleans(),
)


def offered(
    stock: ItemStock | None, terms: Terms, rule: OfferRule, buffer: Decimal | None = None
) -> Decimal:
    [value] = decide([basis(stock, terms, buffer, rule.warehouses)], rule)
    return Decimal(value) / MILLIONTHS


def test_sums_of_more_digits_than_the_contracts_take_are_read() -> None:
    """Each hold keeps to the contracts; what is held in all need not."""
    there, held = "-999999999999999.5", "1999999999999999.999998"
    parts = [Published(warehouse="A", erp_available=there, held=held)]
    stock = read_stock(StockChanged(warehouses=parts, held_unassigned=held))
    assert stock == ItemStock({"A": WarehouseStock(Decimal(there), Decimal(held))}, Decimal(held))
    assert offered(stock, Terms(Aggregation.SUM, Decimal(0)), OfferRule()) == 0


@given(stocks, terms, rules)
def test_it_is_the_rule_as_it_is_written(stock: ItemStock, terms: Terms, rule: OfferRule) -> None:
    parts = [
        part.erp_available - part.held
        for code, part in stock.warehouses.items()
        if not rule.warehouses or code in rule.warehouses
    ]
    if not parts:
        there = Decimal(0)
    else:
        there = sum(parts, Decimal(0)) if terms.aggregation == "sum" else max(parts)
    share = (there - stock.held_unassigned - terms.buffer - rule.buffer) * rule.percent / 100
    place = Decimal("0.000001") if rule.fractions else Decimal(1)
    value = share.quantize(place, "ROUND_FLOOR")
    if rule.maximum is not None:
        value = min(value, rule.maximum.quantize(place, "ROUND_FLOOR"))
    assert offered(stock, terms, rule) == max(value, Decimal(0))


@given(stocks, terms, rules)
def test_over_all_warehouses_it_is_never_above_available(
    stock: ItemStock, terms: Terms, rule: OfferRule
) -> None:
    whole = replace(rule, warehouses=frozenset())
    available = stock.available(terms.aggregation, terms.buffer)
    assert Decimal(0) <= offered(stock, terms, whole) <= available
    least = OfferRule(fractions=True)
    assert offered(stock, terms, least) == available


@given(stocks, terms, rules, units, st.sampled_from(CODES))
def test_a_hold_or_a_buffer_never_raises_it(
    stock: ItemStock, terms: Terms, rule: OfferRule, more: Decimal, code: str
) -> None:
    before = offered(stock, terms, rule)
    unassigned = replace(stock, held_unassigned=stock.held_unassigned + more)
    assert offered(unassigned, terms, rule) <= before
    if code in stock.warehouses:
        part = stock.warehouses[code]
        held = {**stock.warehouses, code: replace(part, held=part.held + more)}
        assert offered(replace(stock, warehouses=held), terms, rule) <= before
    assert offered(stock, replace(terms, buffer=terms.buffer + more), rule) <= before
    assert offered(stock, terms, replace(rule, buffer=rule.buffer + more)) <= before
    assert offered(stock, terms, replace(rule, percent=max(1, rule.percent - 7))) <= before


@given(stocks, rules, units)
def test_the_sum_is_never_below_the_best_of_them(
    stock: ItemStock, rule: OfferRule, buffer: Decimal
) -> None:
    # Of warehouses where nothing is oversold: a debt in one lowers the sum only.
    there = ItemStock(
        {
            code: replace(part, erp_available=abs(part.erp_available) + part.held)
            for code, part in stock.warehouses.items()
        },
        stock.held_unassigned,
    )
    assert offered(there, Terms(Aggregation.SUM, buffer), rule) >= offered(
        there, Terms(Aggregation.MAX, buffer), rule
    )


@given(stocks, terms, rules)
def test_whole_units_unless_fractions(stock: ItemStock, terms: Terms, rule: OfferRule) -> None:
    value = offered(stock, terms, replace(rule, fractions=False))
    assert value == value.to_integral_value()
    assert value <= offered(stock, terms, replace(rule, fractions=True))


@given(stocks, terms, rules, units)
def test_an_items_own_buffer_takes_the_place_of_the_connections(
    stock: ItemStock, terms: Terms, rule: OfferRule, own: Decimal
) -> None:
    assert offered(stock, terms, rule, own) == offered(stock, replace(terms, buffer=own), rule)


@given(stocks, terms, rules)
def test_what_is_gone_is_not_offered(stock: ItemStock, terms: Terms, rule: OfferRule) -> None:
    assert offered(None, terms, rule) == 0
    assert offered(stock, replace(terms, current=False), rule) == 0


@given(st.lists(st.tuples(st.none() | stocks, st.none() | units)), terms, st.lists(rules))
def test_many_at_once_are_decided_as_one_by_one(
    stocks: list[tuple[ItemStock | None, Decimal | None]], terms: Terms, rules: list[OfferRule]
) -> None:
    decided = decide_for_channels(stocks, terms, rules)
    assert decided.keys() == set(rules)
    for rule in rules:
        assert [Decimal(value) / MILLIONTHS for value in decided[rule]] == [
            offered(stock, terms, rule, buffer) for stock, buffer in stocks
        ]


@given(st.integers(0, 10**21 - 1))
def test_millionths_are_written_as_the_decimal_they_are(value: int) -> None:
    assert format_millionths(value) == format_decimal(Decimal(value) / MILLIONTHS)
